"""Where the numbers of one mask lie: in how many pieces, how large, and next to which others."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64, Integer
from skimage.measure import label

from unseam.shapes import NOT_ANNOTATED

_MOST_PIXELS_A_SIDE = 2048
_COUNTABLE = 2**20
_WHOLE = 0.9  # a value is one piece if its largest piece has this share of its pixels: stray pixels do not count
_NEAR = ((0, 1), (1, 0), (1, 1), (1, -1))  # one of each two opposite neighbours
_BESIDE = (*_NEAR, (0, 2), (2, 0))  # a line of one pixel may lie between


@dataclass(frozen=True, eq=False)
class Pieces:
    """The values of a mask (of the middle of a large one), -1 among them.

    Attributes
    ----------
    values, areas
        All values, ascending, and their pixels.
    is_whole
        Whether the value is one 8-connected piece, but for stray pixels.
    touching, beside
        Entry ``[a, b]``: whether pixels of the values number a and b are neighbours, or at most two pixels apart.
    """

    values: Integer[np.ndarray, "n"]
    areas: Int64[np.ndarray, "n"]
    is_whole: Bool[np.ndarray, "n"]
    touching: frozenset[tuple[int, int]]
    beside: frozenset[tuple[int, int]]

    def others(self, skip: Iterable[int]) -> list[int]:
        """Return all values except some."""
        left_out = set(skip)
        return [int(value) for value in self.values if int(value) not in left_out]

    def share_beside(self, value: int, others: Iterable[int]) -> float:
        """Return the share of the other values that lie beside ``value``; 0 if there are none."""
        near = [(min(value, other), max(value, other)) in self.beside for other in others]
        return sum(near) / len(near) if near else 0.0

    def share(self, value: int) -> float:
        """Return the share of all pixels that have a value."""
        return float(self.areas[self.values == value].sum() / self.areas.sum())


def find_pieces(labels: Integer[np.ndarray, "height width"]) -> Pieces:
    """Label the pieces of all values, and list which values meet.

    >>> found = find_pieces(np.array([[1, 1, 0, 2], [1, 1, 0, 1]]))
    >>> found.is_whole.tolist(), sorted(found.touching), sorted(found.beside)
    ([True, False, True], [(0, 1), (0, 2), (1, 2)], [(0, 1), (0, 2), (1, 2)])
    """
    values, index = rank_values(middle(labels))
    # Labelling once for all values needs numbers from 1, because 0 is background to ``label`` and would not be a piece.
    pieces = label(index + 1, connectivity=2, background=0)
    sizes = np.bincount(pieces.ravel())
    value_of = np.zeros(sizes.size, np.int64)
    value_of[pieces.ravel()] = index.ravel()
    areas = np.bincount(value_of[1:], sizes[1:], minlength=values.size)
    largest = np.zeros(values.size)
    np.maximum.at(largest, value_of[1:], sizes[1:])
    near = _meetings(index, _NEAR)
    named = [
        frozenset((int(values[a]), int(values[b])) for a, b in pairs) for pairs in (near, near | _meetings(index, _BESIDE[4:]))
    ]
    return Pieces(values, areas.astype(np.int64), largest >= _WHOLE * areas, *named)


def count_values(labels: Integer[np.ndarray, "..."]) -> tuple[Integer[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """Return the values of a map, none below -1, in ascending order, and the pixels of each."""
    if labels.size and int(labels.max()) < _COUNTABLE:  # counting is about twenty times faster than sorting
        counts = np.bincount(labels.ravel().astype(np.int64) - NOT_ANNOTATED)
        (occurring,) = np.nonzero(counts)
        return occurring + NOT_ANNOTATED, counts[occurring]
    values, counts = np.unique(labels, return_counts=True)
    return values, counts.astype(np.int64)


def rank_values(labels: Integer[np.ndarray, "*size"]) -> tuple[Integer[np.ndarray, "n"], Int32[np.ndarray, "*size"]]:
    """Return the values of a map, none below -1, in ascending order, and the place of each pixel's value among them."""
    values, _ = count_values(labels)
    if values.size and int(values[-1]) < _COUNTABLE:
        table = np.zeros(int(values[-1]) - NOT_ANNOTATED + 1, np.int32)
        table[values - NOT_ANNOTATED] = np.arange(values.size)
        return values, table[labels.astype(np.int32) - NOT_ANNOTATED]
    return values, np.searchsorted(values, labels).astype(np.int32)


def _meetings(index: np.ndarray, shifts: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return the pairs of different values at these distances, the lower one first."""
    size = int(index.max()) + 1
    found: set[int] = set()
    for down, right in shifts:
        height, width = index.shape
        first = index[: height - down, max(0, -right) : width - max(0, right)]
        second = index[down:, max(0, right) : width - max(0, -right)]
        meets = first != second
        a, b = first[meets].astype(np.int64), second[meets].astype(np.int64)
        codes, _ = count_values(np.minimum(a, b) * size + np.maximum(a, b))
        found.update(codes.tolist())
    return frozenset(divmod(code, size) for code in found)


def middle(labels: Integer[np.ndarray, "height width"], most: int = _MOST_PIXELS_A_SIDE) -> Integer[np.ndarray, "_ _"]:
    """Cut out the middle of a map that has more rows or columns than ``most``."""
    rows, columns = (slice(max(0, (n - most) // 2), None) for n in labels.shape)
    return labels[rows, columns][:most, :most]
