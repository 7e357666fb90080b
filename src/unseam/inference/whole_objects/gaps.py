"""Gaps, the pieces of background. Only a whole gap shows whether it is a hole that a single object encloses.

Gaps are 8-connected because objects are 4-connected: a hole neither leaks nor ends at a corner. A gap is a hole if it does not
touch the border of the plane and the smallest number next to it is also the largest. Each part of a gap therefore reports two
numbers and one bit, and the union of parts is a minimum, a maximum and an "or".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64
from scipy import ndimage

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.inference.whole_objects.records import NO_LOWEST, CompleteFacts
from unseam.inference.whole_objects.run_lengths import TouchingPairs, line_of, pairs_along, runs_of, unite

GapFacts = tuple[
    Int64[np.ndarray, "gaps"],
    Int64[np.ndarray, "gaps"],
    Int64[np.ndarray, "gaps"],
    Bool[np.ndarray, "gaps"],
    Int32[np.ndarray, "2 top_runs"],
    Int32[np.ndarray, "2 left_runs"],
    Int32[np.ndarray, "2 below_runs"],
    Int32[np.ndarray, "2 beside_runs"],
]
"""The fields of `CompleteFacts` about gaps, in order."""


def label_gaps(objects: Int32[np.ndarray, "height width"]) -> tuple[Int32[np.ndarray, "height width"], int]:
    """Number the gaps of a region 1..n; return also n."""
    gaps, num_gaps = ndimage.label(objects == 0, structure=np.ones((3, 3), bool))
    return gaps.astype(np.int32, copy=False), int(num_gaps)


def gap_facts(
    chunk: int, grid: ChunkGrid, objects: Int32[np.ndarray, "height width"], numbers: Int64[np.ndarray, "present"]
) -> GapFacts:
    """Return the facts about the gaps of a chunk's region. ``objects`` holds small numbers, ``numbers`` their core numbers."""
    rows, columns = grid.window(chunk)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    gaps, num_gaps = label_gaps(objects)
    lowest = np.full(num_gaps + 1, len(numbers), np.int64)
    highest = np.zeros(num_gaps + 1, np.int64)
    # Small numbers keep the order of the core numbers, so their extremes can be translated at the end.
    for gap, neighbour in _contacts(gaps, objects):
        np.minimum.at(lowest, gap, neighbour)
        np.maximum.at(highest, gap, neighbour)
    is_at_border = np.zeros(num_gaps + 1, bool)
    for edge, is_border in (
        (gaps[0], rows.start == 0),
        (gaps[-1], rows.start + len(gaps) == grid.height),
        (gaps[:, 0], columns.start == 0),
        (gaps[:, -1], columns.start + gaps.shape[1] == grid.width),
    ):
        is_at_border[edge] |= is_border
    # Areas count the pixels of the chunk alone, so that no pixel is counted by two chunks. The row and column of the
    # neighbours are reported as this chunk numbers them: compared with the neighbours' own edges they show which gaps are one.
    return (
        np.bincount(gaps[:height, :width].ravel(), minlength=num_gaps + 1)[1:].astype(np.int64),
        np.append(numbers, NO_LOWEST)[lowest[1:]],
        numbers[highest[1:]],
        is_at_border[1:],
        runs_of(gaps[0]),
        runs_of(gaps[:, 0]),
        runs_of(gaps[height] if height < len(gaps) else gaps[0, :0]),
        runs_of(gaps[:, width] if width < gaps.shape[1] else gaps[:0, 0]),
    )


def no_gap_facts() -> GapFacts:
    """Return the facts for settings that do not fill holes."""
    none, no_runs = np.zeros(0, np.int64), np.zeros((2, 0), np.int32)
    return none, none, none, np.zeros(0, bool), no_runs, no_runs, no_runs, no_runs


def _contacts(
    gaps: Int32[np.ndarray, "height width"], objects: Int32[np.ndarray, "height width"]
) -> Iterator[tuple[Int32[np.ndarray, "contacts"], Int32[np.ndarray, "contacts"]]]:
    """Yield gap and small object number wherever a gap pixel and an object pixel lie side by side."""
    is_gap = gaps > 0
    for before, after in (((slice(None, -1),), (slice(1, None),)), ((..., slice(None, -1)), (..., slice(1, None)))):
        is_contact = is_gap[before] != is_gap[after]
        # A pixel is either gap or object and has 0 in the other map: the sums hold the one gap and the one object.
        yield gaps[before][is_contact] + gaps[after][is_contact], objects[before][is_contact] + objects[after][is_contact]


@dataclass(frozen=True)
class JoinedGaps:
    """The gaps of the plane.

    Attributes
    ----------
    offsets
        Start of the gaps of each chunk in ``owners``, and the end.
    owners
        Core number that fills each gap of each chunk; 0 where no single object encloses it.
    filled
        px that each core number gains.
    """

    offsets: Int64[np.ndarray, "chunks_and_1"]
    owners: Int64[np.ndarray, "gaps"]
    filled: Int64[np.ndarray, "cores_and_0"]


def join_gaps(grid: ChunkGrid, facts: Sequence[CompleteFacts], num_cores: int) -> JoinedGaps:
    """Unite the gaps of all chunks and find the objects that fill them."""
    offsets = np.cumsum([0, *(len(fact.gap_areas) for fact in facts)], dtype=np.int64)
    whole = unite(_shared(grid, facts, offsets.tolist()), int(offsets[-1]))
    num_whole = int(whole.max(initial=-1)) + 1
    lowest, highest, is_at_border = np.full(num_whole, NO_LOWEST), np.zeros(num_whole, np.int64), np.zeros(num_whole, bool)
    np.minimum.at(lowest, whole, np.concatenate([fact.lowest for fact in facts]))
    np.maximum.at(highest, whole, np.concatenate([fact.highest for fact in facts]))
    np.logical_or.at(is_at_border, whole, np.concatenate([fact.is_at_border for fact in facts]))
    # A gap without any neighbour, in an empty plane, keeps NO_LOWEST and 0: never equal, so nothing fills it.
    owners = np.where((lowest == highest) & ~is_at_border, highest, 0)[whole]
    areas = np.concatenate([fact.gap_areas for fact in facts])
    filled = np.zeros(num_cores + 1, np.int64)
    np.add.at(filled, owners, areas)
    filled[0] = 0
    return JoinedGaps(offsets, owners, filled)


def _shared(grid: ChunkGrid, facts: Sequence[CompleteFacts], offsets: list[int]) -> Iterator[TouchingPairs]:
    """Yield pairs of gaps that are the same, since two chunks number the same pixel with them."""
    # The lines are those of regions and include the corner that four chunks share. So a gap that passes diagonally from a chunk
    # to the one below on the right is united through the neighbour between them.
    for chunk, fact in enumerate(facts):
        right, below = grid.beside(chunk)
        if right is not None:
            yield pairs_along(line_of(fact.beside), line_of(facts[right].left), offsets[chunk], offsets[right])
        if below is not None:
            yield pairs_along(line_of(fact.below), line_of(facts[below].top), offsets[chunk], offsets[below])
