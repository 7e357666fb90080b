"""``predict``: segment image files into files of classes and objects, in memory or chunk by chunk."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from unseam.api import predict_files
from unseam.api.measure_files import check_table, measure_predicted, table_beside
from unseam.api.predict_watch import Predicted, PredictWatch
from unseam.data.cases import find_images_left_out
from unseam.errors import DataError, ImageReadError, OutputError, SettingsError, UnseamError
from unseam.inference import DEFAULT_INPUT_TILE, Averaging
from unseam.io import make_folders
from unseam.io.large import is_store
from unseam.io.output_folder import output_folder
from unseam.machine.memory import parse_bytes
from unseam.model import Model
from unseam.scale.folder import is_one_result, probability_store, work_folder
from unseam.scale.predict_large import LargeResult, Progress
from unseam.scale.predict_store import Save, predict_store

__all__ = ["Predicted", "PredictWatch", "predict"]


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
    split: float | None = None,
    min_size: int | None = None,
    average: Averaging | None = None,
    normalise_over: Literal["plane", "stack"] | None = None,
    rescale: bool = False,
    max_input_tile: int = DEFAULT_INPUT_TILE,
    max_memory: str | int | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    probabilities_as: Literal["uint8", "float16"] | None = None,
    fill_missing: bool = False,
    channels: Sequence[int] = (),
    table: bool = False,
    watch: PredictWatch | None = None,
) -> tuple[Predicted, ...]:
    """Segment image files of any size, as ``unseam predict`` does. :meth:`unseam.Model.predict` segments one array.

    An image file is read into memory. An OME-Zarr store is read and written chunk by chunk and may be larger than memory; so is
    any image if ``out`` ends in ``.zarr`` or ``.tif``.

    Parameters
    ----------
    model
        A model, its file or its run folder.
    images
        Image files, folders of images, data sets in any layout that training can read, OME-Zarr stores; one or several.
    out
        Folder for the results, or the name of one large result.
    save
        Write the class maps, the instance maps or both; ``auto``: instance maps if the model was trained on objects.
    probabilities
        Also write the probability of each class.
    overlay
        Also write a picture of each image with its segmentation.
    objects_of
        Name or value of the class whose objects are wanted; None: all classes but the background together.
    threshold, split, min_size
        Probability above which an object starts, the share of an object that each part of it must have to be an object of its
        own (0: no parts), and the smallest object, px; None: those of the model.
    average
        Average over ``rotations`` (seven, as in the paper; not for large images), ``flips`` (eight) or ``none``; None: as the
        model was trained to.
    normalise_over
        Range of grey values: each ``plane`` has its own, or all planes of a ``stack`` have one; None: as in training.
    rescale
        Resample each image to the pixel size of the training images, and the results back to its own pixels; not for large
        images.
    max_input_tile
        Largest input tile, px.
    max_memory
        Memory limit, ``"2GB"`` or bytes: for this process, for all workers together, or for each worker of a cluster.
    overwrite, skip_existing
        Replace existing results, or keep them and write the missing ones.
    resume
        Large images: continue the unfinished work of an earlier call.
    workers, scheduler
        Large images: number of processes on this machine, or address of a Dask scheduler whose workers compute.
    probabilities_as
        Large images: write the probabilities in this type, to ``x-prob.ome.zarr`` beside ``x.ome.zarr``.
    fill_missing
        Large images: read a missing chunk as its fill value.
    channels
        Large images: channels that the model receives, counted from 0; empty: all.
    table
        Also measure the results: ``table.csv`` and ``table_images.csv`` in ``out``, as ``unseam measure`` writes them.
    watch
        Functions that prediction calls while it runs.

    Returns
    -------
    tuple of Predicted
        The images of this call, in order, without those that ``skip_existing`` left out.

    Raises
    ------
    SettingsError
        If options contradict each other or have no effect on these images.
    DataError
        If there is no image, or two images have the same result. Also at the end, if some images could not be segmented; the
        results of the others are written.
    OutputError
        If a result already exists or cannot be written; :class:`~unseam.errors.InUseError` if another process uses it.
    ModelFileError, ImageReadError, MemoryShortError, ClusterError
        If the model or a store cannot be read, memory is too small, or workers fail.
    """
    model = model if isinstance(model, Model) else Model.load(model)
    paths = (Path(images),) if isinstance(images, str | Path) else tuple(Path(image) for image in images)
    out, watch = Path(out), watch or PredictWatch()
    saves_objects = save in ("instances", "both") or (save == "auto" and model.info.kind_facts.has_objects)
    saves_classes = save in ("classes", "both") or not saves_objects
    if not saves_objects:
        of_objects = {"--objects-of": objects_of, "--threshold": threshold, "--split": split, "--min-size": min_size}
        _refuse(of_objects, "only for objects, and no objects are written. Add --save instances or --save both.")
    # One after the other: each setting is checked by itself.
    if threshold is not None:
        model = model.with_objects(replace(model.info.objects, threshold=threshold))
    if split is not None:
        model = model.with_objects(replace(model.info.objects, split=split))
    if min_size is not None:
        model = model.with_objects(replace(model.info.objects, min_size=min_size))
    if average is not None:
        model = model.with_average(average)
    if normalise_over is not None:
        model = model.with_normalise(replace(model.info.normalise, over=normalise_over))
    if rescale and model.info.spacing_um is None:
        raise SettingsError("--rescale: the training images of this model stated no pixel size. Leave it out.")
    object_class = model.info.class_index(objects_of) if objects_of is not None else None

    if table:
        check_table(table_beside(out), overwrite=overwrite or skip_existing or resume)
    stores = paths if is_one_result(out) else tuple(path for path in paths if is_store(path))
    files = tuple(path for path in paths if path not in stores)
    if not stores:
        of_stores = {"--resume": resume, "--workers": workers, "--scheduler": scheduler, "--probabilities-as": probabilities_as}
        of_stores |= {"--missing-chunks": fill_missing, "--channel": len(channels) or None}
        _refuse(of_stores, "only for large images. Give a Zarr store, or --out a name that ends in .zarr or .tif.")
    results: list[Predicted] = []
    if stores:
        of_files = {"--overlay": overlay, "--skip-existing": skip_existing, "--rescale": rescale}
        of_files |= {"--average rotations": model.info.average == "rotations"}
        _refuse(of_files, "not possible for a large image. Leave it out, or give images that fit into memory.")
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
        options: dict[str, Any] = {"max_input_tile": max_input_tile, "rescale": rescale}
        options["max_memory"] = None if max_memory is None else parse_bytes(max_memory)
        with output_folder(out, "prediction", is_shared=skip_existing):
            for line in find_images_left_out(files):
                watch.tell(str(line))
            jobs = predict_files.plan_outputs(files, out, wanted, overwrite=overwrite, skip_existing=skip_existing)
            todo = predict_files.skip_claimed(jobs, out) if skip_existing else jobs
            results += _predict_files(model, todo, len(jobs), wanted, options, watch)
    if table:
        measure_predicted(paths, out, watch, has_objects=saves_objects)
    return tuple(results)


def _refuse(options: Mapping[str, object], reason: str) -> None:
    """Refuse options that would have no effect."""
    given = [name for name, value in options.items() if value not in (None, False)]
    if given:
        raise SettingsError(f"{', '.join(given)}: {reason}")


def _predict_files(
    model: Model,
    jobs: Iterable[predict_files.Job],
    num_jobs: int,
    wanted: predict_files.ResultKinds,
    options: Mapping[str, Any],
    watch: PredictWatch,
) -> list[Predicted]:
    """Segment one image after the other; one that cannot be segmented does not stop the others."""
    results: list[Predicted] = []
    failed: list[UnseamError] = []
    for job in jobs:
        on_tile = partial(watch.on_progress, job.image.name)
        try:
            predict_files.check_names(job.outputs)
            result = predict_files.predict_file(model, job, wanted, on_tile=on_tile, **options)
        except (ImageReadError, DataError) as error:  # the fault is in this image
            failed.append(error)
            continue
        except OutputError as error:
            if not predict_files.is_about_name(error):  # otherwise the fault is in the folder, and no result can be written
                raise
            failed.append(error)
            continue
        for note in result.notes:
            watch.tell(f"{job.image.name}: {note}")
        results.append(Predicted(job.image, job.outputs, result.summary))
        watch.on_result(results[-1])
    if results:
        watch.tell(f"computed with {model.engine}")
    _raise_failed(failed, num_jobs)
    return results


def _raise_failed(failed: Sequence[UnseamError], number: int) -> None:
    """Raise one DataError for the images that could not be segmented, if there are any."""
    if failed:
        others = f" {len(failed)} of {number} images failed; the others are written." if number > 1 else ""
        raise DataError("\n".join(f"{str(error).rstrip('.')}." for error in failed) + others)


def _predict_stores(
    model: Model, segment: Callable[..., LargeResult], images: Sequence[Path], out: Path, watch: PredictWatch, *, resume: bool
) -> list[Predicted]:
    """Segment one large image into the result ``out``, or each of several into a store in the folder ``out``."""
    if is_one_result(out):
        if len(images) != 1:
            raise DataError(f"Got {len(images)} images, but {out} is one result. Give one image, or a folder with --out.")
        return [_predict_one_store(model, partial(segment, images[0], out, resume=resume), images[0], out, watch)]
    stores = [out / f"{image.name.split('.')[0]}_seg.ome.zarr" for image in images]
    if len(set(stores)) < len(stores):
        raise DataError(
            f"Two images would be written to the same store in {out}. Predict them one by one, each with another --out."
        )
    make_folders(out)
    results: list[Predicted] = []
    failed: list[OutputError] = []
    for image, store in zip(images, stores, strict=True):
        try:
            predict_files.check_names([store, work_folder(store)])
        except OutputError as error:
            if not predict_files.is_about_name(error):
                raise
            failed.append(error)
            continue
        is_begun = (work_folder(store) / "plan.json").exists()
        if resume and store.exists() and not is_begun:
            outputs = tuple(path for path in (store, probability_store(store)) if path.exists())
            results.append(Predicted(image, outputs, "the result already exists"))
            watch.on_result(results[-1])
            continue
        run = partial(segment, image, store, resume=resume and is_begun)
        results.append(_predict_one_store(model, run, image, store, watch))
    _raise_failed(failed, len(images))
    return results


def _predict_one_store(model: Model, run: Callable[..., LargeResult], image: Path, out: Path, watch: PredictWatch) -> Predicted:
    """Segment one large image, and say how to resume if it is interrupted."""
    has_chunks = False  # before the first chunk there is nothing to resume

    def on_chunk(what: str, done: int, total: int) -> None:
        nonlocal has_chunks
        has_chunks = True
        watch.on_progress(what, done, total)

    try:
        found = run(progress=Progress(watch.tell, on_chunk))
    except BaseException:
        if has_chunks:
            watch.tell(f"finished chunks are kept in {work_folder(out)}; the same command with --resume continues")
        raise
    if not found.foreground:
        watch.tell("nothing but background was found: is the image like those trained on? (unseam check IMAGES --model MODEL)")
    objects = f", {found.num_objects} objects" if found.num_objects is not None else ""
    planes = f"{found.num_planes} planes, " if found.num_planes > 1 else ""
    size = f"{planes}{sum(found.num_pixels):,} px in {found.num_chunks} chunks"
    outputs = (found.path,) if found.probabilities is None else (found.path, found.probabilities)
    result = Predicted(image, outputs, f"{size}, {found.foreground:.1%} foreground{objects}")
    watch.on_result(result)
    watch.tell(f"computed with {model.engine}")
    return result
