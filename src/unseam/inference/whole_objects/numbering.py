"""The core number in the plane of each local number of each chunk, in two flat arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int32, Int64, Shaped

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.inference.whole_objects.records import WindowNumbers


@dataclass(frozen=True)
class Numbering:
    """The coordinator's table.

    Attributes
    ----------
    offsets
        Start of the numbers of each chunk, and the end.
    numbers
        Core number of each local one, chunk after chunk; 0 where it was dropped.
    num_cores
        The largest core number, dropped ones included.
    """

    grid: ChunkGrid
    offsets: Int64[np.ndarray, "chunks_and_1"]
    numbers: Int64[np.ndarray, "labels"]
    num_cores: int

    def around(self, window: Window) -> WindowNumbers:
        """Return the part of the table that a window needs."""
        chunks = np.fromiter(self.grid.touching(window), np.int64)
        return WindowNumbers(
            chunks,
            np.cumsum([0, *(self.offsets[chunks + 1] - self.offsets[chunks])], dtype=np.int64),
            np.concatenate([self.numbers[self.offsets[chunk] : self.offsets[chunk + 1]] for chunk in chunks]),
        )

    def with_foreign(self, foreign: Sequence[Int64[np.ndarray, "_"]]) -> "Numbering":
        """Append local numbers to those of each chunk, for the cores that flowed into it."""
        parts = np.split(self.numbers, self.offsets[1:-1])
        counts = [len(part) + len(more) for part, more in zip(parts, foreign, strict=True)]
        both = [piece for pair in zip(parts, foreign, strict=True) for piece in pair]
        return replace(self, offsets=np.cumsum([0, *counts], dtype=np.int64), numbers=np.concatenate(both))

    def without(self, is_dropped: Bool[np.ndarray, "cores_and_0"]) -> "Numbering":
        """Drop cores."""
        # Set to 0, not removed: the labels on the disk keep their meaning, and no chunk has to be written again.
        return replace(self, numbers=np.where(is_dropped[self.numbers], 0, self.numbers))

    def chunks_near(self, is_chosen: Bool[np.ndarray, "cores_and_0"], rim: int) -> list[int]:
        """Return the chunks whose window, with a rim, touches a chunk that has one of the chosen cores."""
        counts = np.concatenate([[0], np.cumsum(is_chosen[self.numbers])])
        has_one = np.diff(counts[self.offsets]) > 0
        grid = self.grid
        return [chunk for chunk in range(len(grid)) if has_one[list(grid.touching(grid.window(chunk, rim)))].any()]


@dataclass(frozen=True)
class Numbered:
    """A window in small numbers, which keep the order of the core numbers.

    Small numbers let `two_nearest` use its narrow words, and need tables no larger than the window's objects.

    Attributes
    ----------
    labels
        0 is background, 1, 2, ... the cores in the window.
    numbers
        Core number of each small one, rising; 0 for 0.
    sources
        Index of each small one in the table's numbers; that of 0 is meaningless.
    """

    labels: Int32[np.ndarray, "height width"]
    numbers: Int64[np.ndarray, "present"]
    sources: Int64[np.ndarray, "present"]

    def look_up(self, values: Shaped[np.ndarray, "labels"]) -> Shaped[np.ndarray, "present"]:
        """Select from values for each number of the table those of the small numbers; 0 for 0."""
        chosen = np.zeros(len(self.numbers), values.dtype)
        chosen[1:] = values[self.sources[1:]]
        return chosen


def read_numbered(
    window: Window, grid: ChunkGrid, read: Callable[[Window], Int32[np.ndarray, "height width"]], table: WindowNumbers
) -> Numbered:
    """Read a window of local numbers and translate it into small ones."""
    labels = np.array(read(window), np.int32)
    rows, columns = window
    touched = np.fromiter(grid.touching(window), np.int64)
    offsets = table.offsets[np.searchsorted(table.chunks, touched)]
    # Local numbers repeat from chunk to chunk. The offset of the chunk makes each unique: an index into the table, plus 1.
    for chunk, offset in zip(touched.tolist(), offsets.tolist(), strict=True):
        down, across = grid.window(chunk)
        part = labels[
            max(0, down.start - rows.start) : max(0, down.stop - rows.start),
            max(0, across.start - columns.start) : max(0, across.stop - columns.start),
        ]
        np.add(part, np.int32(offset), out=part, where=part > 0)
    # A table of flags instead of np.unique(labels): no sort of all pixels.
    is_present = np.zeros(len(table.numbers) + 1, bool)
    is_present[labels] = True
    present = np.flatnonzero(is_present[1:])
    number = table.numbers[present]
    kept = number > 0
    # Parts of one core in several chunks share a core number and become one small number. np.unique sorts, and the order
    # must stay: ties between two objects go to the smaller number, here as in the plane.
    numbers, source, small = np.unique(number[kept], return_index=True, return_inverse=True)
    small_of = np.zeros(len(is_present), np.int32)
    small_of[present[kept] + 1] = small + 1
    zero = np.zeros(1, np.int64)
    return Numbered(small_of[labels], np.concatenate([zero, numbers]), np.concatenate([zero, present[kept][source]]))
