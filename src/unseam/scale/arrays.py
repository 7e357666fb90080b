"""The arrays of a large prediction: one image group per result, and scratch arrays."""

from pathlib import Path

import numpy as np

from unseam.io.result import ArrayLayout, ImageLayout, create_array, create_image, link_labels, link_series
from unseam.io.write import plain_text
from unseam.scale.prediction import CLASS_LABELS, CLASSES, CORES, FLOODED, LIKELY, OBJECTS, PROBABILITIES, SavedResults
from unseam.scale.worker import ChunkWorker


def names_of(saves: SavedResults) -> tuple[str, ...]:
    """Return the names of the results to write; the classes, which hold the other groups of their store, come first."""
    probabilities = (PROBABILITIES,) if saves.probabilities != "none" else ()
    return (CLASSES, CLASS_LABELS, *probabilities, *((OBJECTS,) if saves.objects else ()))


def layout_of(worker: ChunkWorker, position: int, name: str) -> ImageLayout:
    """Return the layout of one result of one position."""
    image, work, info = worker.images[position], worker.work, worker.model.info
    axes, shape = image.plane_axes, list(image.plane_shape)
    if name == PROBABILITIES:
        at = axes.count("T")
        axes = f"{axes[:at]}C{axes[at:]}"
        shape.insert(at, len(info.map_names))
    is_of_classes = name in (CLASSES, CLASS_LABELS)
    dtype = worker.class_values.dtype if is_of_classes else work.saves.probabilities if name == PROBABILITIES else np.uint32
    stem = plain_text(Path(work.source).name.split(".")[0])
    return ImageLayout(
        axes=f"{axes}YX",
        shape=(*shape, image.height, image.width),
        dtype=np.dtype(dtype),
        chunk=work.chunk,
        shard=work.shard,
        calibration=image.calibration,
        name=f"{stem} {name}" if not image.position else f"{stem} {image.position} {name}",
        kind="labels" if name in (OBJECTS, CLASS_LABELS) else name,  # type: ignore[arg-type]
        channel_names=info.map_names if name == PROBABILITIES else info.class_names,
        class_values=info.class_values if is_of_classes else (),
    )


def create_results(worker: ChunkWorker) -> None:
    """Create all groups and arrays of the result, without pixels. Keep those that exist."""
    work, names = worker.work, names_of(worker.work.saves)
    positions = [image.position for image in worker.images]
    if positions != [""]:
        for name in {CLASSES, PROBABILITIES} & set(names):
            layouts = {one: layout_of(worker, number, name) for number, one in enumerate(positions)}
            link_series(work.group("", name), layouts)
    for position, image in enumerate(worker.images):
        for name in names:
            group = work.group(image.position, name)
            if not (group / "zarr.json").exists():
                create_image(group, layout_of(worker, position, name))
        labels = [work.group(image.position, name).name for name in names if name in (CLASS_LABELS, OBJECTS)]
        link_labels(work.group(image.position, CLASSES), labels)


def create_scratch(worker: ChunkWorker, position: int) -> None:
    """Create the arrays from which the objects of a plane are made. Keep those that exist."""
    image, work = worker.images[position], worker.work
    if not work.saves.objects:
        return
    for name, dtype in ((LIKELY, np.float32), (CORES, np.int32), (FLOODED, np.int32)):
        path = work.scratch / f"{position}-{name}"
        if not (path / "zarr.json").exists():
            create_array(path, ArrayLayout((image.height, image.width), np.dtype(dtype), work.chunk, work.shard, "YX"))
