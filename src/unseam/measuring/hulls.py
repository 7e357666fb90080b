"""Convex hulls of all objects at once.

The hull is that of :func:`skimage.morphology.convex_hull_image`: a pixel counts by the middles of its four sides. Rows and
columns are therefore doubled here, so that these points are integers and every comparison is exact.

A hull is kept as two chains of corners, one for its left and one for its right outline. The hull of two pieces of an object is
that of their corners, so hulls of windows become the hull of the object without its pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class HullChain:
    """Corners of one side of the hulls of several objects, sorted by object, then by row.

    Attributes
    ----------
    owner
        Number of the object of each corner.
    rows, columns
        PlaneOf, doubled, in the frame of the plane. Columns of right sides are negative: then both sides are lower envelopes.
    """

    owner: Int64[np.ndarray, "corners"]
    rows: Int64[np.ndarray, "corners"]
    columns: Int64[np.ndarray, "corners"]

    def chosen(self, kept: Bool[np.ndarray, "corners"] | Int64[np.ndarray, "kept"]) -> "HullChain":
        return HullChain(self.owner[kept], self.rows[kept], self.columns[kept])


@dataclass(frozen=True, eq=False)
class Hulls:
    """The hulls of several objects."""

    left: HullChain
    right: HullChain

    def numbered(self, owners: Int64[np.ndarray, "objects"]) -> "Hulls":
        """Return the hulls with other numbers of the objects; ``owners`` has the new number of each and is rising."""
        return Hulls(*(HullChain(owners[side.owner], side.rows, side.columns) for side in (self.left, self.right)))

    def parts(self, num_objects: int, size: int) -> Iterator[tuple["Hulls", int]]:
        """Yield the hulls of ``size`` objects after ``size`` objects, numbered from 0, and their number."""
        for first in range(0, num_objects, size):
            last = min(num_objects, first + size)
            sides = []
            for side in (self.left, self.right):
                kept = slice(*np.searchsorted(side.owner, [first, last]))
                sides.append(HullChain(side.owner[kept] - first, side.rows[kept], side.columns[kept]))
            yield Hulls(*sides), last - first


def hulls_of_rows(
    owner: Int64[np.ndarray, "rows"],
    rows: Int64[np.ndarray, "rows"],
    first: Int64[np.ndarray, "rows"],
    last: Int64[np.ndarray, "rows"],
) -> Hulls:
    """Find the hulls of objects from the first and the last column of each of their rows."""
    return Hulls(_of_side(owner, rows, first), _of_side(owner, rows, -last))


def merged_hulls(hulls: list[Hulls]) -> Hulls:
    """Return the hull of each object from those of its pieces."""
    left, right = (
        _envelope(*(np.concatenate([getattr(side, name) for side in sides]) for name in ("owner", "rows", "columns")))
        for sides in ([one.left for one in hulls], [one.right for one in hulls])
    )
    return Hulls(left, right)


def _of_side(owner: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> HullChain:
    """Return the lower envelope of the pixels' points: the side's middle at the row, the others half a row above and below."""
    return _envelope(
        np.concatenate([owner, owner, owner]),
        np.concatenate([2 * rows - 1, 2 * rows, 2 * rows + 1]),
        np.concatenate([2 * columns, 2 * columns - 1, 2 * columns]),
    )


def _envelope(owner: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> HullChain:
    """Keep the corners of the lower convex envelope, columns over rows, of the points of each object."""
    if not len(owner):
        return HullChain(owner, rows, columns)
    low, span = int(rows.min()), int(rows.max() - rows.min()) + 1
    key = owner * span + (rows - low)
    order = np.argsort(key, kind="stable")  # it is fast on what is sorted in parts
    key = key[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    # Of the points of one row, the lowest may be a corner.
    owner, rows = np.divmod(key[starts], span)
    chain = HullChain(owner, rows + low, np.minimum.reduceat(columns[order], starts))
    # A corner lies below the line between any point before and any after it. So points that do not lie below the line between
    # their neighbours are no corners and go, many at once, until none is left; no corner ever goes.
    while (is_flat := _is_no_corner(chain)).any():
        chain = chain.chosen(~is_flat)
    return chain


def _is_no_corner(chain: HullChain) -> Bool[np.ndarray, "corners"]:
    is_flat = np.zeros(len(chain.owner), bool)
    if len(is_flat) < 3:
        return is_flat
    owner, rows, columns = chain.owner, chain.rows, chain.columns
    before, after = rows[1:-1] - rows[:-2], rows[2:] - rows[1:-1]
    is_above = (columns[1:-1] - columns[:-2]) * after >= (columns[2:] - columns[1:-1]) * before
    is_flat[1:-1] = is_above & (owner[:-2] == owner[1:-1]) & (owner[1:-1] == owner[2:])
    return is_flat


@dataclass(frozen=True, eq=False)
class HullRows:
    """The rows of the pixels whose middles lie in the hulls, not doubled."""

    owner: Int64[np.ndarray, "rows"]
    rows: Int64[np.ndarray, "rows"]
    first: Int64[np.ndarray, "rows"]
    last: Int64[np.ndarray, "rows"]


def hull_rows(hulls: Hulls) -> HullRows:
    """Draw the hulls: the first and the last pixel in each row, those on the outline included."""
    owner, rows = _rows_between(hulls.left)
    return HullRows(owner, rows, _drawn(hulls.left, owner, rows), -_drawn(hulls.right, owner, rows))


def _rows_between(chain: HullChain) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows of all objects, not doubled: the first corner is half a row above its object, the last one below."""
    is_first = np.append(True, chain.owner[1:] != chain.owner[:-1]) if len(chain.owner) else np.zeros(0, bool)
    starts = np.flatnonzero(is_first)
    ends = np.append(starts[1:], len(chain.owner)) - 1 if len(starts) else starts
    tops, bottoms = (chain.rows[starts] + 1) // 2, (chain.rows[ends] - 1) // 2
    numbers = bottoms - tops + 1
    owner = np.repeat(chain.owner[starts], numbers)
    offsets = np.repeat(np.cumsum(numbers) - numbers, numbers)
    return owner, np.arange(len(owner)) - offsets + np.repeat(tops, numbers)


def _drawn(chain: HullChain, owner: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the first whole column at or after the side, in each row."""
    if not len(owner):
        return rows
    low = int(chain.rows.min())
    span = int(chain.rows.max()) - low + 1
    at = np.searchsorted(chain.owner * span + chain.rows - low, owner * span + 2 * rows - low, side="right")
    height = chain.rows[at] - chain.rows[at - 1]
    above = 2 * rows - chain.rows[at - 1]
    doubled = chain.columns[at - 1] * height + (chain.columns[at] - chain.columns[at - 1]) * above  # times the height
    return -(-doubled // (2 * height))


def hull_areas(drawn: HullRows, num_objects: int) -> Int64[np.ndarray, "objects"]:
    """Count the pixels of each hull."""
    return np.bincount(drawn.owner, drawn.last - drawn.first + 1, num_objects).astype(np.int64)


def longest_diameters(
    drawn: HullRows, num_objects: int, spacing: tuple[float, float] = (1.0, 1.0)
) -> Float64[np.ndarray, "objects"]:
    """Return the longest distance between two points on the outline of each drawn hull; ``spacing`` is the size of a pixel."""
    hulls = hulls_of_rows(drawn.owner, drawn.rows, drawn.first, drawn.last)
    left, right = hulls.left, hulls.right
    # Once around each object: down the left side, up the right one.
    owner, up = np.concatenate([left.owner, right.owner]), np.repeat([0, 1], [len(left.owner), len(right.owner)])
    rows, columns = np.concatenate([left.rows, right.rows]), np.concatenate([left.columns, -right.columns])
    span = 2 * int(np.abs(rows).max(initial=0)) + 1
    order = np.argsort((owner * 2 + up) * span + np.where(up, -rows, rows) + span // 2, kind="stable")
    owner = owner[order]
    y, x = rows[order] * (spacing[0] / 2), columns[order] * (spacing[1] / 2)
    number = np.bincount(owner, minlength=num_objects)
    first = np.cumsum(number) - number
    longest = np.zeros(num_objects)
    place, size = np.arange(len(owner)) - first[owner], number[owner]
    for step in range(1, int(number.max(initial=0)) // 2 + 1):
        kept = np.flatnonzero(size >= 2 * step)
        others = first[owner[kept]] + (place[kept] + step) % size[kept]
        squares = (y[kept] - y[others]) ** 2 + (x[kept] - x[others]) ** 2
        starts = np.flatnonzero(np.append(True, owner[kept][1:] != owner[kept][:-1]))
        at = owner[kept][starts]
        longest[at] = np.maximum(longest[at], np.maximum.reduceat(squares, starts))
    return np.sqrt(longest)
