"""The stages of objects on one chunk; arrays in the work folder lie between them."""

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

    Parameters
    ----------
    worker, position, plane
        The plane.
    likely
        Foreground of the chunk that is being computed, if it need not be stored.
    """

    def __init__(
        self, worker: ChunkWorker, position: int, plane: int, likely: Float32[ndarray, "height width"] | None = None
    ) -> None:
        self._worker, self._position, self._plane, self._likely = worker, position, plane, likely

    def read_likely(self, window: Window) -> Float32[ndarray, "height width"]:
        """Read the probability of the foreground."""
        if self._likely is not None:
            return self._likely
        return self._worker.scratch(self._position, LIKELY).read((), window)

    def read_cores(self, window: Window) -> Int32[ndarray, "height width"]:
        """Read numbers within chunks."""
        return self._worker.scratch(self._position, CORES).read((), window)

    def write_cores(self, chunk: int, labels: Int32[ndarray, "height width"]) -> None:
        """Write numbers within a chunk."""
        self._write(CORES, chunk, labels)

    def read_flooded(self, window: Window) -> Int32[ndarray, "height width"]:
        """Read numbers within chunks, after the flood."""
        return self._worker.scratch(self._position, FLOODED).read((), window)

    def write_flooded(self, chunk: int, labels: Int32[ndarray, "height width"]) -> None:
        """Write numbers within a chunk, after the flood."""
        self._write(FLOODED, chunk, labels)

    def write_objects(self, chunk: int, numbers: UInt32[ndarray, "height width"]) -> None:
        """Write a chunk of the instance map."""
        place = self._worker.grid(self._position).place(chunk)
        leading = self._worker.leading(self._position, self._plane)
        self._worker.result(self._position, OBJECTS).write(leading, place, numbers)

    def _write(self, name: str, chunk: int, part: Any) -> None:
        place = self._worker.grid(self._position).place(chunk)
        self._worker.scratch(self._position, name).write((), place, part)


def objects(stage: ObjectStage, worker: ChunkWorker, task: ChunkTask) -> Any:
    """Flood, complete or write the objects of a chunk."""
    position, plane = task.stage.position, task.stage.plane
    settings = worker.model.info.objects
    store = PlaneArrays(worker, position, plane)
    return perform_stage(stage, task.chunk, worker.grid(position), settings, store, task.tables)


def cores(worker: ChunkWorker, task: ChunkTask, likely: Float32[ndarray, "height width"]) -> CoreFacts:
    """Find the cores of a chunk, while its probabilities are in memory."""
    position, plane = task.stage.position, task.stage.plane
    store = PlaneArrays(worker, position, plane, likely)
    facts = perform_stage(ObjectStage.CORES, task.chunk, worker.grid(position), worker.model.info.objects, store, CoreTables())
    assert isinstance(facts, CoreFacts)
    return facts
