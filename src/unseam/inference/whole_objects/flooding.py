"""Stage `flood`: what lies between 0.5 and a raised threshold goes to its core, from a window as large as it takes.

A flood may come from far. So a window is flooded with its open sides as `UNKNOWN` cores, and what has a number is certain
(`heads.flood` has the proof). Where something is left in the chunk, the halo round what is left is doubled; at the
largest one the rest is decided without the open sides, and counted::

    ┌──────────────────┐  open sides: the image goes on
    │ halo ┌───────┐   │
    │      │ chunk │ ? │  a pixel that hears of an open side before it hears of a core is not decided yet
    │      └───────┘   │
    └──────────────────┘
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.heads.flood import LIKELY, MOST_STEPS, UNKNOWN, flood, steps_to_core
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.numbering import read_numbered
from unseam.inference.whole_objects.records import FloodFacts, FloodTables, ObjectStore, WindowNumbers


def flood_chunk(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: FloodTables) -> FloodFacts:
    """Flood a chunk, and write its local numbers: its own cores, then those that only flow in."""
    window = grid.window(chunk)
    labels = store.read_cores(window)
    missing = (labels == 0) & (store.read_likely(window) > LIKELY)
    given = np.zeros(labels.shape, np.int64)
    num_undecided = 0
    halo, largest = tables.halos.tolist()
    source = _Source(grid, settings, store, tables.around)
    while missing.any():
        box = _box(missing)
        rows, columns = (slice(at.start + part.start, at.stop + part.start) for at, part in zip(box, window, strict=True))
        flooded = source.flooded((rows, columns), halo, is_open=True)
        is_unknown = missing[box] & (flooded == UNKNOWN)
        is_last = halo >= largest
        if is_last and is_unknown.any():
            num_undecided = int(np.count_nonzero(is_unknown))
            flooded = np.where(is_unknown, source.flooded((rows, columns), halo, is_open=False), flooded)
            is_unknown[:] = False
        given[box] = np.where(missing[box] & ~is_unknown, flooded, given[box])
        missing[box] = is_unknown
        halo = min(2 * halo, largest)
    own_numbers = tables.around.numbers[_of_chunk(chunk, tables.around)]
    written, foreign = _localised(labels, given, own_numbers)
    store.write_flooded(chunk, written)
    return FloodFacts(foreign, np.array(num_undecided, np.int64))


@dataclass(frozen=True)
class _Source:
    """Where the windows of one chunk's flood come from."""

    grid: ChunkGrid
    settings: Objects
    store: ObjectStore
    around: WindowNumbers

    def flooded(self, box: Window, halo: int, *, is_open: bool) -> Int64[np.ndarray, "height width"]:
        """Core numbers of a box, from a window with a halo; ``UNKNOWN`` where the open sides may have a say."""
        window, around = self._with(box, halo), self._with(box, halo + MOST_STEPS)
        likely = self.store.read_likely(around)
        inner = _within(window, around)
        steps = steps_to_core(likely > self.settings.threshold)[inner]
        found = read_numbered(window, self.grid, self.store.read_cores, self.around)
        flooded = flood(found.labels, likely[inner], steps, self._open_sides(window) if is_open else None)
        return np.append(found.numbers, UNKNOWN)[flooded[_within(box, window)]]  # UNKNOWN is -1, the last

    def _with(self, box: Window, halo: int) -> Window:
        rows, columns = box
        return (
            slice(max(0, rows.start - halo), min(self.grid.height, rows.stop + halo)),
            slice(max(0, columns.start - halo), min(self.grid.width, columns.stop + halo)),
        )

    def _open_sides(self, window: Window) -> Bool[np.ndarray, "height width"]:
        rows, columns = window
        is_open = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        is_open[0] |= rows.start > 0
        is_open[-1] |= rows.stop < self.grid.height
        is_open[:, 0] |= columns.start > 0
        is_open[:, -1] |= columns.stop < self.grid.width
        return is_open


def _within(inner: Window, outer: Window) -> Window:
    """A window in the frame of another one that holds it."""
    (top, bottom), (left, right) = ((i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
    return slice(top, bottom), slice(left, right)


def _box(mask: Bool[np.ndarray, "height width"]) -> Window:
    """The smallest window with all of what is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _of_chunk(chunk: int, around: WindowNumbers) -> slice:
    """Where the table holds the numbers of one chunk."""
    place = int(np.flatnonzero(around.chunks == chunk)[0])
    return slice(int(around.offsets[place]), int(around.offsets[place + 1]))


def _localised(
    labels: Int32[np.ndarray, "height width"],
    given: Int64[np.ndarray, "height width"],
    own_numbers: Int64[np.ndarray, "own"],
) -> tuple[Int32[np.ndarray, "height width"], Int64[np.ndarray, "foreign"]]:
    """Core numbers that were given, as local ones; and which of them the chunk did not have."""
    places = np.flatnonzero(given)
    numbers = given.ravel()[places]
    foreign = np.setdiff1d(numbers, own_numbers)
    known = np.concatenate([own_numbers, foreign])
    order = np.argsort(known, kind="stable")
    written = np.array(labels, np.int32)
    written.ravel()[places] = order[np.searchsorted(known, numbers, sorter=order)] + 1
    return written, foreign
