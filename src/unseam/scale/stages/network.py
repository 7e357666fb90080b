"""The network on one chunk: write its classes and probabilities, and the foreground from which objects are made."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Int64, Num

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.inference.whole_objects.records import CoreFacts
from unseam.scale.prediction import CLASSES, LIKELY, PROBABILITIES, ProbabilityType
from unseam.scale.stages.grey_range import NormalisedPlane
from unseam.scale.stages.object_stages import cores
from unseam.scale.task import ChunkTask
from unseam.scale.worker import ChunkWorker

_NO_CORES = CoreFacts(*(np.zeros(0, np.int64) for _ in range(4)), *(np.zeros((2, 0), np.int32) for _ in range(4)))
_MANY = 4  # from this many chunks along an axis, all tiles have one size: the last chunk is completed by mirroring


@dataclass(frozen=True)
class NetworkTables:
    """Grey range of each channel, (low, high)."""

    ranges: Float[np.ndarray, "channels 2"]


@dataclass(frozen=True)
class NetworkFacts:
    """Pixels of each class, and the :class:`~unseam.inference.whole_objects.records.CoreFacts`, empty without objects."""

    num_pixels: Int64[np.ndarray, "classes"]
    counts: Int64[np.ndarray, "levels"]
    firsts: Int64[np.ndarray, "components"]
    areas: Int64[np.ndarray, "components"]
    parents: Int64[np.ndarray, "components"]
    top: Int32[np.ndarray, "2 top_runs"]
    left: Int32[np.ndarray, "2 left_runs"]
    bottom: Int32[np.ndarray, "2 bottom_runs"]
    right: Int32[np.ndarray, "2 right_runs"]


def network(worker: ChunkWorker, task: ChunkTask) -> NetworkFacts:
    """Segment a chunk and write it. Each pixel gets the same as from one pass over the whole plane."""
    position, plane, saves = task.stage.position, task.stage.plane, worker.work.saves
    grid = worker.grid(position)
    image = NormalisedPlane(worker.images[position], plane, task.tables.ranges)
    rows, columns = grid.window(task.chunk)
    size = rows.stop - rows.start, columns.stop - columns.start
    info = worker.model.info
    classes = np.empty(size, np.uint8)
    likely = np.empty(size if saves.objects else (0, 0), np.float32)
    kept = np.empty((len(info.map_names), *size) if saves.probabilities != "none" else (0, 0, 0), _type(saves.probabilities))
    squares = ChunkGrid(*size, worker.work.chunk)
    for window in map(squares.window, range(len(squares))):  # a task may be many chunks, whose results do not fit into memory
        found = _probabilities(worker, image, _moved(window, rows.start, columns.start))
        classes[window] = info.head.classes(found)
        if saves.objects:
            likely[window] = info.head.foreground(found, saves.object_class)
        if kept.size:
            kept[:, *window] = as_written(found, saves.probabilities)
    place = grid.place(task.chunk)
    leading = worker.leading(position, plane)
    worker.result(position, CLASSES).write(leading, place, np.take(worker.class_values, classes))
    worker.copy_classes(position, leading, task.chunk)
    for klass, part in enumerate(kept):
        worker.result(position, PROBABILITIES).write(worker.leading(position, plane, klass), place, part)
    if saves.objects and info.objects.is_flooded:  # the flood reads the foreground again
        worker.scratch(position, LIKELY).write((), place, likely)
    core_facts = cores(worker, task, likely) if saves.objects else _NO_CORES
    counted = [np.count_nonzero(classes == klass) for klass in range(len(info.class_names))]
    return NetworkFacts(np.array(counted, np.int64), **vars(core_facts))


def as_written(
    probabilities: Float32[np.ndarray, "klass rows columns"], kind: ProbabilityType
) -> Num[np.ndarray, "klass rows columns"]:
    """Convert probabilities to the type of the file: 0 to 255 for 0 to 1, or half precision."""
    return np.rint(probabilities * 255).astype(np.uint8) if kind == "uint8" else probabilities.astype(np.float16)


def _type(kind: ProbabilityType) -> type[np.generic]:
    return np.uint8 if kind == "uint8" else np.float16


def _moved(window: Window, down: int, right: int) -> Window:
    rows, columns = window
    return slice(rows.start + down, rows.stop + down), slice(columns.start + right, columns.stop + right)


def _probabilities(worker: ChunkWorker, image: NormalisedPlane, window: Window) -> Float32[np.ndarray, "klass rows columns"]:
    """Predict a window; along an axis of many chunks at full length, so that all tiles have one size and are rounded alike."""
    side = worker.work.chunk
    rows, columns = (
        slice(part.start, part.start + side if length > (_MANY - 1) * side else part.stop)
        for part, length in zip(window, image.shape[1:], strict=True)
    )
    predictor = worker.predictor
    geometry = predictor.engine.geometry
    image.hold(rows, columns, geometry.context + geometry.phase)  # outside the lock: the network is busy with another chunk
    with worker.computing:
        found = predictor.probabilities(image, (rows, columns))
    return found[:, : window[0].stop - window[0].start, : window[1].stop - window[1].start]
