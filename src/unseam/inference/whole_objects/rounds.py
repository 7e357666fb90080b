"""Rounds of stage `complete`: what turns out too small is dropped, until nothing is.

Small objects took part of the ridges beside them and spoilt holes, so that those must be made again without them. What a
chunk tells depends on the core numbers in its window and on nothing else; so a round needs to ask only chunks near one of
which a number was dropped, and what the others told still holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """The objects when no small one is left.

    Attributes
    ----------
    numbering
        The cores that stay.
    gaps
        What fills each gap.
    finals
        Final number of each core number, 0 of those that were dropped.
    num_rounds
        How often they were completed.
    """

    numbering: Numbering
    gaps: JoinedGaps
    finals: UInt32[np.ndarray, "cores_and_0"]
    num_rounds: int

    def tables_for(self, chunk: int, settings: Objects) -> WriteTables:
        """What a chunk needs to be written."""
        around = self.numbering.around(window_of(chunk, self.numbering.grid, settings))
        owners = self.gaps.owners[self.gaps.offsets[chunk] : self.gaps.offsets[chunk + 1]]
        return WriteTables(around, self.finals[around.numbers], self.finals[owners])


def finish(numbering: Numbering, settings: Objects, run: Runner) -> Finished:
    """Complete the objects, drop what is small, and again."""
    grid, num_rounds = numbering.grid, 0
    known: dict[int, CompleteFacts] = {}
    chunks: Sequence[int] = range(len(grid))
    while True:
        found = run(StageRound(ObjectStage.COMPLETE, num_rounds), chunks, _tables(numbering, settings))
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


def _tables(numbering: Numbering, settings: Objects) -> Callable[[int], WindowNumbers]:
    return lambda chunk: numbering.around(window_of(chunk, numbering.grid, settings))


def _areas(facts: Sequence[CompleteFacts], num_cores: int) -> Int64[np.ndarray, "cores_and_0"]:
    """px of each core number, ridges included, holes not."""
    areas = np.zeros(num_cores + 1, np.int64)
    for fact in facts:
        areas[fact.numbers] += fact.areas  # a chunk names each number once
    return areas


def _in_scan_order(facts: Sequence[CompleteFacts], num_cores: int) -> UInt32[np.ndarray, "cores_and_0"]:
    """Final numbers. Holes change nothing: above the first pixel of a hole lies a pixel of its object."""
    nowhere = np.iinfo(np.int64).max
    first = np.full(num_cores + 1, nowhere)
    for fact in facts:
        first[fact.numbers] = np.minimum(first[fact.numbers], fact.firsts)
    there = np.flatnonzero(first < nowhere)
    if len(there) > np.iinfo(np.uint32).max:
        raise DataError(
            f"{len(there)} objects were found. Up to {np.iinfo(np.uint32).max} can be numbered; raise the threshold or the "
            "smallest size, or cut the plane into parts."
        )
    finals = np.zeros(num_cores + 1, np.uint32)
    finals[there[np.argsort(first[there])]] = np.arange(1, len(there) + 1, dtype=np.uint32)
    return finals
