"""Stages `cores` and `split`: find the components of each chunk, unite them, and write those that start an object.

Without splits every component starts an object. With them the coordinator has the whole tree of components (`heads.split`):
areas and contacts of all levels, but no pixels. It chooses, and each chunk labels its levels again and writes the chosen ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.heads.split import NONE, choose_components, label_levels, measure_components, paint
from unseam.inference.whole_objects.numbering import Numbering
from unseam.inference.whole_objects.records import CoreFacts, ObjectStore, SplitFacts, SplitTables
from unseam.inference.whole_objects.run_lengths import (
    TouchingPairs,
    first_places,
    in_plane,
    line_of,
    pairs_along,
    runs_of,
    unite,
)


def find_cores(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore) -> CoreFacts:
    """Number the components of a chunk at each level; without splits write them as cores."""
    window = rows, columns = grid.window(chunk)
    labels, counts = label_levels(store.read_likely(window), settings.levels)
    if not settings.split:
        store.write_cores(chunk, labels[0])
    areas, parents = measure_components(labels, counts)
    firsts = np.concatenate([first_places(own, number)[1:] for own, number in zip(labels, counts.tolist(), strict=True)])
    edges = (
        [own[0] for own in labels],
        [own[:, 0] for own in labels],
        [own[-1] for own in labels],
        [own[:, -1] for own in labels],
    )
    return CoreFacts(
        counts,
        in_plane(firsts, columns.stop - columns.start, (rows.start, columns.start), grid.width),
        areas,
        parents,
        *(np.concatenate([runs_of(line) for line in lines], axis=1) for lines in edges),
    )


def write_split_cores(chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: SplitTables) -> SplitFacts:
    """Write the components that start an object, with the local numbers of the tables."""
    labels, counts = label_levels(store.read_likely(grid.window(chunk)), settings.levels)
    assert np.array_equal(counts, tables.counts), "the foreground on the disk is not that of stage cores"
    store.write_cores(chunk, paint(labels, counts, tables.numbers))
    return SplitFacts(np.array(tables.numbers.max(initial=0), np.int64))


@dataclass(frozen=True)
class JoinedCores:
    """The cores of the plane, and the local number of each component that starts an object; 0 for the others."""

    numbering: Numbering
    counts: Int64[np.ndarray, "chunks levels"]
    local: Int32[np.ndarray, "components"]

    def tables_for(self, chunk: int) -> SplitTables:
        start = int(self.counts[:chunk].sum())
        return SplitTables(self.counts[chunk], self.local[start : start + int(self.counts[chunk].sum())])


def join_cores(grid: ChunkGrid, facts: Sequence[CoreFacts], settings: Objects) -> JoinedCores:
    """Unite components that touch across the edges of chunks, choose those that start an object, number them in scan order."""
    counts = np.stack([fact.counts for fact in facts])
    starts = np.cumsum([0, *counts.sum(axis=1)], dtype=np.int64)
    whole = unite(_touching(grid, facts, starts), int(starts[-1]))
    num_wholes = int(whole.max(initial=-1)) + 1
    # The first pixel of a core is the first pixel of one of its parts, so the smallest place of its parts gives the order.
    first = np.full(num_wholes, np.iinfo(np.int64).max)
    np.minimum.at(first, whole, np.concatenate([fact.firsts for fact in facts]))
    is_core = np.flatnonzero(_start_an_object(facts, counts, starts, whole, num_wholes, settings))
    number = np.zeros(num_wholes, np.int64)
    number[is_core[np.argsort(first[is_core])]] = np.arange(1, len(is_core) + 1)
    number_of_part = number[whole]
    is_chosen = number_of_part > 0
    of_chunk = np.concatenate([[0], np.cumsum(is_chosen)])[starts]  # chosen parts before each chunk
    local = np.cumsum(is_chosen) - np.repeat(of_chunk[:-1], np.diff(starts))
    numbering = Numbering(grid, of_chunk, number_of_part[is_chosen], len(is_core))
    return JoinedCores(numbering, counts, np.where(is_chosen, local, 0).astype(np.int32))


def _start_an_object(
    facts: Sequence[CoreFacts],
    counts: Int64[np.ndarray, "chunks levels"],
    starts: Int64[np.ndarray, "chunks_and_1"],
    whole: Int64[np.ndarray, "components"],
    num_wholes: int,
    settings: Objects,
) -> np.ndarray:
    """Return which components of the plane start an object."""
    if not settings.split:
        return np.ones(num_wholes, bool)
    level = np.zeros(num_wholes, np.int64)
    level[whole] = np.concatenate([np.repeat(np.arange(counts.shape[1]), of_chunk) for of_chunk in counts])
    area = np.zeros(num_wholes, np.int64)
    np.add.at(area, whole, np.concatenate([fact.areas for fact in facts]))
    around = [np.where(fact.parents == NONE, NONE, fact.parents + start) for fact, start in zip(facts, starts, strict=False)]
    part_around = np.concatenate(around)
    parent = np.full(num_wholes, NONE, np.int64)
    has_parent = part_around != NONE
    parent[whole[has_parent]] = whole[part_around[has_parent]]
    return choose_components(level, parent, area, settings.split, settings.smallest_part)


def _touching(
    grid: ChunkGrid, facts: Sequence[CoreFacts], starts: Int64[np.ndarray, "chunks_and_1"]
) -> Iterator[TouchingPairs]:
    for chunk in range(len(facts)):
        right, below = grid.beside(chunk)
        if right is not None:
            yield from _pairs(facts, starts, chunk, right, "right", "left")
        if below is not None:
            yield from _pairs(facts, starts, chunk, below, "bottom", "top")


def _pairs(
    facts: Sequence[CoreFacts], starts: Int64[np.ndarray, "chunks_and_1"], here: int, there: int, edge: str, other: str
) -> Iterator[TouchingPairs]:
    """Yield the components that touch along two edges, level by level."""
    num_levels = len(facts[here].counts)
    lines = zip(
        line_of(getattr(facts[here], edge)).reshape(num_levels, -1),
        line_of(getattr(facts[there], other)).reshape(num_levels, -1),
        *((starts[chunk] + np.cumsum(facts[chunk].counts) - facts[chunk].counts).tolist() for chunk in (here, there)),
        strict=True,
    )
    for line_here, line_there, offset_here, offset_there in lines:
        yield pairs_along(line_here, line_there, offset_here, offset_there)
