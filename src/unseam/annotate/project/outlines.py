"""Outlines of a label map along the edges of its pixels: rings whose inside is exactly the pixels."""

import numpy as np
from jaxtyping import Bool, Integer
from scipy import ndimage

Ring = list[tuple[int, int]]
"""Corners (column, row), the first one again at the end; x runs right and y down."""

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # east, south, west, north


def outlines_of_pieces(mask: Bool[np.ndarray, "height width"]) -> list[list[Ring]]:
    """Return the rings of each 4-connected piece: the outer one first, then its holes.

    >>> outlines_of_pieces(np.array([[True, True]]))
    [[[(0, 0), (2, 0), (2, 1), (0, 1), (0, 0)]]]
    """
    pieces, num = ndimage.label(mask)
    found: list[list[Ring]] = [[] for _ in range(num)]
    # a window is enough: the edges of a piece lie in its box
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        top, left = box[0].start, box[1].start
        rings = _rings(pieces[box] == number)
        rings.sort(key=lambda ring: -abs(_area(ring)))
        found[number - 1] = [[(x + left, y + top) for x, y in ring] for ring in rings]
    return found


def _rings(piece: Bool[np.ndarray, "h w"]) -> list[Ring]:
    """Follow the edges with the piece on the right; where it touches itself at a corner, stay at the same pixel."""
    ways = _edges(piece)
    rings = []
    while ways:
        start = next(iter(ways))
        at, heading, ring = start, -1, [start]
        while not ring[1:] or at != start or len(ways.get(start, ())) > 0:
            leaving = ways.get(at)
            if leaving is None:
                break
            order = leaving if heading < 0 else sorted(leaving, key=lambda way: (heading + 1 - way) % 4)
            way = order[0]
            leaving.remove(way)
            if not leaving:
                del ways[at]
            if way == heading:
                ring.pop()  # the last corner is none
            at = (at[0] + _STEPS[way][0], at[1] + _STEPS[way][1])
            ring.append(at)
            heading = way
            if at == start:
                break
        rings.append(_closed(ring))
    return rings


def _closed(ring: Ring) -> Ring:
    """Begin at a corner: the first edge may have been met in the middle of a side."""
    (x0, y0), (x1, y1), (x2, y2) = ring[-2], ring[0], ring[1]
    if (x1 - x0) * (y2 - y1) == (y1 - y0) * (x2 - x1):
        return [*ring[1:-1], ring[1]]
    return ring


def _edges(piece: Bool[np.ndarray, "h w"]) -> dict[tuple[int, int], list[int]]:
    """Return the directions in which edges leave each corner (x, y)."""
    padded = np.pad(piece, 1)
    here = padded[1:-1, 1:-1]
    sides = (
        (0, here & ~padded[:-2, 1:-1], (0, 0)),
        (1, here & ~padded[1:-1, 2:], (1, 0)),
        (2, here & ~padded[2:, 1:-1], (1, 1)),
        (3, here & ~padded[1:-1, :-2], (0, 1)),
    )
    ways: dict[tuple[int, int], list[int]] = {}
    for way, is_edge, (right, down) in sides:
        rows, columns = np.nonzero(is_edge)
        for corner in zip((columns + right).tolist(), (rows + down).tolist(), strict=True):
            ways.setdefault(corner, []).append(way)
    return ways


def _area(ring: Ring) -> float:
    x, y = np.array(ring, np.float64).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def pieces_by_value(labels: Integer[np.ndarray, "height width"]) -> list[tuple[int, list[list[Ring]]]]:
    """Return the pieces of each value above 0, in ascending order."""
    values = [int(value) for value in np.unique(labels) if value > 0]
    return [(value, outlines_of_pieces(labels == value)) for value in values]
