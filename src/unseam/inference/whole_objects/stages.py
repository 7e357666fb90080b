"""What a runner needs: steps, the function that performs one on a chunk, and the interface of the runner itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.complete import measure_objects, write_objects
from unseam.inference.whole_objects.flooding import flood_chunk
from unseam.inference.whole_objects.object_cores import find_cores, write_split_cores
from unseam.inference.whole_objects.records import (
    ChunkFacts,
    ChunkTables,
    CoreTables,
    FloodTables,
    ObjectStage,
    ObjectStore,
    SplitTables,
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
        """A name for the journal, unique within a run."""
        return f"{self.stage.value}-{self.round}"


@runtime_checkable
class Runner(Protocol):
    """Performs a step on chunks and yields the facts of each, in any order."""

    def __call__(
        self, step: StageRound, chunks: Sequence[int], tables_for: Callable[[int], ChunkTables]
    ) -> Iterator[tuple[int, ChunkFacts]]:
        """Yield each of the chunks once, performed by `perform_stage` or known from an earlier run.

        A step may begin when the step before it has ended on all chunks. ``tables_for`` may be called at any time until the
        step ends, and always returns the same tables for a chunk.
        """


def perform_stage(
    stage: ObjectStage, chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: ChunkTables
) -> ChunkFacts:
    """Perform one stage on one chunk: a pure function of its arguments, except that it writes this chunk."""
    match stage, tables:
        case ObjectStage.CORES, CoreTables():
            return find_cores(chunk, grid, settings, store)
        case ObjectStage.SPLIT, SplitTables():
            return write_split_cores(chunk, grid, settings, store, tables)
        case ObjectStage.FLOOD, FloodTables():
            return flood_chunk(chunk, grid, settings, store, tables)
        case ObjectStage.COMPLETE, WindowNumbers():
            return measure_objects(chunk, grid, settings, store, tables)
        case ObjectStage.WRITE, WriteTables():
            return write_objects(chunk, grid, settings, store, tables)
    raise AssertionError(f"{type(tables).__name__} are not the tables of {stage}")


def collect_facts(found: Iterator[tuple[int, ChunkFacts]], kind: type[Fact], chunks: Sequence[int]) -> dict[int, Fact]:
    """Return the facts by chunk, when a runner has yielded those of all."""
    facts: dict[int, Fact] = {chunk: fact for chunk, fact in found if isinstance(fact, kind)}
    assert facts.keys() == set(chunks), f"a runner must yield {kind.__name__} of each chunk"
    return facts
