"""Reads uncompressed numbers that follow each other in a file.

The file is not mapped into memory: touched pages of a map count as memory of the process, and a mapped file that shrinks
kills the process.
"""

import math
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from unseam.errors import ImageReadError
from unseam.io.large.stored_axes import Bounds

_MIN_RUN_BYTES = 64  # for shorter runs, one read with the gaps is faster than a read per run
_MAX_READ_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class RawArray:
    """An array in a file from byte ``offset`` on, last axis fastest; ``dtype`` may have any byte order."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part in as few reads as its runs allow. Raises ImageReadError if the file is too short."""
        first = self._first_of_run(bounds)
        starts = self._starts(bounds[:first]) + bounds[first][0] * math.prod(self.shape[first + 1 :])
        run_shape = (bounds[first][1] - bounds[first][0], *self.shape[first + 1 :])
        within = tuple(slice(start, stop) for start, stop in bounds[first + 1 :])
        part = np.empty([stop - start for start, stop in bounds], self.dtype)
        pieces = part.reshape(len(starts), *part.shape[first:])
        is_whole = run_shape == part.shape[first:]
        run = np.empty(0 if is_whole else run_shape, self.dtype)
        with self.path.open("rb", buffering=0) as stream:
            for start, piece in zip(starts.tolist(), pieces, strict=True):
                stream.seek(self.offset + start * self.dtype.itemsize)
                self._fill(stream, piece if is_whole else run)
                if not is_whole:
                    piece[...] = run[:, *within]
        return part

    def _starts(self, bounds: Bounds) -> Int[np.ndarray, " runs"]:
        """Return the index of the first value of each run; ``bounds`` are those of the axes outside a run."""
        starts = np.zeros(1, np.int64)
        for i, (start, stop) in enumerate(bounds):
            starts = np.add.outer(starts, np.arange(start, stop) * math.prod(self.shape[i + 1 :])).reshape(-1)
        return starts

    def _first_of_run(self, bounds: Bounds) -> int:
        """Return the first axis of the run that one read covers; short runs are read together with the gaps between them."""
        first = len(bounds) - 1
        while first > 0 and bounds[first] == (0, self.shape[first]):
            first -= 1
        run = (bounds[first][1] - bounds[first][0]) * math.prod(self.shape[first + 1 :]) * self.dtype.itemsize
        if first > 0 and run < _MIN_RUN_BYTES:
            wider = (bounds[first - 1][1] - bounds[first - 1][0]) * math.prod(self.shape[first:]) * self.dtype.itemsize
            return first - 1 if wider <= _MAX_READ_BYTES else first
        return first

    def _fill(self, stream: RawIOBase, run: Shaped[np.ndarray, "..."]) -> None:
        rest = run.reshape(-1).view(np.uint8).data
        while rest:
            num_read = stream.readinto(rest)
            if not num_read:
                raise ImageReadError(self.path, f"the file is cut short at byte {stream.tell():,}; copy it again")
            rest = rest[num_read:]
