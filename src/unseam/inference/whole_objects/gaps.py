"""Gaps, the pieces of background: which of them are holes of one object alone can be told only of whole ones.

A gap is 8-connected, where objects are 4-connected: a hole does not leak, and does not end, at a corner. It is a hole if it
does not touch the border of the plane and if the smallest number beside it is also the largest. So all that its parts must
tell is two numbers and a bit, and the union of parts is a minimum, a maximum and an "or".
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
"""The fields of `CompleteFacts` that are about gaps, in their order."""


def label_gaps(objects: Int32[np.ndarray, "height width"]) -> tuple[Int32[np.ndarray, "height width"], int]:
    """The gaps of a region, 1..n, and n."""
    gaps, num_gaps = ndimage.label(objects == 0, structure=np.ones((3, 3), bool))
    return gaps.astype(np.int32, copy=False), int(num_gaps)


def gap_facts(
    chunk: int, grid: ChunkGrid, objects: Int32[np.ndarray, "height width"], numbers: Int64[np.ndarray, "present"]
) -> GapFacts:
    """What the gaps of a chunk's region tell.

    Parameters
    ----------
    chunk, grid
        Whose region it is.
    objects
        The region in small numbers: the chunk, and one row and one column of its neighbours.
    numbers
        Core numbers of the small ones.
    """
    rows, columns = grid.window(chunk)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    gaps, num_gaps = label_gaps(objects)
    lowest = np.full(num_gaps + 1, len(numbers), np.int64)
    highest = np.zeros(num_gaps + 1, np.int64)
    for gap, beside in _contacts(gaps, objects):
        np.minimum.at(lowest, gap, beside)
        np.maximum.at(highest, gap, beside)
    is_at_border = np.zeros(num_gaps + 1, bool)
    for edge, is_border in (
        (gaps[0], rows.start == 0),
        (gaps[-1], rows.start + len(gaps) == grid.height),
        (gaps[:, 0], columns.start == 0),
        (gaps[:, -1], columns.start + gaps.shape[1] == grid.width),
    ):
        is_at_border[edge] |= is_border
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
    """Where holes are left alone."""
    none, no_runs = np.zeros(0, np.int64), np.zeros((2, 0), np.int32)
    return none, none, none, np.zeros(0, bool), no_runs, no_runs, no_runs, no_runs


def _contacts(
    gaps: Int32[np.ndarray, "height width"], objects: Int32[np.ndarray, "height width"]
) -> Iterator[tuple[Int32[np.ndarray, "contacts"], Int32[np.ndarray, "contacts"]]]:
    """Gap and small object number wherever one of each lie side by side: the other number of either pixel is 0."""
    is_gap = gaps > 0
    for here, there in (((slice(None, -1),), (slice(1, None),)), ((..., slice(None, -1)), (..., slice(1, None)))):
        is_contact = is_gap[here] != is_gap[there]
        yield (
            gaps[here][is_contact] + gaps[there][is_contact],
            objects[here][is_contact] + objects[there][is_contact],
        )


@dataclass(frozen=True)
class JoinedGaps:
    """The gaps of the plane.

    Attributes
    ----------
    offsets
        Where the gaps of each chunk begin in ``owners``, and the end.
    owners
        Core number that fills each gap of each chunk; 0 where it is no hole of one object.
    filled
        px that each core number gains.
    """

    offsets: Int64[np.ndarray, "chunks_and_1"]
    owners: Int64[np.ndarray, "gaps"]
    filled: Int64[np.ndarray, "cores_and_0"]


def join_gaps(grid: ChunkGrid, facts: Sequence[CompleteFacts], num_cores: int) -> JoinedGaps:
    """Unite the gaps of all chunks and say which objects fill them."""
    offsets = np.cumsum([0, *(len(fact.gap_areas) for fact in facts)], dtype=np.int64)
    whole = unite(_shared(grid, facts, offsets.tolist()), int(offsets[-1]))
    num_whole = int(whole.max(initial=-1)) + 1
    lowest, highest, is_at_border = np.full(num_whole, NO_LOWEST), np.zeros(num_whole, np.int64), np.zeros(num_whole, bool)
    np.minimum.at(lowest, whole, np.concatenate([fact.lowest for fact in facts]))
    np.maximum.at(highest, whole, np.concatenate([fact.highest for fact in facts]))
    np.logical_or.at(is_at_border, whole, np.concatenate([fact.is_at_border for fact in facts]))
    owners = np.where((lowest == highest) & ~is_at_border, highest, 0)[whole]
    areas = np.concatenate([fact.gap_areas for fact in facts])
    filled = np.zeros(num_cores + 1, np.int64)
    np.add.at(filled, owners, areas)
    filled[0] = 0
    return JoinedGaps(offsets, owners, filled)


def _shared(grid: ChunkGrid, facts: Sequence[CompleteFacts], offsets: list[int]) -> Iterator[TouchingPairs]:
    """Pixels that two chunks know: a gap on one is the same gap as on the other."""
    for chunk, here in enumerate(facts):
        right, below = grid.beside(chunk)
        beside_line, below_line = line_of(here.beside), line_of(here.below)
        if right is not None:
            there = line_of(facts[right].left)
            length = min(len(beside_line), len(there))
            yield pairs_along(beside_line[:length], there[:length], offsets[chunk], offsets[right])
        if below is not None:
            there = line_of(facts[below].top)
            length = min(len(below_line), len(there))
            yield pairs_along(below_line[:length], there[:length], offsets[chunk], offsets[below])
        if right is not None and below is not None:
            diagonal = below + 1
            corner, there = beside_line[-1:], line_of(facts[diagonal].top)[:1]
            yield pairs_along(corner, there, offsets[chunk], offsets[diagonal])
