"""A window of a label map as runs of equal numbers along its rows: there are far fewer runs than pixels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Integer, Shaped


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of the objects of a window, sorted by object, then by row, then by column.

    Attributes
    ----------
    ids
        The objects in the window, rising.
    owner
        Index in ``ids`` of each run.
    rows, starts, stops
        Row, first column and column after the last of each run, in the frame of the window.
    first
        Index of the first run of each object.
    """

    ids: Int64[np.ndarray, "objects"]
    owner: Int64[np.ndarray, "runs"]
    rows: Int64[np.ndarray, "runs"]
    starts: Int64[np.ndarray, "runs"]
    stops: Int64[np.ndarray, "runs"]
    first: Int64[np.ndarray, "objects"]
    _all_starts: Int64[np.ndarray, "all_runs"]
    _order: Int64[np.ndarray, "runs"]

    @property
    def lengths(self) -> Int64[np.ndarray, "runs"]:
        return self.stops - self.starts

    def sums(self, values: Shaped[np.ndarray, "runs"]) -> Shaped[np.ndarray, "objects"]:
        """Add up a value of each run by object."""
        return np.add.reduceat(values, self.first) if len(self.ids) else values

    def lowest(self, values: Shaped[np.ndarray, "runs"]) -> Shaped[np.ndarray, "objects"]:
        """Return the smallest value of the runs of each object."""
        return np.minimum.reduceat(values, self.first) if len(self.ids) else values

    def highest(self, values: Shaped[np.ndarray, "runs"]) -> Shaped[np.ndarray, "objects"]:
        """Return the largest value of the runs of each object."""
        return np.maximum.reduceat(values, self.first) if len(self.ids) else values

    def reduce(self, pixels: Shaped[np.ndarray, "..."], how: np.ufunc) -> Shaped[np.ndarray, "runs"]:
        """Reduce the pixels of each run by ``np.add``, ``np.minimum`` or ``np.maximum``."""
        if not len(self.ids):
            return np.zeros(0, pixels.dtype)
        return how.reduceat(pixels.ravel(), self._all_starts)[self._order]  # runs of background are reduced, too, and dropped

    def spread(self, values: Float64[np.ndarray, "objects"], size: int) -> Float64[np.ndarray, "pixels"]:
        """Return a value of each object at each of its pixels, and 0 elsewhere; ``size`` is the number of all pixels."""
        of_runs = np.zeros(len(self._all_starts))
        of_runs[self._order] = values[self.owner]
        return np.repeat(of_runs, np.diff(self._all_starts, append=size))


def find_runs(labels: Integer[np.ndarray, "height width"]) -> Runs:
    """Find the runs of all numbers above 0.

    >>> runs = find_runs(np.array([[0, 7, 7], [3, 7, 0]]))
    >>> runs.ids.tolist(), runs.owner.tolist(), runs.rows.tolist(), runs.starts.tolist(), runs.stops.tolist()
    ([3, 7], [0, 1, 1], [1, 0, 1], [0, 1, 1], [1, 3, 2])
    """
    width = labels.shape[1]
    is_start = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=is_start[:, 1:])
    all_starts = np.flatnonzero(is_start)
    values = labels.ravel()[all_starts]
    lengths = np.diff(all_starts, append=labels.size)
    kept = np.flatnonzero(values > 0)
    ids, owner = np.unique(values[kept].astype(np.int64), return_inverse=True)
    sorting = np.argsort(owner, kind="stable")
    order, owner = kept[sorting], owner[sorting].astype(np.int64)
    rows, starts = np.divmod(all_starts[order], width)
    first = np.searchsorted(owner, np.arange(len(ids)))
    return Runs(ids, owner, rows, starts, starts + lengths[order], first, all_starts, order)
