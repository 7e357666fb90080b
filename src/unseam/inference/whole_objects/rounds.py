"""Rounds of stage `complete`: drop objects that are too small, until none is left.

Small objects took part of the ridges next to them and spoilt holes, so ridges and holes are made again without them. The facts
of a chunk depend only on the core numbers in its window. A round therefore asks only the chunks near a dropped number; the
facts of all others still hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Int64, UInt32

from unseam.errors import DataError
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.complete import rim_of, window_of
from unseam.inference.whole_objects.gaps import JoinedGaps, join_gaps
from unseam.inference.whole_objects.numbering import Numbering
from unseam.inference.whole_objects.records import CompleteFacts, ObjectStage, WindowNumbers, WriteTables
from unseam.inference.whole_objects.stages import Runner, StageRound, collect_facts


@dataclass(frozen=True)
class Finished:
    """The objects when no small one is left."""

    numbering: Numbering  # of the cores that stay
    gaps: JoinedGaps
    finals: UInt32[np.ndarray, "cores_and_0"]  # final number of each core number; 0 where it was dropped
    num_rounds: int

    def tables_for(self, chunk: int, settings: Objects) -> WriteTables:
        """Return the tables of a chunk for stage `write`."""
        around = _tables(self.numbering, settings, chunk)
        owners = self.gaps.owners[self.gaps.offsets[chunk] : self.gaps.offsets[chunk + 1]]
        return WriteTables(around, self.finals[around.numbers], self.finals[owners])


def finish(numbering: Numbering, settings: Objects, run: Runner) -> Finished:
    """Complete the objects and drop small ones, until none is left."""
    grid, num_rounds = numbering.grid, 0
    known: dict[int, CompleteFacts] = {}
    chunks: Sequence[int] = range(len(grid))
    while True:
        tables_for = partial(_tables, numbering, settings)  # bound now: the numbering changes from round to round
        found = run(StageRound(ObjectStage.COMPLETE, num_rounds), chunks, tables_for)
        known |= collect_facts(found, CompleteFacts, chunks)
        num_rounds += 1
        facts = [known[chunk] for chunk in range(len(grid))]
        gaps = join_gaps(grid, facts, numbering.num_cores)
        areas = _areas(facts, numbering.num_cores) + gaps.filled
        is_small = (areas > 0) & (areas < settings.min_size)
        if not is_small.any():
            return Finished(numbering, gaps, _in_scan_order(facts, numbering.num_cores), num_rounds)
        chunks = numbering.chunks_near(is_small, rim_of(settings) + 1)
        numbering = numbering.without(is_small)


def _tables(numbering: Numbering, settings: Objects, chunk: int) -> WindowNumbers:
    return numbering.around(window_of(chunk, numbering.grid, settings))


def _areas(facts: Sequence[CompleteFacts], num_cores: int) -> Int64[np.ndarray, "cores_and_0"]:
    """Return the area, px, of each core number: ridges included, holes not."""
    areas = np.zeros(num_cores + 1, np.int64)
    for fact in facts:
        areas[fact.numbers] += fact.areas  # a plain += is enough: a chunk lists each number once
    return areas


def _in_scan_order(facts: Sequence[CompleteFacts], num_cores: int) -> UInt32[np.ndarray, "cores_and_0"]:
    """Return the final number of each core number."""
    # Holes change no first pixel: above the first pixel of a hole lies a pixel of its object.
    nowhere = np.iinfo(np.int64).max
    first = np.full(num_cores + 1, nowhere)
    for fact in facts:
        first[fact.numbers] = np.minimum(first[fact.numbers], fact.firsts)
    present = np.flatnonzero(first < nowhere)
    if len(present) > np.iinfo(np.uint32).max:
        raise DataError(
            f"Found {len(present)} objects. Up to {np.iinfo(np.uint32).max} can be numbered. Raise the threshold or the "
            "smallest size, or cut the plane into parts."
        )
    finals = np.zeros(num_cores + 1, np.uint32)
    finals[present[np.argsort(first[present])]] = np.arange(1, len(present) + 1, dtype=np.uint32)
    return finals
