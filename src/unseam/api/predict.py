"""``predict``: from image files to files of classes and objects, in memory or chunk by chunk."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from unseam.api import predict_files
from unseam.errors import DataError, ImageReadError, SettingsError, UnseamError
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.inference.rotations import Averaging
from unseam.io import make_folders
from unseam.io.large import is_store
from unseam.io.output_folder import output_folder
from unseam.machine.memory import parse_bytes
from unseam.model import Model
from unseam.scale.folder import is_one_result, work_folder
from unseam.scale.predict_large import LargeResult, Progress
from unseam.scale.predict_store import Save, predict_store


@dataclass(frozen=True)
class Predicted:
    """An image (its first file), the files or the store that were written, and a phrase on its size and content."""

    image: Path
    outputs: tuple[Path, ...]
    summary: str

    def __str__(self) -> str:
        return f"{self.image}: {self.summary} -> {', '.join(str(path) for path in self.outputs)}"


@dataclass(frozen=True)
class PredictWatch:
    """Functions that prediction calls; each does nothing unless the caller gives another one.

    ``tell`` gets sentences, ``on_progress`` (what is computed, parts done, parts in all), ``on_result`` each finished image.
    """

    tell: Callable[[str], None] = lambda _: None
    on_progress: Callable[[str, int, int], None] = lambda *_: None
    on_result: Callable[[Predicted], None] = lambda _: None


def predict(  # noqa: PLR0913 - the public face: each argument is a word that a user reaches for
    model: Model | str | Path,
    images: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    save: Save = "auto",
    probabilities: bool = False,
    overlay: bool = False,
    objects_of: str | None = None,
    threshold: float | None = None,
    min_size: int | None = None,
    average: Averaging = "none",
    max_input_tile: int = DEFAULT_INPUT_TILE,
    max_memory: str | int | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    probabilities_as: Literal["float16", "uint8"] | None = None,
    fill_missing: bool = False,
    channels: Sequence[int] = (),
    watch: PredictWatch | None = None,
) -> tuple[Predicted, ...]:
    """Segment image files of any size, as ``unseam predict`` does. :meth:`unseam.Model.predict` segments one array.

    Images are read whole. OME-Zarr stores, and any image whose result is named ``.zarr`` or ``.tif``, are read and written
    chunk by chunk and need not fit into memory.

    Parameters
    ----------
    model
        A model, or its file or run folder.
    images
        Image files, folders of images, data sets in any layout that training knows, OME-Zarr stores; one or several.
    out
        Folder for the results, or the name of one large result.
    save
        Write the class maps, the instance maps or both; ``auto``: instance maps if the model was trained on objects.
    probabilities
        Write the probabilities of the classes as well.
    overlay
        Write a picture of the outlines on each image as well.
    objects_of
        Name or value of the class whose objects are wanted; None: all classes but the background together.
    threshold, min_size
        Probability above which an object starts, and the smallest object, px; None: the model's own.
    average
        Mean over ``rotations`` (seven, as in the paper) or ``flips`` (eight).
    max_input_tile
        Largest input tile, px.
    max_memory
        Most memory that may be held, ``"2GB"`` or bytes: of this process; of all workers together; of each on a cluster.
    overwrite, skip_existing
        Replace results that are there, or leave them and write the missing ones.
    resume
        Large images: continue what an earlier call left unfinished.
    workers, scheduler
        Large images: number of processes on this machine, or address of a Dask scheduler whose workers compute.
    probabilities_as
        Large images: write the probabilities in this type.
    fill_missing
        Large images: take a missing chunk for its fill value.
    channels
        Large images: channels that the model sees, counted from 0; empty: all.
    watch
        Functions that are called meanwhile.

    Returns
    -------
    tuple of Predicted
        The images that were segmented now, in order; without those that ``skip_existing`` left out.

    Raises
    ------
    SettingsError
        If options contradict each other or have no effect on these images.
    DataError
        If there is no image, or two have the same result. At the end, if some images could not be segmented; the results of
        the others are written.
    OutputError
        If a result is already there or cannot be written; :class:`~unseam.errors.InUseError` if another process uses it.
    ModelFileError, ImageReadError, MemoryShortError, ClusterError
        If the model or a store cannot be read, memory is too small, or workers fail.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    paths = (Path(images),) if isinstance(images, str | Path) else tuple(Path(image) for image in images)
    out, watch = Path(out), watch or PredictWatch()
    saves_objects = save in ("instances", "both") or (save == "auto" and model.info.kind_facts.has_objects)
    saves_classes = save in ("classes", "both") or not saves_objects
    if not saves_objects:
        given = {"--objects-of": objects_of, "--threshold": threshold, "--min-size": min_size}
        _refuse(given, "this is about objects, and none are written. Add --save instances or --save both.")
    model = _with_objects(model, threshold, min_size)
    object_class = model.info.class_index(objects_of) if objects_of is not None else None

    stores = paths if is_one_result(out) else tuple(path for path in paths if is_store(path))
    files = tuple(path for path in paths if path not in stores)
    if not stores:
        large: dict[str, object] = {"--resume": resume, "--workers": workers, "--scheduler": scheduler}
        large["--probabilities-as"] = probabilities_as
        large |= {"--missing-chunks": fill_missing, "--channel": tuple(channels) or None}
        _refuse(large, "this is about large images. Give a Zarr store, or --out a name that ends in .zarr or .tif.")
    results: list[Predicted] = []
    if stores:
        small = {"--overlay": overlay, "--skip-existing": skip_existing, "--average": average != "none"}
        _refuse(small, "for a large image there is no such thing. Leave it out, or give images that fit into memory.")
        segment = partial(
            predict_store,
            model,
            save="both" if saves_classes and saves_objects else "instances" if saves_objects else "classes",
            probabilities=probabilities_as or ("float16" if probabilities else "none"),
            object_class=object_class,
            workers=workers,
            scheduler=scheduler,
            max_memory=max_memory,
            max_input_tile=max_input_tile,
            overwrite=overwrite,
            fill_missing=fill_missing,
            channels=tuple(channels),
        )
        results += _predict_stores(model, segment, stores, out, watch, resume=resume)
    if files or not stores:
        wanted = predict_files.ResultKinds(saves_classes, saves_objects, probabilities, overlay, object_class)
        options: dict[str, Any] = {"max_input_tile": max_input_tile, "average": average}
        options["max_memory"] = None if max_memory is None else parse_bytes(max_memory)
        with output_folder(out, "prediction", is_shared=skip_existing):
            jobs = predict_files.plan_outputs(files, out, wanted, overwrite=overwrite, skip_existing=skip_existing)
            todo = predict_files.skip_claimed(jobs, out) if skip_existing else jobs
            results += _predict_jobs(model, todo, len(jobs), wanted, options, watch)
    return tuple(results)


def _refuse(given: Mapping[str, object], why: str) -> None:
    """Refuse options that would have no effect."""
    vain = [name for name, value in given.items() if value not in (None, False)]
    if vain:
        raise SettingsError(f"{', '.join(vain)}: {why}")


def _with_objects(model: Model, threshold: float | None, min_size: int | None) -> Model:
    """The model with the caller's settings for objects."""
    if threshold is not None:
        model = model.with_objects(replace(model.info.objects, threshold=threshold))
    if min_size is not None:
        model = model.with_objects(replace(model.info.objects, min_size=min_size))
    return model


def _predict_jobs(
    model: Model,
    jobs: Iterable[predict_files.Job],
    num_jobs: int,
    wanted: predict_files.ResultKinds,
    options: Mapping[str, Any],
    watch: PredictWatch,
) -> list[Predicted]:
    """Segment image after image; one that cannot be segmented does not stop the others."""
    results: list[Predicted] = []
    failed: list[UnseamError] = []
    for job in jobs:
        on_tile = partial(watch.on_progress, job.image.name)
        try:
            result = predict_files.predict_file(model, job, wanted, on_tile=on_tile, **options)
        except (ImageReadError, DataError) as error:  # this image's own fault
            failed.append(error)
            continue
        for note in result.notes:
            watch.tell(f"{job.image.name}: {note}")
        results.append(Predicted(job.image, job.outputs, result.summary))
        watch.on_result(results[-1])
    if results:
        watch.tell(f"computed with {model.engine}")
    if failed:
        others = f" {len(failed)} of {num_jobs} images were left out; the others are written." if num_jobs > 1 else ""
        raise DataError("\n".join(str(error) for error in failed) + others)
    return results


def _predict_stores(
    model: Model,
    segment: Callable[..., LargeResult],
    images: Sequence[Path],
    out: Path,
    watch: PredictWatch,
    *,
    resume: bool,
) -> list[Predicted]:
    """Segment large images: one into the result that ``out`` names, or each into a store of the folder ``out``."""
    if is_one_result(out):
        if len(images) != 1:
            raise DataError(f"{len(images)} images came, and {out} is one result. Give one image, or a folder with --out.")
        return [_predict_one_store(model, partial(segment, images[0], out, resume=resume), images[0], out, watch)]
    stores = [out / f"{image.name.split('.')[0]}_seg.ome.zarr" for image in images]
    if len(set(stores)) < len(stores):
        raise DataError(
            f"Two of the images would be written to the same store in {out}. Give one call for each, with its own --out."
        )
    make_folders(out)
    results = []
    for image, store in zip(images, stores, strict=True):
        is_begun = (work_folder(store) / "plan.json").exists()
        if resume and store.exists() and not is_begun:
            results.append(Predicted(image, (store,), "the result is there already"))
            watch.on_result(results[-1])
            continue
        run = partial(segment, image, store, resume=resume and is_begun)
        results.append(_predict_one_store(model, run, image, store, watch))
    return results


def _predict_one_store(
    model: Model, run: Callable[..., LargeResult], image: Path, out: Path, watch: PredictWatch
) -> Predicted:
    """Segment one large image, and say how to continue if it is interrupted."""
    is_begun = False

    def on_chunk(what: str, done: int, total: int) -> None:
        nonlocal is_begun
        is_begun = True
        watch.on_progress(what, done, total)

    try:
        found = run(progress=Progress(watch.tell, on_chunk))
    except BaseException:
        if is_begun:
            watch.tell(f"what is finished is kept in {work_folder(out)}; the same command with --resume continues")
        raise
    if not found.foreground:
        watch.tell("nothing but background was found: is the image like those trained on? (unseam check IMAGES --model MODEL)")
    objects = f", {found.num_objects} objects" if found.num_objects is not None else ""
    planes = f"{found.num_planes} planes, " if found.num_planes > 1 else ""
    size = f"{planes}{sum(found.num_pixels):,} px in {found.num_chunks} chunks"
    result = Predicted(image, (found.path,), f"{size}, {found.foreground:.1%} foreground{objects}")
    watch.on_result(result)
    watch.tell(f"computed with {model.engine}")
    return result
