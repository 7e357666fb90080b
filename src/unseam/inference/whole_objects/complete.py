"""Stages `complete` and `write`: the objects of a chunk with their ridges, told first, and written when all is known.

An object's ridge depends on what lies within `grow_px` of a pixel, so that a rim of as many makes it exact: if d1 + d2 is
within it both objects are in the window, and if not, the window cannot bring them nearer. Holes and sizes depend on the
plane, and are left to the coordinator (`gaps`). The region on which a chunk tells its gaps has one row and one column of its
neighbours, below and to the right::

    ┌────────┬─┐
    │ chunk  │ │    every two pixels that touch, by a side or by a corner, lie together in the region of some chunk;
    ├────────┼─┤    so the regions know all contacts, and where they overlap they tell which gaps are one
    └────────┴─┘
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.heads.flood import LIKELY
from unseam.heads.objects import Objects, close_ridges
from unseam.inference.whole_objects.gaps import gap_facts, label_gaps, no_gap_facts
from unseam.inference.whole_objects.numbering import Numbered, read_numbered
from unseam.inference.whole_objects.records import (
    CompleteFacts,
    ObjectStore,
    WindowNumbers,
    WriteFacts,
    WriteTables,
)
from unseam.inference.whole_objects.run_lengths import first_places, in_plane


def tell_objects(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WindowNumbers) -> CompleteFacts:
    """The areas of a chunk's objects and what must be known of its gaps."""
    completed = _completed(chunk, grid, settings, store, tables)
    rows, columns = grid.window(chunk)
    own = completed.objects[_own(chunk, grid)]
    areas = np.bincount(own.ravel(), minlength=len(completed.found.numbers))
    areas[0] = 0
    here = np.flatnonzero(areas)
    firsts = first_places(own, len(areas) - 1)[here]
    corner = (rows.start, columns.start)
    facts = gap_facts(chunk, grid, completed.objects, completed.found.numbers) if settings.fill_holes else no_gap_facts()
    return CompleteFacts(
        completed.found.numbers[here],
        areas[here].astype(np.int64),
        in_plane(firsts, own.shape[1], corner, grid.width),
        *facts,
    )


def write_objects(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WriteTables) -> WriteFacts:
    """Do it again, fill the holes, and write the final numbers."""
    completed = _completed(chunk, grid, settings, store, tables.around)
    own = _own(chunk, grid)
    written = completed.found.of(tables.finals)[completed.objects[own]]
    if settings.fill_holes:
        filled = np.concatenate([np.zeros(1, np.uint32), tables.gap_finals])
        written += filled[label_gaps(completed.objects)[0][own]]
    store.write_objects(chunk, written)
    return WriteFacts(np.array(np.count_nonzero(written), np.int64))


def rim_of(settings: Objects) -> int:
    """px round the region that its ridges need."""
    return math.ceil(settings.grow_px)


def window_of(chunk: int, grid: ChunkGrid, settings: Objects) -> Window:
    """What is read for a chunk: its region and the rim, as far as the plane goes."""
    rim = rim_of(settings)
    rows, columns = _region(chunk, grid)
    return (
        slice(max(0, rows.start - rim), min(grid.height, rows.stop + rim)),
        slice(max(0, columns.start - rim), min(grid.width, columns.stop + rim)),
    )


def _region(chunk: int, grid: ChunkGrid) -> Window:
    """The chunk and one row and one column of its neighbours, below and to the right."""
    rows, columns = grid.window(chunk)
    return slice(rows.start, min(grid.height, rows.stop + 1)), slice(columns.start, min(grid.width, columns.stop + 1))


def _own(chunk: int, grid: ChunkGrid) -> Window:
    """The chunk in the frame of its region."""
    rows, columns = grid.window(chunk)
    return slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)


@dataclass(frozen=True)
class _Completed:
    """Objects with their ridges on a chunk's region, in small numbers."""

    objects: Int32[np.ndarray, "height width"]
    found: Numbered


def _completed(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: WindowNumbers) -> _Completed:
    window = window_of(chunk, grid, settings)
    read = store.read_flooded if settings.threshold > LIKELY else store.read_cores
    found = read_numbered(window, grid, read, tables)
    objects = close_ridges(found.labels, settings.grow_px) if settings.grow_px > 0 else found.labels
    (top, bottom), (left, right) = (
        (part.start - around.start, part.stop - around.start) for part, around in zip(_region(chunk, grid), window, strict=True)
    )
    return _Completed(objects[top:bottom, left:right], found)
