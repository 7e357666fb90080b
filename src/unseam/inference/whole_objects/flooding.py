"""Stage `flood`: likely pixels outside the cores go to their core, decided in a window as large as needed.

A flood may come from far. A window is therefore flooded with its open sides as `UNKNOWN` cores, and each number in the result
is certain (`heads.flood` has the proof). Where pixels of the chunk stay unknown, the halo around them is doubled. At the
largest halo the rest is decided without the open sides, and counted::

    ┌──────────────────┐  open sides: the image continues
    │ halo ┌───────┐   │
    │      │ chunk │ ? │  a pixel that the flood from an open side reaches before that of a core is not decided yet
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
    """Flood a chunk and write its local numbers: its own cores, then those that only flow in."""
    window = grid.window(chunk)
    labels = store.read_cores(window)
    missing = (labels == 0) & (store.read_likely(window) > LIKELY)
    given = np.zeros(labels.shape, np.int64)
    num_undecided = 0
    halo, largest = tables.halos.tolist()
    source = _Source(grid, settings, store, tables.around)
    while missing.any():
        # The halo grows around the undecided pixels, not around the chunk: they are few, and the window stays small.
        box = _box(missing)
        rows, columns = (slice(at.start + part.start, at.stop + part.start) for at, part in zip(box, window, strict=True))
        flooded = source.flooded((rows, columns), halo, is_open=True)
        is_unknown = missing[box] & (flooded == UNKNOWN)
        if halo >= largest and is_unknown.any():
            # A plateau may be longer than memory allows to follow. A number that may be wrong, counted, beats no result.
            num_undecided = int(np.count_nonzero(is_unknown))
            flooded = np.where(is_unknown, source.flooded((rows, columns), halo, is_open=False), flooded)
            is_unknown[:] = False
        given[box] = np.where(missing[box] & ~is_unknown, flooded, given[box])
        missing[box] = is_unknown
        halo = min(2 * halo, largest)
    written, foreign = _localise(labels, given, tables.around.of_chunk(chunk))
    store.write_flooded(chunk, written)
    return FloodFacts(foreign, np.array(num_undecided, np.int64))


@dataclass(frozen=True)
class _Source:
    """Reads and floods the windows of one chunk."""

    grid: ChunkGrid
    settings: Objects
    store: ObjectStore
    around: WindowNumbers

    def flooded(self, box: Window, halo: int, *, is_open: bool) -> Int64[np.ndarray, "height width"]:
        """Return the core numbers of a box, from a window with a halo; ``UNKNOWN`` where the open sides may decide."""
        # Order in the flood depends on cores up to MOST_STEPS px away: with a narrower rim the pixels at the edge of the
        # window would take another place in the order than they have in the image.
        window, around = self._with_rim(box, halo), self._with_rim(box, halo + MOST_STEPS)
        is_core = self.store.read_cores(around) > 0
        inner = _within(window, around)
        steps = steps_to_core(is_core)[inner]
        order = self.settings.flood_order(self.store.read_likely(window), is_core[inner])
        found = read_numbered(window, self.grid, self.store.read_cores, self.around)
        flooded = flood(found.labels, order, steps, self._open_sides(window) if is_open else None)
        return np.append(found.numbers, UNKNOWN)[flooded[_within(box, window)]]  # UNKNOWN is -1 and picks the last

    def _with_rim(self, box: Window, rim: int) -> Window:
        rows, columns = box
        return (
            slice(max(0, rows.start - rim), min(self.grid.height, rows.stop + rim)),
            slice(max(0, columns.start - rim), min(self.grid.width, columns.stop + rim)),
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
    """Return a window in the frame of another one that contains it."""
    (top, bottom), (left, right) = ((i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
    return slice(top, bottom), slice(left, right)


def _box(mask: Bool[np.ndarray, "height width"]) -> Window:
    """Return the smallest window that contains all true pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _localise(
    labels: Int32[np.ndarray, "height width"], given: Int64[np.ndarray, "height width"], own_numbers: Int64[np.ndarray, "own"]
) -> tuple[Int32[np.ndarray, "height width"], Int64[np.ndarray, "foreign"]]:
    """Add the given core numbers to local labels; return also those of which the chunk had no label."""
    places = np.flatnonzero(given)
    numbers = given.ravel()[places]
    foreign = np.setdiff1d(numbers, own_numbers)
    known = np.concatenate([own_numbers, foreign])
    # Several local numbers may belong to one core. Any of them would do; the stable sort makes it always the first.
    order = np.argsort(known, kind="stable")
    written = np.array(labels, np.int32)
    written.ravel()[places] = order[np.searchsorted(known, numbers, sorter=order)] + 1
    return written, foreign
