"""``predict``: segment image files into files of classes and objects, in memory or chunk by chunk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from unseam.api import predict_files
from unseam.api.measure_files import check_table, measure_predicted, table_beside
from unseam.api.predict_stores import predict_stores
from unseam.api.predict_watch import Predicted, PredictWatch, raise_failed
from unseam.data.cases import find_images_left_out
from unseam.errors import DataError, ImageReadError, OutputError, SettingsError, UnseamError
from unseam.inference import DEFAULT_INPUT_TILE, Averaging
from unseam.io.large import is_store
from unseam.io.output_folder import output_folder
from unseam.machine.memory import parse_bytes
from unseam.model import Model
from unseam.model.any_image import check_predicts, check_scale_of_large, ratio_for
from unseam.scale.folder import is_one_result
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
    diameter: float | None = None,
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
        A model, its file, its run folder, or the name of a network that ships.
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
        Probability above which an object starts, the share of an object that each of its parts must have (0: no parts), and
        the smallest object, px; None: those of the model.
    average
        Average over ``rotations`` (seven; not for large images), ``flips`` (eight), ``planes`` (of a stack that is a volume:
        three orientations; not for large images) or ``none``; None: as the model says.
    normalise_over
        Range of grey values: each ``plane`` has its own, or all planes of a ``stack`` have one; None: as in training.
    rescale
        Resample images to the pixel size of the training images, and results back to their own; not for large images.
    diameter
        Median diameter of the objects, px: images are resampled to the size that the network learnt, and results back. None:
        networks that ship measure it. Large images are not resampled, and must have objects of about that size.
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
        Channels that the model receives, counted from 0; empty: all.
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
    check_predicts(model.info)
    ratio = ratio_for(model.info, diameter) if diameter is not None else None
    paths = (Path(images),) if isinstance(images, str | Path) else tuple(Path(image) for image in images)
    out, watch = Path(out), watch or PredictWatch()
    saves_objects = save in ("instances", "both") or (save == "auto" and model.info.kind_facts.has_objects)
    saves_classes = save in ("classes", "both") or not saves_objects
    if not saves_objects:
        flags = {"--objects-of": objects_of, "--threshold": threshold, "--split": split, "--min-size": min_size}
        _refuse(flags, "only for objects, and no objects are written. Add --save instances or --save both.")
    of_objects = {"threshold": threshold, "split": split, "min_size": min_size}
    model = _as_asked(model, {name: value for name, value in of_objects.items() if value is not None}, average, normalise_over)
    if model.info.average == "planes":
        _refuse({"--rescale": rescale, "--diameter": diameter}, "not for volumes, which are taken as they are. Leave it out.")
    if rescale and diameter is not None:
        raise SettingsError("--diameter and --rescale both resample the images. Give one of the two.")
    if rescale and model.info.spacing_um is None:
        raise SettingsError("--rescale: the training images of this model stated no pixel size. Leave it out.")
    object_class = model.info.class_index(objects_of) if objects_of is not None else None

    if table:
        check_table(table_beside(out), overwrite=overwrite or skip_existing or resume)
    stores = paths if is_one_result(out) else tuple(path for path in paths if is_store(path))
    files = tuple(path for path in paths if path not in stores)
    if not stores:
        of_stores = {"--resume": resume, "--workers": workers, "--scheduler": scheduler, "--probabilities-as": probabilities_as}
        of_stores |= {"--missing-chunks": fill_missing}
        _refuse(of_stores, "only for large images. Give a Zarr store, or --out a name that ends in .zarr or .tif.")
    results: list[Predicted] = []
    if stores:
        of_files = {"--overlay": overlay, "--skip-existing": skip_existing, "--rescale": rescale}
        of_files |= {f"--average {word}": model.info.average == word for word in ("rotations", "planes")}
        _refuse(of_files, "not possible for a large image. Leave it out, or give images that fit into memory.")
        check_scale_of_large(model.info, ratio)
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
        results += predict_stores(model, segment, stores, out, watch, resume=resume)
    if files or not stores:
        wanted = predict_files.ResultKinds(saves_classes, saves_objects, probabilities, overlay, object_class)
        options: dict[str, Any] = {"max_input_tile": max_input_tile, "rescale": rescale}
        options["reading"] = predict_files.Reading(diameter, min_size, tuple(channels))
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


def _as_asked(
    model: Model, of_objects: Mapping[str, float], average: Averaging | None, over: Literal["plane", "stack"] | None
) -> Model:
    """Return the model with the caller's choices in place of its own."""
    for name, value in of_objects.items():  # one after the other: each is checked by itself
        model = model.with_objects(replace(model.info.objects, **{name: value}))  # type: ignore[arg-type]  # names of settings
    if average is not None:
        model = model.with_average(average)
    return model if over is None else model.with_normalise(replace(model.info.normalise, over=over))


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
    raise_failed(failed, num_jobs)
    return results
