"""The border of each object: its length, and the objects that it touches.

Both are counts over border pixels, so they add up over the windows of an image. A window needs 2 px around it: whether a pixel
is on the border of its object depends on the four around it, and its share of the perimeter on which of the eight around it
are.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Integer

HALO = 2
"""px around a window, 0 outside the image."""

_SIDES, _CORNERS = ((-1, 0), (1, 0), (0, -1), (0, 1)), ((-1, -1), (-1, 1), (1, -1), (1, 1))
_FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))  # one of each two opposite neighbours

PERIMETER_STEPS = np.array([0.0, 1.0, np.sqrt(2.0), (1 + np.sqrt(2.0)) / 2])
"""Length that a border pixel of each kind adds to the perimeter."""

_KIND = np.zeros((5, 5), np.int64)  # by the number of border pixels of the object at its sides, and at its corners
for _at_sides, _at_corners, _kind in (
    *((2, 0, 1), (3, 0, 1), (2, 1, 1), (3, 1, 1), (2, 2, 1), (3, 2, 1)),
    *((0, 2, 2), (1, 3, 2)),
    *((1, 1, 3), (1, 2, 3)),
):
    _KIND[_at_sides, _at_corners] = _kind


class Outside(NamedTuple):
    """What the border pixels of a window say.

    Attributes
    ----------
    steps
        Border pixels of each object by kind: the index in :data:`PERIMETER_STEPS`.
    touching
        Each pair of objects of which a pixel has a side or a corner in common, smaller number first; sorted, each once.
    """

    steps: Int64[np.ndarray, "objects 4"]
    touching: Int64[np.ndarray, "pairs 2"]


def measure_outside(wide: Integer[np.ndarray, "wide_height wide_width"], ids: Int64[np.ndarray, "objects"]) -> Outside:
    """Measure the borders in a window with :data:`HALO` px around it; ``ids`` are the objects inside, rising.

    Source: the perimeter is that of :func:`skimage.measure.perimeter` with 4 neighbours, after K. Benkrid and D. Crookes,
    Design and FPGA implementation of a perimeter estimator.

    >>> square = np.zeros((7, 7), int)
    >>> square[2:5, 2:5] = 4
    >>> found = measure_outside(square, np.array([4]))
    >>> found.steps.tolist(), float(found.steps[0] @ PERIMETER_STEPS)
    ([[0, 8, 0, 0]], 8.0)
    """
    middle = wide[1:-1, 1:-1]
    is_border = np.zeros(middle.shape, bool)
    for part in (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]):
        is_border |= part != middle
    is_border &= middle > 0
    borders = np.where(is_border, middle, 0)
    is_border[[0, -1]] = is_border[:, [0, -1]] = False  # pixels of the halo count in other windows
    places = np.flatnonzero(is_border)
    width = borders.shape[1]
    flat = borders.ravel()
    own = flat[places]
    num_sides, num_corners = (_count_equal(flat, places, own, width, around) for around in (_SIDES, _CORNERS))
    steps = np.searchsorted(ids, own) * len(PERIMETER_STEPS) + _KIND[num_sides, num_corners]
    by_kind = np.bincount(steps, minlength=len(ids) * len(PERIMETER_STEPS)).reshape(len(ids), len(PERIMETER_STEPS))
    return Outside(by_kind.astype(np.int64), _pairs(wide, places, own, width))


def _count_equal(
    flat: np.ndarray, places: np.ndarray, own: np.ndarray, width: int, around: tuple[tuple[int, int], ...]
) -> np.ndarray:
    number = np.zeros(len(places), np.int64)
    for row, column in around:
        number += flat[places + row * width + column] == own
    return number


def _pairs(wide: np.ndarray, places: np.ndarray, own: np.ndarray, width: int) -> Int64[np.ndarray, "pairs 2"]:
    rows, columns = np.divmod(places, width)
    in_wide = (rows + 1) * (width + 2) + columns + 1
    flat, found = wide.ravel(), [np.zeros((0, 2), np.int64)]
    # Where objects meet at a corner alone, the pixels there are on a border, too, so border pixels see every pair.
    for row, column in _FORWARD:
        other = flat[in_wide + row * (width + 2) + column]
        meets = (other > 0) & (other != own)
        found.append(np.stack([own[meets], other[meets]], axis=1).astype(np.int64))
    return unique_pairs(np.concatenate(found))


def unique_pairs(pairs: Int64[np.ndarray, "_ 2"]) -> Int64[np.ndarray, "_pairs 2"]:
    """Return each pair once, its smaller number first, sorted."""
    if not len(pairs):
        return pairs
    low, high = np.minimum(*pairs.T), np.maximum(*pairs.T)
    if high.max() < 2**31:  # one number for both is faster to sort
        packed = np.unique(low << 32 | high)
        return np.stack([packed >> 32, packed & (2**32 - 1)], axis=1)
    return np.unique(np.stack([low, high], axis=1), axis=0)
