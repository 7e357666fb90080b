"""Find numbers that nobody painted: resizing, smoothing and JPEG mix the numbers on both sides of an edge.

Where 0 meets 8, a mixed mask has 2, 4 or 6: in lines of one or two pixels, between a lower and a higher number. A painted mask
has such pixels where one class lines another, as myelin lines an axon. There one number makes up all lines, unbroken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64, Integer
from skimage.measure import label

from unseam.data.label_pieces import middle, rank_values
from unseam.shapes import NOT_ANNOTATED

_MOST_PIXELS_A_SIDE = 768
_MOST_MAPS = 256
_FEWEST = 12  # px
_MIXED = 0.12  # share of the pixels at edges; where many numbers touch, corners reach 0.05
_CRUMBS = 0.01  # share of the pixels at edges in pieces of up to three pixels; painted masks reach 0.003
_ONE_NUMBER = 0.8
_LINED = 0.2
_JUMPS, _SMALL_STEP = 0.03, 8  # of a smooth quantity: the share of its steps that pass over more than 1/8 of the values
_CRUMB_PX = 3
_HIGH = np.int32(2**31 - 1)


@dataclass(frozen=True)
class Rims:
    """Pixels between a lower and a higher number, in pieces less than three pixels wide, of the mask number ``index``.

    ``value``, ``row`` and ``column`` are those of the first; ``between`` are the lowest and the highest number beside it.
    """

    index: int
    num_pixels: int
    value: int
    row: int
    column: int
    between: tuple[int, int]
    are_lines: bool  # one number forms them: a class painted as a line, or a mixture

    def __str__(self) -> str:
        low, high = self.between
        return f"{self.value} at row {self.row}, column {self.column} lies between {low} and {high}"


def find_rims(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> list[Rims]:
    """Return the masks, of those examined, that hold mixed numbers or lines; only one mask is in memory at a time."""
    picked = np.unique(np.linspace(0, len(maps) - 1, _MOST_MAPS).astype(int)) if len(maps) else ()
    found = (_rims_of(int(i), maps[i], ignore) for i in picked)
    return [one for one in found if one is not None]


def _rims_of(number: int, labels: Integer[np.ndarray, "height width"], ignore: int | None) -> Rims | None:
    window = middle(labels, _MOST_PIXELS_A_SIDE)
    skipped = window == NOT_ANNOTATED if ignore is None else (window == NOT_ANNOTATED) | (window == ignore)
    plain = window.astype(np.int32) if window.max() < _HIGH else rank_values(window)[1]
    is_centre = _is_alike_around(plain)
    lowest, highest, own, place = _around(plain, skipped, ~(skipped | _is_near(is_centre)), 2)
    is_rim = np.zeros(window.shape, bool)
    is_rim.flat[place[(lowest < own) & (own < highest)]] = True
    num_rim = int(np.count_nonzero(is_rim))
    if num_rim < _FEWEST:
        return None
    values, index = rank_values(window)
    lowest, highest, own, _ = _around(plain, skipped, ~(skipped | is_centre), 1)
    num_edge = int(np.count_nonzero((lowest < highest) & (own > plain[~skipped].min())))
    pieces = label(index + 1, connectivity=2, background=0)
    num_crumbs = int(np.count_nonzero(is_rim & (np.bincount(pieces.ravel())[pieces] <= _CRUMB_PX)))
    are_crumbs = num_crumbs >= max(_FEWEST, _CRUMBS * num_edge)
    if num_rim < _MIXED * num_edge and not are_crumbs:
        return None
    all_counts, rim_counts = (np.bincount(index[where], minlength=values.size) for where in (~skipped, is_rim))
    only_rims = (rim_counts >= 0.9 * all_counts) & (rim_counts > 0)
    if values.size > 3 and 2 * int(only_rims.sum()) < values.size and _are_bands(index, skipped):
        return None
    are_lines = not are_crumbs and _are_lines(values, rim_counts, only_rims)
    if are_lines and not only_rims.any() and num_rim < _LINED * num_edge:
        return None
    row, column = (int(i) for i in np.unravel_index(int(np.argmax(is_rim)), is_rim.shape))
    near = index[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
    near = near[~skipped[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]]
    between = int(values[near.min()]), int(values[near.max()])
    top, left = (max(0, (n - _MOST_PIXELS_A_SIDE) // 2) for n in labels.shape)
    value = int(window[row, column])
    return Rims(number, num_rim, value, top + row, left + column, between, are_lines)


def _is_alike_around(labels: Int32[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return around which pixels all 3 x 3 px have one value; beyond the border each value goes on."""
    padded = np.pad(labels, 1, "edge")
    level = padded[:, 1:] == padded[:, :-1]
    row = level[:, 1:] & level[:, :-1]
    upright = (padded[1:] == padded[:-1])[:, 1:-1]
    return np.asarray(row[:-2] & row[1:-1] & row[2:] & upright[1:] & upright[:-1])


def _is_near(where: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return which pixels are true, or a neighbour of one that is."""
    padded = np.pad(where, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return np.asarray(rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:])


def _around(
    labels: Int32[np.ndarray, "height width"],
    skipped: Bool[np.ndarray, "height width"],
    where: Bool[np.ndarray, "height width"],
    reach: int,
) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"], Int32[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """Return the lowest and highest annotated value within ``reach``, the value and the place of each pixel that is ``where``.

    Looking around these few pixels takes a fraction of the time of a filter over all.
    """
    place = np.flatnonzero(where)
    row, column = np.unravel_index(place, labels.shape)
    wide = labels.shape[1] + 2 * reach
    centre = (row + reach) * wide + column + reach
    padded = [
        np.pad(np.where(skipped, beyond, labels), reach, "edge").ravel() for beyond in (_HIGH, np.int32(NOT_ANNOTATED - 1))
    ]
    own = labels.ravel()[place]
    lowest, highest = own.copy(), own.copy()
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            near = centre + down * wide + right
            np.minimum(lowest, padded[0][near], out=lowest)
            np.maximum(highest, padded[1][near], out=highest)
    return lowest, highest, own, place


def _are_bands(index: Integer[np.ndarray, "height width"], skipped: Bool[np.ndarray, "height width"]) -> bool:
    """Return whether nearly all neighbours differ by a small step, as the levels of a smooth quantity do."""
    small = max(1, (int(index.max()) + 1) // _SMALL_STEP)
    num_pairs = num_jumps = 0
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        steps = np.abs(index[a] - index[b])[~skipped[a] & ~skipped[b]]
        num_pairs += int(np.count_nonzero(steps))
        num_jumps += int(np.count_nonzero(steps > small))
    return num_jumps <= _JUMPS * num_pairs


def _are_lines(values: np.ndarray, rim_counts: np.ndarray, only_rims: np.ndarray) -> bool:
    """Return whether a painter may have drawn the rims: in one number, or each in its own of the classes 0, 1, 2, ..."""
    if rim_counts.max() >= _ONE_NUMBER * rim_counts.sum():
        return True
    return bool((only_rims | (rim_counts == 0)).all()) and np.array_equal(values, np.arange(values.size))
