"""The data that pass between the coordinator and the workers on chunks: stages, facts, tables, and the arrays on disk.

Every stage is a pure function of a chunk, the grid, the settings, the arrays that earlier stages wrote, and a small table, and
returns a few facts to the coordinator. Facts and tables hold arrays only, so that they can be written to a journal, sent to
another machine, and read again.

There are three kinds of numbers::

    local    1..n within a chunk, as written by the stages `cores`, `split` and `flood`; several may be parts of one core
    core     1..N in the plane, in the scan order of scipy.ndimage.label on the whole plane; 0 where it was dropped
    final    1..M in the plane, in scan order of the finished objects, as written in the end
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt32

from unseam.geometry.chunk_grid import Window


@runtime_checkable
class ObjectStore(Protocol):
    """The arrays on disk between the stages; windows are in the frame of the plane."""

    def read_likely(self, window: Window) -> Float32[np.ndarray, "height width"]:
        """Read the probability of the foreground, for stage `cores` and, where objects are flooded, `split` and `flood`."""

    def read_cores(self, window: Window) -> Int32[np.ndarray, "height width"]:
        """Read local numbers, each chunk as it was written."""

    def write_cores(self, chunk: int, labels: Int32[np.ndarray, "height width"]) -> None:
        """Write the local numbers of stage `cores`, or of stage `split` where there is one."""

    def read_flooded(self, window: Window) -> Int32[np.ndarray, "height width"]:
        """Read local numbers after stage `flood`; called only if objects are flooded."""

    def write_flooded(self, chunk: int, labels: Int32[np.ndarray, "height width"]) -> None:
        """Write the local numbers of stage `flood`. The cores stay, since other chunks still read them."""

    def write_objects(self, chunk: int, numbers: UInt32[np.ndarray, "height width"]) -> None:
        """Write the final numbers of stage `write`."""


@dataclass(frozen=True)
class CoreFacts:
    """The facts of stage `cores`, about the components at each level of the objects; without splits there is one level.

    Attributes
    ----------
    counts
        How many components each level has in the chunk. The arrays below list them level after level.
    firsts
        Place of the first pixel of each in a scan of the plane, row * width + column.
    areas
        px of each, in the chunk.
    parents
        Index of the component around each, one level below; `heads.split.NONE` on the first level.
    top, left, bottom, right
        Numbers within the level (from 1) along the edges of the chunk, as runs (`run_lengths.runs_of`); the edges of all levels
        one after another.
    """

    counts: Int64[np.ndarray, "levels"]
    firsts: Int64[np.ndarray, "components"]
    areas: Int64[np.ndarray, "components"]
    parents: Int64[np.ndarray, "components"]
    top: Int32[np.ndarray, "2 top_runs"]
    left: Int32[np.ndarray, "2 left_runs"]
    bottom: Int32[np.ndarray, "2 bottom_runs"]
    right: Int32[np.ndarray, "2 right_runs"]


@dataclass(frozen=True)
class SplitFacts:
    """The facts of stage `split`."""

    num_cores: Int64[np.ndarray, ""]  # local numbers that were written


@dataclass(frozen=True)
class FloodFacts:
    """The facts of stage `flood`.

    Attributes
    ----------
    foreign
        Core numbers that flowed into the chunk and have no core pixel in it; their local numbers follow those of its own
        cores.
    num_undecided
        px that even the largest halo did not decide.
    """

    foreign: Int64[np.ndarray, "foreign"]
    num_undecided: Int64[np.ndarray, ""]


@dataclass(frozen=True)
class CompleteFacts:
    """The facts of stage `complete`, about objects and gaps; `gaps` explains the edges.

    Attributes
    ----------
    numbers
        Core numbers of the objects in the chunk, rising.
    areas
        px of each, in the chunk; holes not yet filled.
    firsts
        Place of the first pixel of each in the chunk, in a scan of the plane.
    gap_areas
        px of each gap, in the chunk.
    lowest, highest
        Smallest and largest core number next to each gap; ``NO_LOWEST`` and 0 if it has no neighbour.
    is_at_border
        Whether each gap touches the border of the plane.
    top, left
        Gaps along the first row and column of the chunk's region, as runs; 0 is an object.
    below, beside
        Gaps along the last row and column of the region, which belong to the neighbours below and to the right. Empty at the
        border of the plane. The last pixel of each line is the corner that it shares with other lines, where there is one.
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
    """The facts of stage `write`."""

    num_foreground: Int64[np.ndarray, ""]  # px of objects in the chunk


ChunkFacts = CoreFacts | SplitFacts | FloodFacts | CompleteFacts | WriteFacts


@dataclass(frozen=True)
class CoreTables:
    """Stage `cores` needs no tables."""


@dataclass(frozen=True)
class SplitTables:
    """The local number of each component of a chunk, level after level; 0 where it starts no object."""

    counts: Int64[np.ndarray, "levels"]
    numbers: Int32[np.ndarray, "components"]


@dataclass(frozen=True)
class WindowNumbers:
    """The core numbers of local ones in the chunks that a window touches; the tables of stage `complete`.

    Attributes
    ----------
    offsets
        Start of the numbers of each chunk in ``numbers``, and the end.
    numbers
        Core number of each local one from 1 on, chunk after chunk; 0 where it was dropped.
    """

    chunks: Int64[np.ndarray, "chunks"]
    offsets: Int64[np.ndarray, "chunks_and_1"]
    numbers: Int64[np.ndarray, "labels"]

    def of_chunk(self, chunk: int) -> Int64[np.ndarray, "own"]:
        """Return the core numbers of one chunk."""
        place = int(np.flatnonzero(self.chunks == chunk)[0])
        return self.numbers[self.offsets[place] : self.offsets[place + 1]]


@dataclass(frozen=True)
class FloodTables:
    """The tables of stage `flood`."""

    around: WindowNumbers  # within the largest halo
    halos: Int64[np.ndarray, "2"]  # first and largest, px


@dataclass(frozen=True)
class WriteTables:
    """The tables of stage `write`."""

    around: WindowNumbers  # as for `complete`, in its last round
    finals: UInt32[np.ndarray, "labels"]  # final numbers of ``around.numbers``
    gap_finals: UInt32[np.ndarray, "gaps"]  # final number that fills each gap of the chunk; 0 leaves it


ChunkTables = CoreTables | SplitTables | FloodTables | WindowNumbers | WriteTables


class ObjectStage(Enum):
    """The stages, in order; a journal uses their values."""

    CORES = "cores"
    SPLIT = "split"
    FLOOD = "flood"
    COMPLETE = "complete"
    WRITE = "write"

    @property
    def facts(self) -> type[ChunkFacts]:
        """The type of the facts that the stage returns."""
        return _FACTS[self]


_FACTS: dict[ObjectStage, type[ChunkFacts]] = {
    ObjectStage.CORES: CoreFacts,
    ObjectStage.SPLIT: SplitFacts,
    ObjectStage.FLOOD: FloodFacts,
    ObjectStage.COMPLETE: CompleteFacts,
    ObjectStage.WRITE: WriteFacts,
}
