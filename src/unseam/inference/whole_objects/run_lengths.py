"""Lines of numbers as runs, and the union of what touches.

The coordinator keeps the edges of every chunk. A plane of 200,000 px a side has 160 million edge pixels, and they hold a few
numbers again and again: as runs they are a twentieth of that.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int, Int32, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TouchingPairs = Int64[np.ndarray, "2 pairs"]


def runs_of(line: Int[np.ndarray, "length"]) -> Int32[np.ndarray, "2 runs"]:
    """Lengths and values of the runs of equal numbers.

    Examples
    --------
    >>> runs_of(np.array([0, 0, 7, 7, 7])).tolist()
    [[2, 3], [0, 7]]
    """
    starts = np.flatnonzero(np.diff(line, prepend=line[:1] - 1))
    return np.stack([np.diff(starts, append=len(line)), line[starts]]).astype(np.int32)


def line_of(runs: Int32[np.ndarray, "2 runs"]) -> Int32[np.ndarray, "length"]:
    """The line that the runs came from."""
    return np.repeat(runs[1], runs[0])


def pairs_along(
    here: Int32[np.ndarray, "length"], there: Int32[np.ndarray, "length"], offset_here: int, offset_there: int
) -> TouchingPairs:
    """Which numbers of two lines lie side by side, both above 0; counted from 0 in the plane by the offsets."""
    is_pair = (here > 0) & (there > 0)
    is_pair[1:] &= (here[1:] != here[:-1]) | (there[1:] != there[:-1])  # once a run
    pairs = np.stack([here[is_pair], there[is_pair]]).astype(np.int64)
    pairs += np.array([[offset_here - 1], [offset_there - 1]])
    return pairs


def unite(pairs: Iterable[TouchingPairs], num_members: int) -> Int64[np.ndarray, "members"]:
    """Of each member the set that it belongs to, 0, 1, ... in no particular order, where each pair is in one set."""
    joined = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    graph = coo_array((np.ones(joined.shape[1], bool), tuple(joined)), shape=(num_members, num_members))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def first_places(numbers: Int[np.ndarray, "height width"], most: int) -> Int64[np.ndarray, "numbers"]:
    """Of each number up to ``most`` where a scan by rows meets it first; the size of the array where it never does."""
    line = numbers.ravel()
    first = np.full(most + 1, line.size, np.int64)
    starts = np.flatnonzero(np.diff(line, prepend=line[:1] - 1))
    first[line[starts[::-1]]] = starts[::-1]  # the last written is the first met
    return first


def in_plane(
    places: Int64[np.ndarray, "places"], width_here: int, corner: tuple[int, int], width: int
) -> Int64[np.ndarray, "places"]:
    """Places in a scan of a window as places in a scan of the plane, ``width`` px wide; the order stays."""
    rows, columns = np.divmod(places, width_here)
    return (rows + corner[0]) * width + columns + corner[1]
