"""Numbers that stand in a file one after the other, without compression: read where they stand.

Not mapped into memory: pages that a map has touched count as memory of the process, and a file that shrinks while it is
mapped ends the process.
"""

import itertools
import math
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.large.plan import Bounds

_SHORT = 64  # bytes: for less than this, what lies between is read along
_MOST_AT_ONCE = 64 * 2**20


@dataclass(frozen=True, eq=False)
class RawArray:
    """An array in a file, last axis fastest.

    Attributes
    ----------
    path
        The file.
    offset
        Where its first number stands, in bytes.
    shape, dtype
        Of the array; any byte order.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part: as few reads as its runs allow.

        Raises
        ------
        ImageReadError
            If the file ends before.
        """
        part = np.empty([stop - start for start, stop in bounds], self.dtype)
        first = self._first_of_run(bounds)
        run_shape = (bounds[first][1] - bounds[first][0], *self.shape[first + 1 :])
        within = (slice(None), *(slice(start, stop) for start, stop in bounds[first + 1 :]))
        step = math.prod(run_shape[1:])
        is_whole = run_shape == part.shape[first:]
        with self.path.open("rb", buffering=0) as stream:
            for index in itertools.product(*(range(start, stop) for start, stop in bounds[:first])):
                line = int(np.ravel_multi_index(index, self.shape[:first])) if first else 0
                at = (line * self.shape[first] + bounds[first][0]) * step
                here = tuple(i - start for i, (start, _) in zip(index, bounds, strict=False))
                run = part[here] if is_whole else np.empty(run_shape, self.dtype)
                self._fill(stream, at * self.dtype.itemsize, run)
                if not is_whole:
                    part[here] = run[within]
        return part

    def _first_of_run(self, bounds: Bounds) -> int:
        """The axis from which on one read gets everything; a few bytes here and there are read in one piece."""
        first = len(bounds) - 1
        while first > 0 and bounds[first] == (0, self.shape[first]):
            first -= 1
        run = (bounds[first][1] - bounds[first][0]) * math.prod(self.shape[first + 1 :]) * self.dtype.itemsize
        if first > 0 and run < _SHORT:
            wider = (bounds[first - 1][1] - bounds[first - 1][0]) * math.prod(self.shape[first:]) * self.dtype.itemsize
            return first - 1 if wider <= _MOST_AT_ONCE else first
        return first

    def _fill(self, stream: RawIOBase, at: int, run: Shaped[np.ndarray, "..."]) -> None:
        stream.seek(self.offset + at)
        rest = run.reshape(-1).view(np.uint8).data
        while rest:
            num_read = stream.readinto(rest)
            if not num_read:
                raise ImageReadError(self.path, f"is cut short at byte {stream.tell():,}; copy it again")
            rest = rest[num_read:]
