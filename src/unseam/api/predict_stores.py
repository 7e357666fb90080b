"""The large images of one prediction: one store for each, chunk by chunk, in bounded memory."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from unseam.api.predict_files import check_names, is_about_name
from unseam.api.predict_watch import Predicted, PredictWatch, raise_failed
from unseam.errors import DataError, OutputError
from unseam.io import make_folders
from unseam.model import Model
from unseam.scale.folder import is_one_result, probability_store, work_folder
from unseam.scale.predict_large import LargeResult, Progress


def predict_stores(
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
            check_names([store, work_folder(store)])
        except OutputError as error:
            if not is_about_name(error):
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
    raise_failed(failed, len(images))
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
