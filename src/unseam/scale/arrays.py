"""The arrays of a large prediction: one image group per result, and scratch arrays."""

from pathlib import Path

import numpy as np

from unseam.io.result import ArrayLayout, ImageLayout, create_array, create_image, link_labels, link_series
from unseam.io.write import plain_text
from unseam.scale.prediction import CLASSES, CORES, FLOODED, LIKELY, OBJECTS, PROBABILITIES, SavedResults
from unseam.scale.worker import ChunkWorker


def names_of(saves: SavedResults) -> tuple[str, ...]:
    """Return the names of the results to write."""
    probabilities = (PROBABILITIES,) if saves.probabilities != "none" else ()
    return (CLASSES, *probabilities, *((OBJECTS,) if saves.objects else ()))


def layout_of(worker: ChunkWorker, position: int, name: str) -> ImageLayout:
    """Return the layout of one result of one position."""
    image, work, info = worker.images[position], worker.work, worker.model.info
    axes, shape = image.plane_axes, list(image.plane_shape)
    if name == PROBABILITIES:
        at = axes.count("T")
        axes = f"{axes[:at]}C{axes[at:]}"
        shape.insert(at, len(info.map_names))
    dtype = {CLASSES: worker.class_values.dtype, PROBABILITIES: work.saves.probabilities, OBJECTS: np.uint32}[name]
    stem = plain_text(Path(work.source).name.split(".")[0])
    return ImageLayout(
        axes=f"{axes}YX",
        shape=(*shape, image.height, image.width),
        dtype=np.dtype(dtype),
        chunk=work.chunk,
        shard=work.shard,
        calibration=image.calibration,
        name=f"{stem} {name}" if not image.position else f"{stem} {image.position} {name}",
        kind="labels" if name == OBJECTS else name,  # type: ignore[arg-type]
        channel_names=info.map_names if name == PROBABILITIES else info.class_names,
    )


def create_results(worker: ChunkWorker) -> None:
    """Create all groups and arrays of the result, without pixels. Keep those that exist."""
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


def create_scratch(worker: ChunkWorker, position: int) -> None:
    """Create the arrays from which the objects of a plane are made. Keep those that exist."""
    image, work = worker.images[position], worker.work
    if not work.saves.objects:
        return
    for name, dtype in ((LIKELY, np.float32), (CORES, np.int32), (FLOODED, np.int32)):
        path = work.scratch / f"{position}-{name}"
        if not (path / "zarr.json").exists():
            create_array(path, ArrayLayout((image.height, image.width), np.dtype(dtype), work.chunk, work.shard, "YX"))
