"""Find numbers that nobody painted: resizing, smoothing and JPEG mix the numbers on both sides of an edge.

Where 0 meets 8, a mixed mask has 2, 4 or 6: pieces one or two pixels wide, between a lower and a higher number, broken into
crumbs because the mixture changes along the edge, and at most edges. A painted mask has such pieces where one class lines
another, as myelin lines an axon, where layers are thin, and where objects are tiny: long lines, or few beside clean edges, or
no larger things between which they lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Integer
from skimage.measure import label

from unseam.data.label_pieces import middle, rank_values
from unseam.shapes import NOT_ANNOTATED

_MOST_PIXELS_A_SIDE = 768
_MOST_MAPS = 256
_FEWEST = 12  # px
_LINED = 0.35  # share of the edges that one number lines
_ONE_NUMBER = 0.8
_CRUMB, _LONG = 2, 8  # px in a piece: of crumbs, and more than in a piece of most mixtures
_LITTLE, _MUCH = 0.08, 0.35  # share of the edges that are rims; JPEG of best quality leaves 0.1, tiny painted objects reach 0.3
_BETWEEN = 0.5  # share of the thin pixels that are rims; noise of a pixel classifier and dense spots reach 0.4
_FEW = 16
_ALL_TINY = 10.0  # area of all that is thin by that of thick foreground, in painted masks of tiny objects alone
_OWN = 0.5  # share of a number's pixels that are rims, where the number is a thin layer
_JUMPS, _SMALL_STEP = 0.03, 8  # of a smooth quantity: the share of its steps that pass over more than 1/8 of the values
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
    is_thick = _is_near(_is_alike_around(plain))
    is_rim = _lies_between(plain, skipped, ~(skipped | is_thick))
    if np.count_nonzero(is_rim) < _FEWEST:
        return None
    values, index = rank_values(window)
    counts = np.bincount(index[is_rim])
    are_lines = bool(counts.max() >= _ONE_NUMBER * counts.sum())
    if are_lines:
        num_rim = int(counts.sum())
        if num_rim < _LINED * (num_rim + _clean_edges(index, ~is_rim & ~skipped)[0]):
            return None
    else:
        is_rim, are_lines = _broken_rims(values, index, is_rim, is_thick, skipped)
        num_rim = int(np.count_nonzero(is_rim))
        if not num_rim:
            return None
    row, column = (int(i) for i in np.unravel_index(int(np.argmax(is_rim)), is_rim.shape))
    near = index[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
    near = near[~skipped[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]]
    between = int(values[near.min()]), int(values[near.max()])
    top, left = (max(0, (n - _MOST_PIXELS_A_SIDE) // 2) for n in labels.shape)
    value = int(window[row, column])
    return Rims(number, num_rim, value, top + row, left + column, between, are_lines)


def _broken_rims(
    values: np.ndarray,
    index: Int32[np.ndarray, "height width"],
    is_rim: Bool[np.ndarray, "height width"],
    is_thick: Bool[np.ndarray, "height width"],
    skipped: Bool[np.ndarray, "height width"],
) -> tuple[Bool[np.ndarray, "height width"], bool]:
    """Return the rims that belong to nothing thick (none if they are no mixture), and whether they may be layers."""
    pieces = label(index + 1, connectivity=2, background=0)
    sizes = np.bincount(pieces.ravel())
    has_core = np.zeros(sizes.size, bool)
    has_core[pieces[is_thick]] = True
    is_thin = ~has_core[pieces] & ~skipped
    is_rim = is_rim & is_thin
    num_rim, num_thin = int(np.count_nonzero(is_rim)), int(np.count_nonzero(is_thin))
    if num_rim < _FEWEST:
        return np.zeros_like(is_rim), False
    is_lowest = index == index[~skipped].min()
    num_edges, num_jumps = _clean_edges(index, (is_lowest | ~is_thin) & ~skipped)
    size = float(np.median(sizes[pieces[is_rim]]))
    is_much = num_rim >= _MUCH * (num_rim + num_jumps) and num_rim >= _LITTLE * (num_rim + num_edges)
    are_crumbs = size <= _CRUMB and num_rim >= _LITTLE * (num_rim + num_jumps)
    all_tiny = num_thin >= _ALL_TINY * np.count_nonzero(~is_thin & ~is_lowest & ~skipped)
    come_again = np.unique(pieces[is_rim]).size >= 2 * np.unique(index[is_rim]).size  # objects have numbers of their own
    lie_between = num_rim >= _BETWEEN * num_thin
    may_be_noise = values.size <= _FEW and _are_even(values)  # a pixel classifier leaves crumbs of few classes everywhere
    is_mixed = is_much and lie_between and (come_again or not all_tiny)
    if not is_mixed and not (are_crumbs and come_again and (lie_between or not may_be_noise)):
        return np.zeros_like(is_rim), False
    are_layers = size > _LONG and _are_layers(values, index[~skipped], index[is_rim])
    if size > _LONG and ((are_layers and all_tiny) or _are_bands(index, skipped)):  # thin bands everywhere, but no edges
        return np.zeros_like(is_rim), False
    return is_rim, are_layers


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


def _lies_between(
    labels: Int32[np.ndarray, "height width"],
    skipped: Bool[np.ndarray, "height width"],
    where: Bool[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Return which pixels, of those that are ``where``, have a lower and a higher annotated value within two pixels.

    Looking around these few pixels takes a fraction of the time of a filter over all.
    """
    places = np.flatnonzero(where)
    row, column = np.unravel_index(places, labels.shape)
    wide = labels.shape[1] + 4
    centre = (row + 2) * wide + column + 2
    low, high = (
        np.pad(np.where(skipped, beyond, labels), 2, "edge").ravel() for beyond in (_HIGH, np.int32(NOT_ANNOTATED - 1))
    )
    own = labels.ravel()[places]
    has_lower, has_higher = np.zeros(own.size, bool), np.zeros(own.size, bool)
    for down in range(-2, 3):
        for right in range(-2, 3):
            near = centre + down * wide + right
            has_lower |= low[near] < own
            has_higher |= high[near] > own
    between = np.zeros(labels.shape, bool)
    between.flat[places[has_lower & has_higher]] = True
    return between


def _clean_edges(index: Int32[np.ndarray, "height width"], is_solid: Bool[np.ndarray, "height width"]) -> tuple[int, int]:
    """Return between how many neighbours, both solid, there is an edge, and at how many of these a number lies between both."""
    num_edges = num_jumps = 0
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        steps = np.abs(index[a] - index[b])[is_solid[a] & is_solid[b]]
        num_edges += int(np.count_nonzero(steps))
        num_jumps += int(np.count_nonzero(steps > 1))
    return num_edges, num_jumps


def _are_bands(index: Integer[np.ndarray, "height width"], skipped: Bool[np.ndarray, "height width"]) -> bool:
    """Return whether nearly all neighbours differ by a small step, as the levels of a smooth quantity do."""
    small = max(1, (int(index.max()) + 1) // _SMALL_STEP)
    num_pairs = num_jumps = 0
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        steps = np.abs(index[a] - index[b])[~skipped[a] & ~skipped[b]]
        num_pairs += int(np.count_nonzero(steps))
        num_jumps += int(np.count_nonzero(steps > small))
    return num_jumps <= _JUMPS * num_pairs


def _are_layers(values: np.ndarray, index: Int32[np.ndarray, "n"], rims: Int32[np.ndarray, "m"]) -> bool:
    """Return whether a painter may have drawn the rims: as layers, in numbers of their own, evenly spaced as classes are."""
    counts, rim_counts = (np.bincount(each, minlength=values.size) for each in (index, rims))
    is_own = (rim_counts > 0) & (rim_counts >= _OWN * counts)
    return bool(rim_counts[is_own].sum() >= _ONE_NUMBER * rims.size and _are_even(values[counts > 0]))


def _are_even(values: np.ndarray) -> bool:
    """Return whether the distances between values are alike, as those of the numbers or greys of classes are."""
    steps = np.diff(values)
    return bool(np.ptp(steps) <= steps.mean() / 8)
