"""What a runner needs: steps, the function that does one on a chunk, and the shape of the runner itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.complete import tell_objects, write_objects
from unseam.inference.whole_objects.flooding import flood_chunk
from unseam.inference.whole_objects.object_cores import find_cores
from unseam.inference.whole_objects.records import (
    ChunkFacts,
    ChunkTables,
    CoreTables,
    FloodTables,
    ObjectStage,
    ObjectStore,
    WindowNumbers,
    WriteTables,
)

Fact = TypeVar("Fact", bound=ChunkFacts)


@dataclass(frozen=True)
class StageRound:
    """A stage in one of its rounds; only `complete` has more than one.

    Examples
    --------
    >>> StageRound(ObjectStage.COMPLETE, 3).name
    'complete-3'
    """

    stage: ObjectStage
    round: int = 0

    @property
    def name(self) -> str:
        """Unique within a run, for a journal."""
        return f"{self.stage.value}-{self.round}"


@runtime_checkable
class Runner(Protocol):
    """Has a step done on chunks, and hands on the facts of each in any order."""

    def __call__(
        self, step: StageRound, chunks: Sequence[int], tables_for: Callable[[int], ChunkTables]
    ) -> Iterator[tuple[int, ChunkFacts]]:
        """Each of the chunks once, done by `perform` or known from before.

        Parameters
        ----------
        step
            What is to be done. It may begin when the step before it has ended for all chunks.
        chunks
            Where.
        tables_for
            The tables of a chunk; may be asked at any time until the step ends, and always says the same.
        """
        ...


def perform_stage(
    stage: ObjectStage, chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: ChunkTables
) -> ChunkFacts:
    """One stage on one chunk: a pure function of its arguments but for what it writes, which is its own chunk alone."""
    match stage, tables:
        case ObjectStage.CORES, CoreTables():
            return find_cores(chunk, grid, settings, store)
        case ObjectStage.FLOOD, FloodTables():
            return flood_chunk(chunk, grid, settings, store, tables)
        case ObjectStage.COMPLETE, WindowNumbers():
            return tell_objects(chunk, grid, settings, store, tables)
        case ObjectStage.WRITE, WriteTables():
            return write_objects(chunk, grid, settings, store, tables)
    raise AssertionError(f"{type(tables).__name__} are not the tables of {stage}")


def collect_facts(found: Iterator[tuple[int, ChunkFacts]], kind: type[Fact], chunks: Sequence[int]) -> dict[int, Fact]:
    """ChunkFacts by chunk, once a runner has handed on those of all."""
    facts: dict[int, Fact] = {chunk: fact for chunk, fact in found if isinstance(fact, kind)}
    assert facts.keys() == set(chunks), f"a runner owes {kind.__name__} of each chunk"
    return facts
