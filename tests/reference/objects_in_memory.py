"""A store in memory and a runner in one process, with which chunks are done one after another."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

import numpy as np

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.heads.objects import Objects
from unseam.inference.whole_objects import ChunkFacts, ChunkTables, Halo, ObjectsFound, StageRound, find_objects, perform_stage


class ObjectsInMemory:
    """Refuses to write a chunk twice, or to read what has not been written."""

    def __init__(self, likely: np.ndarray, grid: ChunkGrid) -> None:
        self.likely, self.grid = likely, grid
        self.likely.flags.writeable = False
        self.cores, self.flooded = np.full(likely.shape, -7, np.int32), np.full(likely.shape, -7, np.int32)
        self.objects = np.zeros(likely.shape, np.uint32)
        self.written: set[tuple[str, int]] = set()
        self.largest_read = 0

    def read_likely(self, window: Window) -> np.ndarray:
        return self.likely[window]

    def read_cores(self, window: Window) -> np.ndarray:
        return self._read(self.cores, window)

    def read_flooded(self, window: Window) -> np.ndarray:
        return self._read(self.flooded, window)

    def _read(self, plane: np.ndarray, window: Window) -> np.ndarray:
        values = plane[window]
        assert values.min() >= 0
        self.largest_read = max(self.largest_read, values.size)
        values.flags.writeable = False
        return values

    def write_cores(self, chunk: int, labels: np.ndarray) -> None:
        self._write("cores", self.cores, chunk, labels)

    def write_flooded(self, chunk: int, labels: np.ndarray) -> None:
        self._write("flooded", self.flooded, chunk, labels)

    def write_objects(self, chunk: int, numbers: np.ndarray) -> None:
        self._write("objects", self.objects, chunk, numbers)

    def _write(self, name: str, plane: np.ndarray, chunk: int, values: np.ndarray) -> None:
        assert (name, chunk) not in self.written
        self.written.add((name, chunk))
        part = plane[self.grid.window(chunk)]
        assert values.shape == part.shape
        assert values.dtype == plane.dtype
        part[:] = values


class Serial:
    """One chunk after another, in an order of its own; keeps a journal, from which it may be started again."""

    def __init__(
        self, store: ObjectsInMemory, settings: Objects, order: np.random.Generator | None = None, journal: dict | None = None
    ) -> None:
        self.store, self.settings, self.order = store, settings, order
        self.journal: dict[tuple[str, int], ChunkFacts] = {} if journal is None else journal
        self.asked: dict[str, list[int]] = {}
        self.largest_table = 0

    def __call__(
        self, step: StageRound, chunks: Sequence[int], tables_for: Callable[[int], ChunkTables]
    ) -> Iterator[tuple[int, ChunkFacts]]:
        assert step.name not in self.asked
        self.asked[step.name] = list(chunks)
        for chunk in chunks if self.order is None else self.order.permutation(chunks).tolist():
            key = (step.name, chunk)
            if key not in self.journal:
                sent = pickle.dumps(tables_for(chunk))
                self.largest_table = max(self.largest_table, len(sent))
                facts = perform_stage(step.stage, chunk, self.store.grid, self.settings, self.store, pickle.loads(sent))
                assert all(isinstance(getattr(facts, field.name), np.ndarray) for field in fields(facts))
                self.journal[key] = facts
            assert isinstance(self.journal[key], step.stage.facts)
            yield chunk, self.journal[key]


def found_in_chunks(
    likely: np.ndarray, side: int, settings: Objects, halo: Halo | None = None
) -> tuple[np.ndarray, ObjectsFound]:
    """The instance map of a probability map, by chunks."""
    grid = ChunkGrid(*likely.shape, side)
    store = ObjectsInMemory(np.array(likely), grid)
    found = find_objects(grid, settings, Serial(store, settings), halo)
    return store.objects, found
