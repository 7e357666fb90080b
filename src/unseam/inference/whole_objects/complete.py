"""Stages `complete` and `write`: close the ridges of a chunk's objects, report facts, and finally write the objects.

Whether a pixel belongs to a ridge depends only on what lies within `grow_px` of it, so a rim of that width makes ridges exact:
if d1 + d2 is within it, both objects are in the window; if not, the window cannot bring them nearer. Holes and sizes depend on
the whole plane, and the coordinator decides them (`gaps`). A chunk reports the gaps of its *region*: the chunk with one row
and one column of its neighbours, below and to the right::

    ┌────────┬─┐
    │ chunk  │ │    any two pixels that touch, by a side or by a corner, lie together in the region of some chunk;
    ├────────┼─┤    so the regions know all contacts, and their overlaps show which gaps are the same
    └────────┴─┘
"""

import math

import numpy as np
from jaxtyping import Int32

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.heads.objects import Objects, close_ridges
from unseam.inference.whole_objects.gaps import gap_facts, label_gaps, no_gap_facts
from unseam.inference.whole_objects.numbering import Numbered, read_numbered
from unseam.inference.whole_objects.records import CompleteFacts, ObjectStore, WindowNumbers, WriteFacts, WriteTables
from unseam.inference.whole_objects.run_lengths import first_places, in_plane


def measure_objects(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WindowNumbers) -> CompleteFacts:
    """Return the areas of a chunk's objects and the facts about its gaps."""
    objects, found = _close_ridges(chunk, grid, settings, store, tables)
    rows, columns = grid.window(chunk)
    own = objects[_own(chunk, grid)]
    areas = np.bincount(own.ravel(), minlength=len(found.numbers))
    areas[0] = 0
    present = np.flatnonzero(areas)
    firsts = in_plane(first_places(own, len(areas) - 1)[present], own.shape[1], (rows.start, columns.start), grid.width)
    facts = gap_facts(chunk, grid, objects, found.numbers) if settings.fill_holes else no_gap_facts()
    return CompleteFacts(found.numbers[present], areas[present].astype(np.int64), firsts, *facts)


def write_objects(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WriteTables) -> WriteFacts:
    """Close the ridges again, fill the holes, and write the final numbers."""
    objects, found = _close_ridges(chunk, grid, settings, store, tables.around)
    own = _own(chunk, grid)
    written = found.look_up(tables.finals)[objects[own]]
    if settings.fill_holes:
        filled = np.concatenate([np.zeros(1, np.uint32), tables.gap_finals])
        written += filled[label_gaps(objects)[0][own]]
    store.write_objects(chunk, written)
    return WriteFacts(np.array(np.count_nonzero(written), np.int64))


def rim_of(settings: Objects) -> int:
    """Return the rim, px, that the ridges of a region need."""
    return math.ceil(settings.grow_px)


def window_of(chunk: int, grid: ChunkGrid, settings: Objects) -> Window:
    """Return the window that a chunk reads: its region and the rim, clipped at the border of the plane."""
    rim = rim_of(settings)
    rows, columns = _region(chunk, grid)
    return (
        slice(max(0, rows.start - rim), min(grid.height, rows.stop + rim)),
        slice(max(0, columns.start - rim), min(grid.width, columns.stop + rim)),
    )


def _region(chunk: int, grid: ChunkGrid) -> Window:
    """Return the region of a chunk, in the frame of the plane."""
    rows, columns = grid.window(chunk)
    return slice(rows.start, min(grid.height, rows.stop + 1)), slice(columns.start, min(grid.width, columns.stop + 1))


def _own(chunk: int, grid: ChunkGrid) -> Window:
    """Return the chunk in the frame of its region."""
    rows, columns = grid.window(chunk)
    return slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)


def _close_ridges(
    chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WindowNumbers
) -> tuple[Int32[np.ndarray, "height width"], Numbered]:
    """Return the objects on a chunk's region with their ridges, in small numbers, and the window that translates these."""
    window = window_of(chunk, grid, settings)
    read = store.read_flooded if settings.is_flooded else store.read_cores
    found = read_numbered(window, grid, read, tables)
    objects = close_ridges(found.labels, settings.grow_px) if settings.grow_px > 0 else found.labels
    (top, bottom), (left, right) = (
        (part.start - around.start, part.stop - around.start) for part, around in zip(_region(chunk, grid), window, strict=True)
    )
    return objects[top:bottom, left:right], found
