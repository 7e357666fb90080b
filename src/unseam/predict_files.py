"""Prediction from file to file: results are planned before the first pixel is read, and written whole."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.data.file_names import find_images, stem
from unseam.errors import DataError, ImageReadError, OutputError
from unseam.inference.rotations import Averaging
from unseam.io import read_image, write_image, write_label_map, write_probabilities
from unseam.model import Model, Segmentation
from unseam.report.overlay import overlay


@dataclass(frozen=True)
class Wanted:
    """Which results are written for each image; ``object_class`` is the index of the class whose objects are wanted."""

    classes: bool = True
    instances: bool = False
    probabilities: bool = False
    overlay: bool = False
    object_class: int | None = None


@dataclass(frozen=True)
class Job:
    """One image and the files that will be written for it; None where a result is not wanted."""

    image: Path
    classes: Path | None
    instances: Path | None
    probabilities: Path | None
    overlay: Path | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that are wanted."""
        paths = (self.classes, self.instances, self.probabilities, self.overlay)
        return tuple(path for path in paths if path is not None)


@dataclass(frozen=True)
class Result:
    """What became of a job: a phrase for the user, and notes on how the image was read."""

    summary: str
    notes: tuple[str, ...]


def plan_outputs(images: Sequence[Path], out: Path, wanted: Wanted, *, overwrite: bool) -> list[Job]:
    """Find the images and name the results, before anything is computed.

    Raises
    ------
    DataError
        If there is no image, or two of them would get the same result.
    OutputError
        If a result is there already and is not to be overwritten.
    """
    jobs: list[Job] = []
    taken: dict[str, Path] = {}
    for image in find_images(images):
        name = stem(image)
        if name in taken:
            raise DataError(
                f"{taken[name]} and {image} would both be written to {out / name}_... "
                "Rename one of them, or predict them into two folders."
            )
        taken[name] = image
        jobs.append(
            Job(
                image,
                out / f"{name}_classes.tif" if wanted.classes else None,
                out / f"{name}_masks.tif" if wanted.instances else None,
                out / f"{name}_prob.tif" if wanted.probabilities else None,
                out / f"{name}_overlay.png" if wanted.overlay else None,
            )
        )
    there = [path for job in jobs for path in job.outputs if path.exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]} is there already, and nothing is overwritten. Give --overwrite or another --out.")
    return jobs


@contextmanager
def result_folder(out: Path) -> Iterator[None]:
    """Make the folder for results before anything is computed; if nothing came to be written, it goes again.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror}).") from error
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):  # only an empty folder can be removed
                out.rmdir()


def predict_file(
    model: Model,
    job: Job,
    wanted: Wanted,
    *,
    max_input_tile: int,
    average: Averaging,
    on_tile: Callable[[int, int], None] | None = None,
) -> Result:
    """Read an image, segment each of its planes, and write what is wanted with the image's pixel size.

    Raises
    ------
    ImageReadError, DataError
        If the file is no image that this model can segment; names the file.
    """
    file = read_image(job.image)
    try:
        planes = file.planes()
        parts = [
            model.predict(plane, max_input_tile=max_input_tile, average=average, on_tile=on_tile) for plane in planes
        ]
    except ImageReadError:
        raise
    except DataError as error:
        raise DataError(f"{job.image}: {error}") from error
    instances = [part.instances_of(wanted.object_class) for part in parts] if wanted.instances else []
    if job.classes is not None:
        write_label_map(job.classes, _stacked([part.classes for part in parts]), file.spacing_um)
    if job.instances is not None:
        write_label_map(job.instances, _stacked(instances), file.spacing_um)
    if job.probabilities is not None:
        write_probabilities(job.probabilities, parts[0].probabilities, file.spacing_um)
    if job.overlay is not None:
        labels = instances[0] if instances else parts[0].probabilities.argmax(axis=0)
        write_image(job.overlay, overlay(planes[0], labels))
    return Result(_summary(parts, instances), file.notes + _notes(model, file.spacing_um, parts, job))


def _stacked(maps: Sequence[np.ndarray]) -> np.ndarray:
    return maps[0] if len(maps) == 1 else np.stack(maps)


def _summary(parts: Sequence[Segmentation], instances: Sequence[np.ndarray]) -> str:
    height, width = parts[0].probabilities.shape[1:]
    size = f"{width} x {height} px" if len(parts) == 1 else f"{len(parts)} planes of {width} x {height} px"
    if instances:
        return f"{size}, {sum(int(ids.max()) for ids in instances)} objects"
    covered = np.mean([np.mean(part.probabilities.argmax(axis=0) > 0) for part in parts])
    return f"{size}, {covered:.1%} foreground"


def _notes(
    model: Model, spacing_um: tuple[float, float] | None, parts: Sequence[Segmentation], job: Job
) -> tuple[str, ...]:
    notes: list[str] = []
    if all(not part.probabilities[1:].max() > 0.5 for part in parts):
        notes.append(
            "nothing but background was found. Is this image like those the model was trained on (unseam info), with "
            "objects of a like size in pixels, bright and dark the same way round?"
        )
    trained = model.info.spacing_um
    if trained and spacing_um and not 0.67 < spacing_um[0] / trained[0] < 1.5:
        notes.append(
            f"its pixels are {spacing_um[0]:g} um, those of the training images {trained[0]:g} um: "
            "objects look larger or smaller to the model than those it knows; resize the image first"
        )
    if len(parts) > 1 and (job.probabilities or job.overlay):
        notes.append("a stack: probabilities and overlay are those of its first plane")
    return tuple(notes)
