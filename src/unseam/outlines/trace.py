"""Instance map -> outlines along the edges of pixels.

Each side of a pixel where another number begins is an edge, walked clockwise with the object on the right::

         0 ->
       +------+       At its end an edge turns right, runs on, or turns left: which one follows from the two pixels ahead.
    ^  |      |  1    Where two pixels of an object meet at a corner alone, the line stays with its pixel, so that no line
    3  |      |  v    crosses itself; a line that comes to a corner twice is cut there into two.
       +------+
        <- 2
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64, Integer
from skimage.measure import label

from unseam.outlines.outline import Outline, Polygon, Ring, signed_area

_AHEAD = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
_OUTWARD = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
_START = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])


def trace_outlines(labels: Integer[np.ndarray, "height width"], corner: tuple[int, int] = (0, 0)) -> Iterator[Outline]:
    """Yield the outline of each number above 0, rising; ``corner`` is the place of the first pixel in the plane.

    >>> ring = np.array([[3, 3, 3], [3, 0, 3], [3, 3, 3]])
    >>> [len(polygon) for outline in trace_outlines(ring) for polygon in outline.polygons]
    [2]
    """
    wide = np.pad(labels, 1)
    pieces = label(wide, connectivity=1)
    keys = _edges(wide)
    follower = np.searchsorted(keys, _followers(wide, keys))
    sides = keys % 4
    is_corner = np.zeros(len(keys), bool)
    is_corner[follower[sides[follower] != sides]] = True
    rows, columns = np.divmod(keys // 4, wide.shape[1])
    starts = np.stack([rows, columns], axis=1) - 1 + _START[sides] + np.asarray(corner)
    piece_of, number_of = pieces[rows, columns], wide[rows, columns]
    polygons: dict[int, dict[int, list[Ring]]] = defaultdict(lambda: defaultdict(list))
    for edges in _cycles(follower.tolist(), is_corner.tolist()):
        for ring in _simple_rings(starts[edges]):
            polygons[int(number_of[edges[0]])][int(piece_of[edges[0]])].append(ring)
    for number in sorted(polygons):
        yield Outline(number, tuple(_polygon(rings) for _, rings in sorted(polygons[number].items())))


def _edges(wide: np.ndarray) -> Int64[np.ndarray, "edges"]:
    """Return the edges of all objects, rising: 4 * place of the pixel + side."""
    middle = wide[1:-1, 1:-1]
    height, width = wide.shape
    found = []
    for side, (row, column) in enumerate(_OUTWARD.tolist()):
        other = wide[1 + row : height - 1 + row, 1 + column : width - 1 + column]
        rows, columns = np.nonzero((middle > 0) & (other != middle))
        found.append(((rows + 1) * width + columns + 1) * 4 + side)
    return np.sort(np.concatenate(found))


def _followers(wide: np.ndarray, keys: np.ndarray) -> Int64[np.ndarray, "edges"]:
    """Return the edge that follows each edge."""
    width = wide.shape[1]
    flat, step = wide.ravel(), np.array([width, 1])
    place, side = np.divmod(keys, 4)
    ahead = place + _AHEAD[side] @ step
    beyond = ahead + _OUTWARD[side] @ step
    own = flat[place]
    turns_right = flat[ahead] != own
    runs_on = ~turns_right & (flat[beyond] != own)
    places = np.where(turns_right, place, np.where(runs_on, ahead, beyond))
    sides = np.where(turns_right, (side + 1) % 4, np.where(runs_on, side, (side + 3) % 4))
    return places * 4 + sides


def _cycles(follower: list[int], is_corner: list[bool]) -> Iterator[list[int]]:
    """Yield the edges that start at a corner, for each closed line."""
    is_seen = bytearray(len(follower))
    for start, begins in enumerate(is_corner):
        if not begins or is_seen[start]:
            continue
        edges, at = [], start
        while not is_seen[at]:
            is_seen[at] = 1
            if is_corner[at]:
                edges.append(at)
            at = follower[at]
        yield edges


def _simple_rings(ring: Int64[np.ndarray, "corners 2"]) -> Iterator[Ring]:
    """Cut a line where it comes to a corner twice."""
    corners = list(map(tuple, ring.tolist()))
    if len(set(corners)) == len(corners):
        yield ring
        return
    path: list[tuple[int, ...]] = []
    place: dict[tuple[int, ...], int] = {}
    for corner in corners:
        if corner in place:
            at = place[corner]
            yield np.array(path[at:])
            for gone in path[at + 1 :]:
                del place[gone]
            del path[at + 1 :]
        else:
            place[corner] = len(path)
            path.append(corner)
    yield np.array(path)


def _polygon(rings: Sequence[Ring]) -> Polygon:
    """Put the line around the piece before those around its holes."""
    return tuple(sorted(rings, key=signed_area, reverse=True))
