"""Find the objects of a plane larger than memory: the same numbers that `Objects` gives in the whole plane at once.

The work is done in up to five stages::

    stage       each chunk ...                                             then the coordinator ...
    cores       numbers its components at each level                       unites those that touch, chooses those that
                                                                           start an object
    split       writes those (where objects are split)
    flood       gives likely pixels to cores (a level above 0.5)           adds cores that flowed into other chunks
    complete    closes ridges, reports areas and gaps                      unites gaps, fills holes; drops small objects
                                                                           and repeats the stage until none is small
    write       closes ridges, fills holes, writes the final numbers

The coordinator's memory grows with the objects (some hundred bytes each) and with the edges of the chunks as runs, not with
the pixels. It knows no files and no processes: a `Runner` performs a step on chunks, anywhere and in any order, and may return
facts that it kept from an earlier run with the same plane, settings and grid.
"""

from dataclasses import dataclass

import numpy as np

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.numbering import Numbering
from unseam.inference.whole_objects.object_cores import join_cores
from unseam.inference.whole_objects.records import (
    CoreFacts,
    CoreTables,
    FloodFacts,
    FloodTables,
    ObjectStage,
    SplitFacts,
    WriteFacts,
)
from unseam.inference.whole_objects.rounds import finish
from unseam.inference.whole_objects.stages import Runner, StageRound, collect_facts


@dataclass(frozen=True)
class Halo:
    """The rim within which a flood is followed, where objects are flooded."""

    first: int = 64
    """px around a chunk at first; doubled where pixels stay undecided."""

    largest: int = 1024
    """px; pixels that are still undecided are decided from this window alone, and counted."""

    def __post_init__(self) -> None:
        assert 1 <= self.first <= self.largest


@dataclass(frozen=True)
class ObjectsFound:
    """Counts of the objects, which are written as 1..num_objects.

    Attributes
    ----------
    num_foreground
        px of all objects.
    num_rounds
        Rounds of stage `complete`, each without the objects that had been too small before.
    num_undecided
        px that even the largest halo did not decide; they were decided from that window alone. If 0, the result is exactly
        that of `Objects`.
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
        Performs `perform_stage` on chunks, with the same grid and settings and the store of this plane.
    halo
        None: the default.

    Returns
    -------
    ObjectsFound
        The counts; by then the objects have been written.

    Raises
    ------
    DataError
        More objects than 32 bits can number.
    """
    every = range(len(grid))
    cores = collect_facts(run(StageRound(ObjectStage.CORES), every, lambda _: CoreTables()), CoreFacts, every)
    joined, num_undecided = join_cores(grid, [cores[chunk] for chunk in every], settings), 0
    del cores  # the edges of all chunks, which nothing needs any more
    if settings.split:
        collect_facts(run(StageRound(ObjectStage.SPLIT), every, joined.tables_for), SplitFacts, every)
    numbering = joined.numbering
    if settings.is_flooded:
        numbering, num_undecided = _flooded(numbering, run, halo or Halo())
    finished = finish(numbering, settings, run)
    writing = run(StageRound(ObjectStage.WRITE), every, lambda chunk: finished.tables_for(chunk, settings))
    written = collect_facts(writing, WriteFacts, every)
    num_foreground = sum(int(facts.num_foreground) for facts in written.values())
    return ObjectsFound(int(finished.finals.max()), num_foreground, finished.num_rounds, num_undecided)


def _flooded(numbering: Numbering, run: Runner, halo: Halo) -> tuple[Numbering, int]:
    """Add the cores that flow into chunks in which they have no pixel; return also the number of undecided pixels."""
    grid, halos = numbering.grid, np.array([halo.first, halo.largest], np.int64)
    every = range(len(grid))

    def tables_for(chunk: int) -> FloodTables:
        return FloodTables(numbering.around(grid.window(chunk, halo.largest)), halos)

    facts = collect_facts(run(StageRound(ObjectStage.FLOOD), every, tables_for), FloodFacts, every)
    num_undecided = sum(int(fact.num_undecided) for fact in facts.values())
    return numbering.with_foreign([facts[chunk].foreign for chunk in every]), num_undecided
