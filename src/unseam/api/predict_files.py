"""The part of ``predict`` that works in memory. It names all results before it reads the first pixel."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unseam.data.cases import find_cases
from unseam.data.channels import planes_hint, reading_hint
from unseam.data.file_names import MASK_FOLDERS, normal_form
from unseam.data.orientations import as_stack, check_volume
from unseam.data.pixel_size import describe_other_size
from unseam.data.read_pair import as_model_reads, read_case
from unseam.data.rescale import Ratio, back_to, nearest, ratio_to, rescaled
from unseam.data.stack_ranges import stack_note
from unseam.doctor.for_model import why_black
from unseam.errors import DataError, ImageReadError, InUseError, OutputError, SettingsError
from unseam.io import ImageFile, write_image, write_label_map, write_probabilities
from unseam.io.lock import lock_name_of, locked
from unseam.io.output_folder import is_case_blind
from unseam.io.write import naming
from unseam.model import Model, Segmentation
from unseam.model.any_image import takes_any_image
from unseam.model.object_size import Size
from unseam.report.overlay import draw_overlay


@dataclass(frozen=True)
class ResultKinds:
    """The results to write for each image; ``object_class`` is the index of the class whose objects are wanted."""

    classes: bool = True
    instances: bool = False
    probabilities: bool = False
    overlay: bool = False
    object_class: int | None = None


@dataclass(frozen=True)
class Reading:
    """How an image is read: the diameter of its objects and its smallest object, in its px; its channels, counted from 0."""

    diameter: float | None = None
    min_size: int | None = None
    channels: tuple[int, ...] = ()


_AS_IT_IS = Reading()


@dataclass(frozen=True)
class Job:
    """One image (or one file per channel) and the results to write; None for results that are not wanted."""

    images: tuple[Path, ...]
    classes: Path | None
    instances: Path | None
    probabilities: Path | None
    overlay: Path | None

    @property
    def image(self) -> Path:
        return self.images[0]

    @property
    def outputs(self) -> tuple[Path, ...]:
        paths = (self.classes, self.instances, self.probabilities, self.overlay)
        return tuple(path for path in paths if path is not None)


@dataclass(frozen=True)
class Result:
    """A phrase on the content of an image, and notes on how it was read."""

    summary: str
    notes: tuple[str, ...]


def plan_outputs(
    images: Sequence[Path], out: Path, wanted: ResultKinds, *, overwrite: bool, skip_existing: bool = False
) -> list[Job]:
    """Find the images and name their results. Raises the errors of ``predict`` before anything is computed.

    With ``skip_existing`` only missing results are planned (files are written complete or not at all, so an existing one is
    complete), and an image without missing results gets no job.
    """
    if overwrite and skip_existing:
        raise SettingsError("--overwrite replaces existing results, --skip-existing keeps them. Give one of the two.")
    jobs: dict[str, Job] = {}
    is_blind = is_case_blind(out)
    for case in find_cases(images):
        key = normal_form(case.name).casefold() if is_blind else case.name
        if key in jobs:
            raise DataError(
                f"{jobs[key].image} and {case.images[0]} would both be written to {out / case.name}_... "
                "Rename one of them, or predict them into two folders."
            )
        paths = (
            out / f"{case.name}_classes.tif" if wanted.classes else None,
            out / f"{case.name}_masks.tif" if wanted.instances else None,
            out / f"{case.name}_prob.tif" if wanted.probabilities else None,
            out / f"{case.name}_overlay.png" if wanted.overlay else None,
        )
        jobs[key] = Job(case.images, *paths)
    if skip_existing:
        return [missing for job in jobs.values() if (missing := _only_missing(job)).outputs]
    existing = [path for job in jobs.values() for path in job.outputs if os.path.exists(path)]
    if existing and not overwrite:
        raise OutputError(
            f"{existing[0]} already exists and is not overwritten. Give --overwrite, --skip-existing to continue an earlier "
            "call, or another --out."
        )
    for job in jobs.values():
        _protect_annotations(job, out)
    return list(jobs.values())


def _only_missing(job: Job) -> Job:
    paths = (job.classes, job.instances, job.probabilities, job.overlay)
    return Job(job.images, *(None if path is not None and os.path.exists(path) else path for path in paths))


def _protect_annotations(job: Job, out: Path) -> None:
    """Refuse to replace a label map next to its image or in a folder of masks: someone may have painted it by hand."""
    folder, image_folder = out.resolve(), job.image.resolve().parent
    is_masks = folder.name.lower() in MASK_FOLDERS and folder.parent == image_folder.parent
    for path in (job.classes, job.instances):
        if path is not None and os.path.exists(path) and (folder == image_folder or is_masks):
            raise OutputError(
                f"{path} already exists and may be the annotation of {job.image.name}, so --overwrite does not replace it. "
                "Give another --out."
            )


def skip_claimed(jobs: Sequence[Job], out: Path) -> Iterator[Job]:
    """Yield the jobs that no other process has done or is doing, and lock each until the next one.

    Several processes may therefore share the images with ``--skip-existing``, and no image is computed twice.
    """
    for job in jobs:
        name = job.outputs[0].name.rsplit("_", 1)[0]
        with suppress(InUseError), locked(out, f"segmenting {job.image.name}", name=lock_name_of(name)):
            missing = _only_missing(job)  # again, under the lock: another process may have finished it meanwhile
            if missing.outputs:
                yield missing


def check_names(paths: Iterable[Path]) -> None:
    """Raise OutputError, with errno, if a result has a name that its folder cannot hold."""
    for path in paths:
        with naming(path), suppress(FileNotFoundError):
            os.lstat(path)


def is_about_name(error: OutputError) -> bool:
    """Return whether a name is at fault, so that other results can be written."""
    return error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)


def predict_file(
    model: Model,
    job: Job,
    wanted: ResultKinds,
    *,
    max_input_tile: int,
    on_tile: Callable[[int, int], None] | None = None,
    max_memory: int | None = None,
    rescale: bool = False,
    reading: Reading = _AS_IT_IS,
) -> Result:
    """Read an image, segment each plane, and write the wanted results with the size and place of the image.

    ``max_memory`` (bytes) is that of :meth:`unseam.Model.predict`. With ``rescale`` the network sees pixels of the size that it
    learnt from, and the results have those of the image. Object sizes are measured in the middle plane. ImageReadError and
    DataError name the file.
    """
    file = read_case(job.images)
    file = file.with_channels(reading.channels) if reading.channels else file
    file = as_model_reads(file, model.info.net.in_channels)
    if model.info.average == "planes" and "Z" in file.axes:
        return _predict_volume(model, job, wanted, file, max_input_tile, on_tile, max_memory)
    planes = file.planes()
    known_um = model.info.spacing_um  # with rescale it is known: that was checked before the first image
    ratio = ratio_to(file.spacing_um, known_um, str(job.image)) if rescale and known_um is not None else (1.0, 1.0)
    try:
        seen = [rescaled(plane, ratio) for plane in planes]
        ranges = model.grey_ranges(seen)
        # The range of a plane alone is that of its resampled pixels, as in the training of a network that resamples.
        of_stack = model.info.normalise.over == "stack" or not takes_any_image(model.info)
        diameter: float | Size | None = reading.diameter
        if diameter is None and takes_any_image(model.info):
            diameter = model.measure_size(planes[len(planes) // 2])
        parts: list[Segmentation] = []
        for plane, own in zip(seen, ranges, strict=True):
            # The results of all planes are held until the file is written, so room is reserved for the remaining ones.
            num_remaining = len(planes) - len(parts) - 1
            reserved = num_remaining * 4 * model.info.net.num_classes * plane.shape[0] * plane.shape[1]
            most = None if max_memory is None else max(1, max_memory - reserved)
            part = model.predict(
                plane,
                max_input_tile=max_input_tile,
                on_tile=on_tile,
                max_memory=most,
                ranges=own if of_stack else None,
                diameter=diameter,
            )
            if reading.min_size is not None:
                part = replace(part, objects=replace(part.objects, min_size=reading.min_size))
            parts.append(part)
    except ImageReadError:
        raise
    except DataError as error:
        hint = planes_hint(len(planes)) if len(planes) == model.info.net.in_channels > 1 == file.num_channels else ""
        raise DataError(f"{job.image}: {error}{hint}{reading_hint(file.notes)}") from error
    notes = stack_note(ranges, model.info.normalise, "--normalise-over stack")
    instances = [part.instances_of(wanted.object_class) for part in parts] if wanted.instances else []
    if ratio != (1.0, 1.0):  # objects part where the network parts them, in its own pixels
        instances = [_renumbered(nearest(ids, *plane.shape[:2])) for ids, plane in zip(instances, planes, strict=False)]
        maps = [back_to(part.probabilities, *plane.shape[:2]) for part, plane in zip(parts, planes, strict=True)]
        parts = [replace(part, probabilities=of_one) for part, of_one in zip(parts, maps, strict=True)]
    told = file.notes + notes + _notes(model, file, parts, job, ratio)
    return _write(model, job, file, parts, instances, told)


def _predict_volume(
    model: Model,
    job: Job,
    wanted: ResultKinds,
    file: ImageFile,
    max_input_tile: int,
    on_tile: Callable[[int, int], None] | None,
    max_memory: int | None,
) -> Result:
    """Segment a volume in three orientations; objects are those of each plane."""
    try:
        check_volume(file, "its volume")
        found = model.predict_volume(as_stack(file), max_input_tile=max_input_tile, on_plane=on_tile, max_memory=max_memory)
    except DataError as error:
        raise DataError(f"{job.image}: {error}") from error
    parts = [replace(found, probabilities=maps) for maps in np.moveaxis(found.probabilities, 1, 0)]
    instances = [part.instances_of(wanted.object_class) for part in parts] if wanted.instances else []
    told = (*file.notes, "the mean over three orientations of the volume", *_notes(model, file, parts, job, (1.0, 1.0)))
    return _write(model, job, file, parts, instances, told)


def _write(
    model: Model,
    job: Job,
    file: ImageFile,
    parts: Sequence[Segmentation],
    instances: Sequence[np.ndarray],
    told: tuple[str, ...],
) -> Result:
    """Write the wanted results of all planes."""
    if job.classes is not None:
        names = model.info.names_of_values
        write_label_map(job.classes, file.stacked([part.classes for part in parts]), file.calibration, file.plane_axes, names)
    if job.instances is not None:
        write_label_map(job.instances, file.stacked(instances), file.calibration, file.plane_axes)
    if job.probabilities is not None:
        probabilities = file.stacked([part.probabilities for part in parts])
        write_probabilities(job.probabilities, probabilities, file.calibration, file.plane_axes, model.info.map_names)
    if job.overlay is not None:
        labels = instances[0] if instances else parts[0].class_indices
        write_image(job.overlay, draw_overlay(file.planes()[0], labels))
    return Result(_summary(parts, instances), told)


def _renumbered(ids: np.ndarray) -> np.ndarray:
    """Number objects without gaps: a small one may have no pixel left."""
    left, places = np.unique(np.append(0, ids), return_inverse=True)
    numbers = np.arange(len(left), dtype=ids.dtype)
    return numbers[places.ravel()[1:]].reshape(ids.shape)


def _summary(parts: Sequence[Segmentation], instances: Sequence[np.ndarray]) -> str:
    height, width = parts[0].probabilities.shape[1:]
    size = f"{width} x {height} px" if len(parts) == 1 else f"{len(parts)} planes of {width} x {height} px"
    if instances:
        return f"{size}, {sum(int(ids.max()) for ids in instances)} objects"
    covered = np.mean([np.mean(part.class_indices > 0) for part in parts])
    return f"{size}, {covered:.1%} foreground"


def _notes(model: Model, file: ImageFile, parts: Sequence[Segmentation], job: Job, ratio: Ratio) -> tuple[str, ...]:
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    if not any(part.class_indices.any() for part in parts):
        notes.append(why_black(file.planes(), model.info, job.image))
    if ratio != (1.0, 1.0):
        notes.append(f"resampled by {ratio[0]:.3g} to pixels of the size of the training images, and the results back")
    elif other_size := describe_other_size(file.spacing_um, model.info.spacing_um):
        notes.append(f"{other_size}: objects look larger or smaller than those in training; --rescale resamples the image")
    if len(parts) > 1 and job.overlay:
        notes.append("a stack: the overlay shows its first plane")
    return tuple(notes)
