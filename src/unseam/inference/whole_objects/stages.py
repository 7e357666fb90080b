"""What a runner needs: steps, the function that does one on a chunk, and the shape of the runner itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from unseam.geometry.chunk_grid import ChunkGrid
from unseam.heads.objects import Objects
from unseam.inference.whole_objects.complete import tell_objects, write_objects
from unseam.inference.whole_objects.cores import find_cores
from unseam.inference.whole_objects.flooding import flood_chunk
from unseam.inference.whole_objects.records import (
    CoreTables,
    Facts,
    FloodTables,
    ObjectStore,
    Stage,
    Tables,
    WindowNumbers,
    WriteTables,
)

Fact = TypeVar("Fact", bound=Facts)


@dataclass(frozen=True)
class Step:
    """A stage in one of its rounds; only `complete` has more than one.

    Examples
    --------
    >>> Step(Stage.COMPLETE, 3).name
    'complete-3'
    """

    stage: Stage
    round: int = 0

    @property
    def name(self) -> str:
        """Unique within a run, for a journal."""
        return f"{self.stage.value}-{self.round}"


@runtime_checkable
class Runner(Protocol):
    """Has a step done on chunks, and hands on the facts of each in any order."""

    def __call__(self, step: Step, chunks: Sequence[int], tables_for: Callable[[int], Tables]) -> Iterator[tuple[int, Facts]]:
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


def perform(stage: Stage, chunk: int, grid: ChunkGrid, settings: Objects, store: ObjectStore, tables: Tables) -> Facts:
    """One stage on one chunk: a pure function of its arguments but for what it writes, which is its own chunk alone."""
    match stage, tables:
        case Stage.CORES, CoreTables():
            return find_cores(chunk, grid, settings, store)
        case Stage.FLOOD, FloodTables():
            return flood_chunk(chunk, grid, settings, store, tables)
        case Stage.COMPLETE, WindowNumbers():
            return tell_objects(chunk, grid, settings, store, tables)
        case Stage.WRITE, WriteTables():
            return write_objects(chunk, grid, settings, store, tables)
    raise AssertionError(f"{type(tables).__name__} are not the tables of {stage}")


def gather(found: Iterator[tuple[int, Facts]], kind: type[Fact], chunks: Sequence[int]) -> dict[int, Fact]:
    """Facts by chunk, once a runner has handed on those of all."""
    facts: dict[int, Fact] = {chunk: fact for chunk, fact in found if isinstance(fact, kind)}
    assert facts.keys() == set(chunks), f"a runner owes {kind.__name__} of each chunk"
    return facts
