"""What passes between the coordinator and those who work on chunks: stages, facts, tables, and what lies on disk.

Every stage is a pure function of a chunk, the grid, the settings, what the stages before it wrote, and a small table; and
tells the coordinator a few facts. ChunkFacts and tables are arrays and nothing else: they can be written to a journal, sent to
another machine, and read again.

Numbers of three kinds::

    local    1..n within a chunk, as written by the stages `cores` and `flood`; several may be parts of one core
    core     1..N in the plane, in scan order: what scipy.ndimage.label would give it as a whole; 0 where it was dropped
    final    1..M in the plane, in scan order of the finished objects: what is written in the end
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt32

from unseam.geometry.chunk_grid import Window


@runtime_checkable
class ObjectStore(Protocol):
    """What lies on disk between the stages; windows are in the frame of the plane."""

    def read_likely(self, window: Window) -> Float32[np.ndarray, "height width"]:
        """Probability of the foreground; for stage `cores`, and `flood` where the threshold is above 0.5."""
        ...

    def read_cores(self, window: Window) -> Int32[np.ndarray, "height width"]:
        """Local numbers, each chunk as it was written."""
        ...

    def write_cores(self, chunk: int, labels: Int32[np.ndarray, "height width"]) -> None:
        """Of stage `cores`."""
        ...

    def read_flooded(self, window: Window) -> Int32[np.ndarray, "height width"]:
        """Local numbers, each chunk as it was written; never asked for unless the threshold is above 0.5."""
        ...

    def write_flooded(self, chunk: int, labels: Int32[np.ndarray, "height width"]) -> None:
        """Of stage `flood`, beside the cores, which chunks further on still read."""
        ...

    def write_objects(self, chunk: int, numbers: UInt32[np.ndarray, "height width"]) -> None:
        """Final numbers, of stage `write`."""
        ...


@dataclass(frozen=True)
class CoreFacts:
    """Of stage `cores`.

    Attributes
    ----------
    firsts
        Of each local number the place of its first pixel in a scan of the plane, row * width + column.
    top, left, bottom, right
        Local numbers along the edges of the chunk, as runs (`run_lengths.runs_of`).
    """

    firsts: Int64[np.ndarray, "cores"]
    top: Int32[np.ndarray, "2 top_runs"]
    left: Int32[np.ndarray, "2 left_runs"]
    bottom: Int32[np.ndarray, "2 bottom_runs"]
    right: Int32[np.ndarray, "2 right_runs"]


@dataclass(frozen=True)
class FloodFacts:
    """Of stage `flood`.

    Attributes
    ----------
    foreign
        Core numbers of those that flowed into the chunk and have no core pixel in it; their local numbers follow those
        of its own cores.
    num_undecided
        px that might be another object's: even the largest halo did not decide them.
    """

    foreign: Int64[np.ndarray, "foreign"]
    num_undecided: Int64[np.ndarray, ""]


@dataclass(frozen=True)
class CompleteFacts:
    """Of stage `complete`: objects and gaps, which are the pieces of background. See `gaps` for the edges.

    Attributes
    ----------
    numbers
        Core numbers of the objects in the chunk, rising.
    areas
        px of each, in the chunk; holes not yet filled.
    firsts
        Place of its first pixel in the chunk in a scan of the plane.
    gap_areas
        px of each gap, in the chunk.
    lowest, highest
        Smallest and largest core number beside a gap; ``NO_LOWEST`` and 0 where there is none.
    is_at_border
        Does a gap lie at the border of the plane?
    top, left
        Gaps along the first row and column of the chunk, as runs; 0 is an object.
    below, beside
        The same pixels of the neighbours below and to the right, as this chunk numbers the gaps on them; the last pixel
        of each is the corner that both share, where there is one.
    """

    numbers: Int64[np.ndarray, "objects"]
    areas: Int64[np.ndarray, "objects"]
    firsts: Int64[np.ndarray, "objects"]
    gap_areas: Int64[np.ndarray, "gaps"]
    lowest: Int64[np.ndarray, "gaps"]
    highest: Int64[np.ndarray, "gaps"]
    is_at_border: Bool[np.ndarray, "gaps"]
    top: Int32[np.ndarray, "2 top_runs"]
    left: Int32[np.ndarray, "2 left_runs"]
    below: Int32[np.ndarray, "2 below_runs"]
    beside: Int32[np.ndarray, "2 beside_runs"]


NO_LOWEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class WriteFacts:
    """Of stage `write`.

    Attributes
    ----------
    num_foreground
        px of objects in the chunk.
    """

    num_foreground: Int64[np.ndarray, ""]


ChunkFacts = CoreFacts | FloodFacts | CompleteFacts | WriteFacts


@dataclass(frozen=True)
class CoreTables:
    """Stage `cores` needs none."""


@dataclass(frozen=True)
class WindowNumbers:
    """Local to core numbers, for the chunks that a window touches; the tables of stage `complete`.

    Attributes
    ----------
    chunks
        Which.
    offsets
        Where the numbers of each begin in ``numbers``, and the end.
    numbers
        Core number of each local one from 1 on, chunk after chunk; 0 where it was dropped.
    """

    chunks: Int64[np.ndarray, "chunks"]
    offsets: Int64[np.ndarray, "chunks_and_1"]
    numbers: Int64[np.ndarray, "labels"]


@dataclass(frozen=True)
class FloodTables:
    """ChunkTables of stage `flood`.

    Attributes
    ----------
    around
        Numbers within the largest halo.
    halos
        First and largest halo, px.
    """

    around: WindowNumbers
    halos: Int64[np.ndarray, "2"]


@dataclass(frozen=True)
class WriteTables:
    """ChunkTables of stage `write`.

    Attributes
    ----------
    around
        As for `complete`, in its last round.
    finals
        Final numbers beside ``around.numbers``.
    gap_finals
        Final number that each gap of the chunk is filled with; 0 leaves it.
    """

    around: WindowNumbers
    finals: UInt32[np.ndarray, "labels"]
    gap_finals: UInt32[np.ndarray, "gaps"]


ChunkTables = CoreTables | FloodTables | WindowNumbers | WriteTables


class ObjectStage(Enum):
    """The stages, in order, by the names that a journal may use."""

    CORES = "cores"
    FLOOD = "flood"
    COMPLETE = "complete"
    WRITE = "write"

    @property
    def facts(self) -> type[ChunkFacts]:
        """The type of its facts; every field is an array."""
        return _FACTS[self]


_FACTS: dict[ObjectStage, type[ChunkFacts]] = {
    ObjectStage.CORES: CoreFacts,
    ObjectStage.FLOOD: FloodFacts,
    ObjectStage.COMPLETE: CompleteFacts,
    ObjectStage.WRITE: WriteFacts,
}
