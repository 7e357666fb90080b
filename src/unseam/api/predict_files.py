"""The in-memory half of ``predict``: results are planned before the first pixel is read, and written whole."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.data.cases import find_cases
from unseam.data.channels import is_grey_saved_as_colour
from unseam.data.file_names import MASK_FOLDERS
from unseam.data.read_pair import as_planes, read_case
from unseam.doctor.for_model import why_black
from unseam.errors import DataError, ImageReadError, InUseError, OutputError, SettingsError
from unseam.inference.rotations import Averaging
from unseam.io import ImageFile, write_image, write_label_map, write_probabilities
from unseam.io.lock import lock_name_of, locked
from unseam.model import Model, Segmentation
from unseam.report.overlay import draw_overlay


@dataclass(frozen=True)
class ResultKinds:
    """Which results are written for each image; ``object_class`` is the index of the class whose objects are wanted."""

    classes: bool = True
    instances: bool = False
    probabilities: bool = False
    overlay: bool = False
    object_class: int | None = None


@dataclass(frozen=True)
class Job:
    """One image (or a file for each of its channels) and what will be written for it; None where a result is not wanted."""

    images: tuple[Path, ...]
    classes: Path | None
    instances: Path | None
    probabilities: Path | None
    overlay: Path | None

    @property
    def image(self) -> Path:
        """Its first file."""
        return self.images[0]

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that are wanted."""
        paths = (self.classes, self.instances, self.probabilities, self.overlay)
        return tuple(path for path in paths if path is not None)


@dataclass(frozen=True)
class Result:
    """A phrase on what was found in an image, and notes on how it was read."""

    summary: str
    notes: tuple[str, ...]


def plan_outputs(
    images: Sequence[Path], out: Path, wanted: ResultKinds, *, overwrite: bool, skip_existing: bool = False
) -> list[Job]:
    """Find the images and name the results, before anything is computed.

    With ``skip_existing`` only missing results are planned, since a file that is there is whole. An image without any gives
    no job.

    Raises
    ------
    DataError
        If there is no image, or two of them would get the same result.
    OutputError
        If a result is there already and is neither overwritten nor skipped, or may be the image's annotation.
    SettingsError
        If existing results should be both overwritten and skipped.
    """
    if overwrite and skip_existing:
        raise SettingsError(
            "--overwrite and --skip-existing were given; results that are there are either replaced or left. Give one."
        )
    jobs: dict[str, Job] = {}
    for case in find_cases(images):
        if case.name in jobs:
            raise DataError(
                f"{jobs[case.name].image} and {case.images[0]} would both be written to {out / case.name}_... "
                "Rename one of them, or predict them into two folders."
            )
        paths = (
            out / f"{case.name}_classes.tif" if wanted.classes else None,
            out / f"{case.name}_masks.tif" if wanted.instances else None,
            out / f"{case.name}_prob.tif" if wanted.probabilities else None,
            out / f"{case.name}_overlay.png" if wanted.overlay else None,
        )
        jobs[case.name] = Job(case.images, *paths)
    if skip_existing:
        return [left for job in jobs.values() if (left := _left_to_do(job)).outputs]
    there = [path for job in jobs.values() for path in job.outputs if path.exists()]
    if there and not overwrite:
        raise OutputError(
            f"{there[0]} is there already, and nothing is overwritten. Give --overwrite, --skip-existing to go on where an "
            "earlier call stopped, or another --out."
        )
    for job in jobs.values():
        _spare_annotations(job, out)
    return list(jobs.values())


def _left_to_do(job: Job) -> Job:
    paths = (job.classes, job.instances, job.probabilities, job.overlay)
    return Job(job.images, *(None if path is not None and path.exists() else path for path in paths))


def _spare_annotations(job: Job, out: Path) -> None:
    """A label map next to its image, or in a folder of masks, may be painted by hand: it is never replaced."""
    here, beside = out.resolve(), job.image.resolve().parent
    is_masks = here.name.lower() in MASK_FOLDERS and here.parent == beside.parent
    for path in (job.classes, job.instances):
        if path is not None and path.exists() and (here == beside or is_masks):
            raise OutputError(
                f"{path} is there already and may be the annotation of {job.image.name}, so it is not even overwritten. Give "
                "another --out."
            )


def unclaimed(jobs: Sequence[Job], out: Path) -> Iterator[Job]:
    """The jobs that no other process has done or is doing. Each is locked until the next one is taken.

    So any number of processes may share the same images with ``--skip-existing``, and no image is computed twice.
    """
    for job in jobs:
        name = job.outputs[0].name.rsplit("_", 1)[0]
        with suppress(InUseError), locked(out, f"segmenting {job.image.name}", name=lock_name_of(name)):
            left = _left_to_do(job)
            if left.outputs:
                yield left


def predict_file(
    model: Model,
    job: Job,
    wanted: ResultKinds,
    *,
    max_input_tile: int,
    average: Averaging,
    on_tile: Callable[[int, int], None] | None = None,
    max_memory: int | None = None,
) -> Result:
    """Read an image, segment each of its planes, and write what is wanted with the image's pixel size.

    ``max_memory`` is the most that this process may hold, bytes; see :meth:`unseam.Model.predict`. For a stack, room for the
    results of the remaining planes is subtracted from it.

    Raises
    ------
    ImageReadError, DataError
        If the file is no image that this model can segment; names the file.
    MemoryShortError
        If not even the smallest tile fits into the memory.
    """
    file = _as_the_model_knows(model, read_case(job.images))
    try:
        planes = file.planes()
        parts: list[Segmentation] = []
        for plane in planes:
            to_come = len(planes) - len(parts) - 1
            reserved = to_come * 4 * model.info.net.num_classes * plane.shape[0] * plane.shape[1]
            left = None if max_memory is None else max(1, max_memory - reserved)
            parts.append(
                model.predict(plane, max_input_tile=max_input_tile, average=average, on_tile=on_tile, max_memory=left)
            )
    except ImageReadError:
        raise
    except DataError as error:
        raise DataError(f"{job.image}: {error}") from error
    instances = [part.instances_of(wanted.object_class) for part in parts] if wanted.instances else []
    if job.classes is not None:
        write_label_map(job.classes, file.stacked([part.classes for part in parts]), file.spacing_um, file.plane_axes)
    if job.instances is not None:
        write_label_map(job.instances, file.stacked(instances), file.spacing_um, file.plane_axes)
    if job.probabilities is not None:
        probabilities = file.stacked([part.probabilities for part in parts])
        write_probabilities(job.probabilities, probabilities, file.spacing_um, file.plane_axes)
    if job.overlay is not None:
        labels = instances[0] if instances else parts[0].class_indices
        write_image(job.overlay, draw_overlay(planes[0], labels))
    return Result(_summary(parts, instances), file.notes + _notes(model, file, parts, job))


def _as_the_model_knows(model: Model, file: ImageFile) -> ImageFile:
    """Where the model knows grey images only, channels before the rows are the planes of a stack."""
    if model.info.net.in_channels == 1 and file.axes == "CYX" and not is_grey_saved_as_colour(file.planes()[0]):
        return as_planes(file, "the model was trained on one channel")
    return file


def _summary(parts: Sequence[Segmentation], instances: Sequence[np.ndarray]) -> str:
    height, width = parts[0].probabilities.shape[1:]
    size = f"{width} x {height} px" if len(parts) == 1 else f"{len(parts)} planes of {width} x {height} px"
    if instances:
        return f"{size}, {sum(int(ids.max()) for ids in instances)} objects"
    covered = np.mean([np.mean(part.class_indices > 0) for part in parts])
    return f"{size}, {covered:.1%} foreground"


def _notes(model: Model, file: ImageFile, parts: Sequence[Segmentation], job: Job) -> tuple[str, ...]:
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    if not any(part.class_indices.any() for part in parts):
        notes.append(why_black(file.planes(), model.info, job.image))
    trained, spacing_um = model.info.spacing_um, file.spacing_um
    if trained and spacing_um and not 0.67 < spacing_um[0] / trained[0] < 1.5:
        notes.append(
            f"its pixels are {spacing_um[0]:g} um, those of the training images {trained[0]:g} um: "
            "objects look larger or smaller to the model than those it knows; resize the image first"
        )
    if len(parts) > 1 and job.overlay:
        notes.append("a stack: the overlay is that of its first plane")
    return tuple(notes)
