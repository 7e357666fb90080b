"""The stages of objects on one chunk. Arrays in the work folder connect them."""

from typing import Any

from jaxtyping import Float32, Int32, UInt32
from numpy import ndarray

from unseam.geometry.chunk_grid import Window
from unseam.inference.whole_objects import ObjectStage, perform_stage
from unseam.inference.whole_objects.records import CoreFacts, CoreTables
from unseam.scale.prediction import CORES, FLOODED, LIKELY, OBJECTS
from unseam.scale.task import ChunkTask
from unseam.scale.worker import ChunkWorker


class PlaneArrays:
    """An :class:`~unseam.inference.whole_objects.ObjectStore` of one plane on the disk.

    ``likely`` is the foreground of the chunk that is being computed; None: read it from the disk.
    """

    def __init__(
        self, worker: ChunkWorker, position: int, plane: int, likely: Float32[ndarray, "height width"] | None = None
    ) -> None:
        self._worker, self._position, self._plane, self._likely = worker, position, plane, likely

    def read_likely(self, window: Window) -> Float32[ndarray, "height width"]:
        return self._read(LIKELY, window) if self._likely is None else self._likely

    def read_cores(self, window: Window) -> Int32[ndarray, "height width"]:
        return self._read(CORES, window)

    def write_cores(self, chunk: int, labels: Int32[ndarray, "height width"]) -> None:
        self._write(CORES, chunk, labels)

    def read_flooded(self, window: Window) -> Int32[ndarray, "height width"]:
        return self._read(FLOODED, window)

    def write_flooded(self, chunk: int, labels: Int32[ndarray, "height width"]) -> None:
        self._write(FLOODED, chunk, labels)

    def write_objects(self, chunk: int, numbers: UInt32[ndarray, "height width"]) -> None:
        place = self._worker.grid(self._position).place(chunk)
        leading = self._worker.leading(self._position, self._plane)
        self._worker.result(self._position, OBJECTS).write(leading, place, numbers)

    def _read(self, name: str, window: Window) -> Any:
        return self._worker.scratch(self._position, name).read((), window)

    def _write(self, name: str, chunk: int, part: Any) -> None:
        place = self._worker.grid(self._position).place(chunk)
        self._worker.scratch(self._position, name).write((), place, part)


def objects(stage: ObjectStage, worker: ChunkWorker, task: ChunkTask) -> Any:
    """Split, flood, complete or write the objects of a chunk."""
    position = task.stage.position
    store = PlaneArrays(worker, position, task.stage.plane)
    return perform_stage(stage, task.chunk, worker.grid(position), worker.model.info.objects, store, task.tables)


def cores(worker: ChunkWorker, task: ChunkTask, likely: Float32[ndarray, "height width"]) -> CoreFacts:
    """Find the cores of a chunk, while its probabilities are in memory."""
    position = task.stage.position
    store = PlaneArrays(worker, position, task.stage.plane, likely)
    facts = perform_stage(ObjectStage.CORES, task.chunk, worker.grid(position), worker.model.info.objects, store, CoreTables())
    assert isinstance(facts, CoreFacts)
    return facts
