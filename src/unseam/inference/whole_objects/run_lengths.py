"""Lines of numbers as runs, and the union of numbers that touch.

The coordinator keeps the edges of every chunk. A plane of 200,000 x 200,000 px has 160 million edge pixels with long runs of
equal numbers; stored as runs they take a twentieth.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int, Int32, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TouchingPairs = Int64[np.ndarray, "2 pairs"]


def runs_of(line: Int[np.ndarray, "length"]) -> Int32[np.ndarray, "2 runs"]:
    """Return lengths and values of the runs of equal numbers.

    Examples
    --------
    >>> runs_of(np.array([0, 0, 7, 7, 7])).tolist()
    [[2, 3], [0, 7]]
    """
    starts = np.flatnonzero(np.diff(line, prepend=line[:1] - 1))
    return np.stack([np.diff(starts, append=len(line)), line[starts]]).astype(np.int32)


def line_of(runs: Int32[np.ndarray, "2 runs"]) -> Int32[np.ndarray, "length"]:
    """Return the line that the runs describe."""
    return np.repeat(runs[1], runs[0])


def pairs_along(
    here: Int32[np.ndarray, "length"], there: Int32[np.ndarray, "length"], offset_here: int, offset_there: int
) -> TouchingPairs:
    """Return the pairs of numbers above 0 that lie side by side on two lines; with the offsets they count from 0 overall."""
    is_pair = (here > 0) & (there > 0)
    is_pair[1:] &= (here[1:] != here[:-1]) | (there[1:] != there[:-1])  # one pair per run
    pairs = np.stack([here[is_pair], there[is_pair]]).astype(np.int64)
    pairs += np.array([[offset_here - 1], [offset_there - 1]])
    return pairs


def unite(pairs: Iterable[TouchingPairs], num_members: int) -> Int64[np.ndarray, "members"]:
    """Return for each member the number of its set, 0, 1, ... in no particular order; a pair joins two members."""
    joined = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    graph = coo_array((np.ones(joined.shape[1], bool), tuple(joined)), shape=(num_members, num_members))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def first_places(numbers: Int[np.ndarray, "height width"], most: int) -> Int64[np.ndarray, "numbers"]:
    """Return the first place of each number up to ``most`` in a scan by rows; the size of the array if it has none."""
    line = numbers.ravel()
    first = np.full(most + 1, line.size, np.int64)
    starts = np.flatnonzero(np.diff(line, prepend=line[:1] - 1))
    first[line[starts[::-1]]] = starts[::-1]  # backwards, so that the first pixel is written last and stays
    return first


def in_plane(
    places: Int64[np.ndarray, "places"], width_here: int, corner: tuple[int, int], width: int
) -> Int64[np.ndarray, "places"]:
    """Translate places in a scan of a window into places in a scan of the plane, ``width`` px wide; the order stays."""
    rows, columns = np.divmod(places, width_here)
    return (rows + corner[0]) * width + columns + corner[1]
