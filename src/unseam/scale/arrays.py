"""The arrays of a large prediction: the results, one image group each, and what is needed on the way."""

from pathlib import Path

import numpy as np

from unseam.io.result import ArrayLayout, ImageLayout, create_array, create_image, link_labels, link_series
from unseam.scale.work import CLASSES, CORES, FLOODED, LIKELY, OBJECTS, PROBABILITIES, Saves
from unseam.scale.worker import Worker


def names_of(saves: Saves) -> tuple[str, ...]:
    """The results that are written."""
    probabilities = (PROBABILITIES,) if saves.probabilities != "none" else ()
    return (CLASSES, *probabilities, *((OBJECTS,) if saves.objects else ()))


def layout_of(worker: Worker, position: int, name: str) -> ImageLayout:
    """What lies where in one result of one position."""
    image, work, info = worker.images[position], worker.work, worker.model.info
    axes, shape = image.plane_axes, list(image.plane_shape)
    if name == PROBABILITIES:
        at = axes.count("T")
        axes = f"{axes[:at]}C{axes[at:]}"
        shape.insert(at, len(info.map_names))
    dtype = {CLASSES: worker.class_values.dtype, PROBABILITIES: work.saves.probabilities, OBJECTS: np.uint32}[name]
    stem = Path(work.source).name.split(".")[0]
    return ImageLayout(
        axes=f"{axes}YX",
        shape=(*shape, image.height, image.width),
        dtype=np.dtype(dtype),
        chunk=work.chunk,
        shard=work.shard,
        spacing_um=image.spacing_um,
        name=f"{stem} {name}" if not image.position else f"{stem} {image.position} {name}",
        kind="labels" if name == OBJECTS else name,  # type: ignore[arg-type]
        channel_names=info.map_names if name == PROBABILITIES else info.class_names,
    )


def create_results(worker: Worker) -> None:
    """All groups and arrays of the result, without pixels; those that are there stay."""
    positions = [image.position for image in worker.images]
    if positions != [""]:
        link_series(worker.work.result, positions)
    for position, image in enumerate(worker.images):
        for name in names_of(worker.work.saves):
            group = worker.work.group(image.position, name)
            if not (group / "zarr.json").exists():
                create_image(group, layout_of(worker, position, name))
        if worker.work.saves.objects:
            link_labels(worker.work.group(image.position, CLASSES), [OBJECTS])


def create_scratch(worker: Worker, position: int) -> None:
    """What objects are made of, one plane at a time; arrays that are there stay."""
    image, work = worker.images[position], worker.work
    if not work.saves.objects:
        return
    for name, dtype in ((LIKELY, np.float32), (CORES, np.int32), (FLOODED, np.int32)):
        path = work.scratch / f"{position}-{name}"
        if not (path / "zarr.json").exists():
            create_array(path, ArrayLayout((image.height, image.width), np.dtype(dtype), work.chunk, work.shard, "YX"))
