"""Separate the objects of a plane that nobody holds in memory: to the number what `Objects` finds in all of it at once::

    cores       each chunk numbers its components             the coordinator unites those that touch
    flood       (threshold above 0.5) gives likely pixels     ... adds what flowed into other chunks
    complete    ridges closed; areas and gaps told            ... unites gaps, fills, drops what is small; and again
    write       the same, holes filled, final numbers         ... until none is

The coordinator's memory grows with the objects (some hundred bytes each) and with the edges of the chunks as runs, and not
with the pixels. It knows no files and no processes: a `Runner` has a step done on chunks, wherever and in whatever order,
and may hand back facts that it kept from an earlier run, as long as plane, settings and grid were the same.
"""

from dataclasses import dataclass

import numpy as np

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.flood import LIKELY
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.numbering import Numbering
from unseam.inference.whole_objects.object_cores import join_cores
from unseam.inference.whole_objects.records import CoreFacts, CoreTables, FloodFacts, FloodTables, ObjectStage, WriteFacts
from unseam.inference.whole_objects.rounds import finish
from unseam.inference.whole_objects.stages import Runner, StageRound, collect_facts


@dataclass(frozen=True)
class Halo:
    """How far a flood is followed, where the threshold is above 0.5."""

    first: int = 64
    """px round a chunk at first; doubled where that leaves something open."""

    largest: int = 1024
    """px; what is open even so is decided from this window alone, and counted."""

    def __post_init__(self) -> None:
        assert 1 <= self.first <= self.largest


@dataclass(frozen=True)
class ObjectsFound:
    """What `find_objects` found.

    Attributes
    ----------
    num_objects
        Written as 1..num_objects.
    num_foreground
        px of all objects.
    num_rounds
        How often the objects were completed, each time without those that had turned out too small.
    num_undecided
        px that the largest halo left open, and that were given to an object, or to none, by what lay within it. With 0
        the result is exactly that of `Objects`.
    """

    num_objects: int
    num_foreground: int
    num_rounds: int
    num_undecided: int


def find_objects(grid: ChunkGrid, settings: Objects, run: Runner, halo: Halo | None = None) -> ObjectsFound:
    """Find the objects of a plane, chunk by chunk.

    Parameters
    ----------
    grid
        The chunks of the plane.
    settings
        As in memory.
    run
        Who has the steps done: `perform`, with the same grid and settings and the store of this plane.
    halo
        How far floods are followed; None takes the usual.

    Returns
    -------
    ObjectsFound
        Counts; the objects themselves have been written by then.

    Raises
    ------
    DataError
        More objects than 32 bits can number.
    """
    every = range(len(grid))
    cores = collect_facts(run(StageRound(ObjectStage.CORES), every, lambda _: CoreTables()), CoreFacts, every)
    numbering, num_undecided = join_cores(grid, [cores[chunk] for chunk in every]), 0
    del cores
    if settings.threshold > LIKELY:
        numbering, num_undecided = _flooded(numbering, run, halo or Halo())
    finished = finish(numbering, settings, run)
    writing = run(StageRound(ObjectStage.WRITE), every, lambda chunk: finished.tables_for(chunk, settings))
    written = collect_facts(writing, WriteFacts, every)
    num_foreground = sum(int(facts.num_foreground) for facts in written.values())
    return ObjectsFound(int(finished.finals.max()), num_foreground, finished.num_rounds, num_undecided)


def _flooded(numbering: Numbering, run: Runner, halo: Halo) -> tuple[Numbering, int]:
    """With the cores that flow into chunks in which they have no pixel; and how many pixels stayed undecided."""
    grid, halos = numbering.grid, np.array([halo.first, halo.largest], np.int64)
    every = range(len(grid))

    def tables_for(chunk: int) -> FloodTables:
        return FloodTables(numbering.around(grid.window(chunk, halo.largest)), halos)

    facts = collect_facts(run(StageRound(ObjectStage.FLOOD), every, tables_for), FloodFacts, every)
    num_undecided = sum(int(fact.num_undecided) for fact in facts.values())
    return numbering.and_foreign([facts[chunk].foreign for chunk in every]), num_undecided
