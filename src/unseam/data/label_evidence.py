"""What a set of masks shows when one only looks: its values, the pixels of each, and whether each is one piece."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, Shaped
from skimage.measure import label

from unseam.errors import LabelError
from unseam.shapes import NOT_ANNOTATED

_MOST_MAPS = 32  # looked at for pieces; values are counted in all maps
_MOST_PIXELS_A_SIDE = 2048
_FEW_CLASSES = 6
_FEWEST_GREYS, _FEWEST_PAIRS, _FEW_EQUAL = 24, 100, 0.4  # of a grey picture
_WHOLE = 0.9  # a value whose largest piece has this share of its pixels is one piece: stray pixels do not count


@dataclass(frozen=True)
class Evidence:
    """Counts over all masks, without the pixels that nobody annotated.

    Attributes
    ----------
    values
        All that occur, ascending.
    num_pixels
        Of each value.
    sets
        For each mask the values other than the background that occur in it.
    whole_share
        Of all pairs of a mask and a value in it other than the background: the share that is one connected piece.
    soft
        Which masks, by their place, are black and white drawings with soft edges; all with a grey, if only all together
        look so.
    pictures
        Which masks are grey pictures.
    """

    values: tuple[int, ...]
    num_pixels: tuple[int, ...]
    sets: tuple[frozenset[int], ...]
    whole_share: float
    soft: tuple[int, ...] = ()
    pictures: tuple[int, ...] = ()

    @property
    def background(self) -> int:
        """0 if it occurs, otherwise the smallest value."""
        return 0 if 0 in self.values else self.values[0]

    @property
    def foreground(self) -> tuple[int, ...]:
        """All values but the background."""
        return tuple(value for value in self.values if value != self.background)


def whole_numbers(labels: Shaped[np.ndarray, "..."], name: str) -> Integer[np.ndarray, "height width"]:
    """The label map as integers, if that is what it is.

    Raises
    ------
    LabelError
        Not two axes, no pixels, fractions, or a value below -1; names the map and the first bad pixel.
    """
    if labels.ndim != 2 or not labels.size:
        raise LabelError(
            f"{name} has the shape {labels.shape}; a label map has rows and columns. Give one map an image.",
            name,
        )
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wide = labels.astype(np.float64, copy=False)  # half precision has no 2**62 to compare with
            whole = np.where(np.abs(wide) < 2.0**62, wide, 0).astype(np.int64)
        _refuse(whole != labels, labels, name, "labels are whole numbers. Is it a probability map?")
        labels = whole
    if labels.dtype.kind not in "iu":
        raise LabelError(f"{name} is of type {labels.dtype}; a label map holds integers. Convert it first.", name)
    if labels.dtype.kind == "i":
        _refuse(labels < NOT_ANNOTATED, labels, name, "labels are 0 and up, or -1 where nobody annotated.")
    native = f"{labels.dtype.kind}{labels.dtype.itemsize}"
    return labels.astype(native, copy=False).view(native)  # whatever its byte order, and by which of C's names for 64 bits


def _refuse(bad: np.ndarray, labels: np.ndarray, name: str, words: str) -> None:
    if bad.any():
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        raise LabelError(f"{name}: the label at row {row}, column {column} is {labels[row, column]}; {words}", name)


def collect_evidence(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> Evidence:
    """Count everything that the judgement needs.

    Parameters
    ----------
    maps
        As :func:`whole_numbers` gives them; their sizes may differ. One is held at a time, so they may be read as they
        are asked for.
    ignore
        A value that means "not annotated", besides -1.
    """
    totals: dict[int, int] = {}
    found: list[frozenset[int]] = []
    soft: list[int] = []
    pictures: list[int] = []
    for index, labels in enumerate(maps):
        values, counts = _count(labels)
        here = [(int(v), int(n)) for v, n in zip(values, counts, strict=True) if v not in (NOT_ANNOTATED, ignore)]
        for value, number in here:
            totals[value] = totals.get(value, 0) + number
        found.append(frozenset(value for value, _ in here))
        if _is_soft([value for value, _ in here], [count for _, count in here]):
            soft.append(index)
        elif _is_picture(labels, len(here)):
            pictures.append(index)
    ordered = tuple(sorted(totals))
    background = 0 if 0 in totals else ordered[0] if ordered else 0
    sets = tuple(values - {background} for values in found)
    skip = {background, NOT_ANNOTATED} if ignore is None else {background, NOT_ANNOTATED, ignore}
    filled = [i for i, values in enumerate(sets) if values]
    picked = [filled[i] for i in np.unique(np.linspace(0, len(filled) - 1, _MOST_MAPS).astype(int))] if filled else []
    whole = np.concatenate([_is_whole(maps[i], skip) for i in picked]) if picked else np.zeros(0, bool)
    num_pixels = tuple(totals[v] for v in ordered)
    if not soft and _is_soft(ordered, num_pixels):
        soft = [number for number, values in enumerate(sets) if any(0 < value < ordered[-1] for value in values)]
    whole_share = float(whole.mean()) if whole.size else 0.0
    return Evidence(ordered, num_pixels, sets, whole_share, tuple(soft), tuple(pictures))


def _count(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    high = int(labels.max())
    if high < 2**20:  # counting is some twenty times faster than sorting
        counts = np.bincount(labels.ravel().astype(np.int64) - NOT_ANNOTATED)
        (occurring,) = np.nonzero(counts)
        return occurring + NOT_ANNOTATED, counts[occurring]
    return np.unique(labels, return_counts=True)


def _is_whole(labels: np.ndarray, skip: set[int]) -> np.ndarray:
    """For each value in a map, except those skipped, whether it is one piece (8-connected)."""
    window = _middle(labels)
    values, index = np.unique(window, return_inverse=True)
    index = index.reshape(window.shape) + 1
    pieces = label(index, connectivity=2, background=0)
    sizes = np.bincount(pieces.ravel())
    value_of = np.zeros(sizes.size, np.int64)
    value_of[pieces.ravel()] = index.ravel() - 1
    total = np.bincount(value_of[1:], sizes[1:], minlength=values.size)
    largest = np.zeros(values.size)
    np.maximum.at(largest, value_of[1:], sizes[1:])
    keep = np.array([int(value) not in skip for value in values])
    return (largest >= _WHOLE * total)[keep]


def _is_soft(values: Sequence[int], counts: Sequence[int]) -> bool:
    """Whether values and their numbers of pixels are those of a black and white drawing with soft edges."""
    if not values or values[0] != 0 or values[-1] not in (254, 255):
        return False
    greys = counts[1:-1]
    is_spread = sum(1 for v in values if 16 <= v < values[-1]) >= 3
    return is_spread and counts[-1] > 5 * max(greys) and counts[0] + counts[-1] > 0.8 * sum(counts)


def _is_picture(labels: np.ndarray, num_values: int) -> bool:
    """Whether it is a grey picture: most neighbours that are neither black nor white differ.

    In a label map neighbours differ only where two objects touch, and objects are more than two pixels across.
    """
    if num_values < _FEWEST_GREYS:
        return False
    window = _middle(labels)
    low, high = max(0, int(labels.min())), int(labels.max())
    num_pairs = num_equal = 0
    for a, b in ((window[:, :-1], window[:, 1:]), (window[:-1], window[1:])):
        inside = (a > low) & (b > low) & (a < high) & (b < high)
        num_pairs += int(np.count_nonzero(inside))
        num_equal += int(np.count_nonzero(inside & (a == b)))
    return num_pairs >= _FEWEST_PAIRS and num_equal < _FEW_EQUAL * num_pairs


def _middle(labels: np.ndarray) -> np.ndarray:
    rows, columns = (slice(max(0, (n - _MOST_PIXELS_A_SIDE) // 2), None) for n in labels.shape)
    return labels[rows, columns][:_MOST_PIXELS_A_SIDE, :_MOST_PIXELS_A_SIDE]


def are_greys(values: tuple[int, ...]) -> bool:
    """Whether classes were painted in well-spaced greys up to white: 0, 127, 255 and the like."""
    return len(values) <= 9 and values[-1] in (254, 255) and bool(np.diff(values).min() >= 20)


def same_everywhere(evidence: Evidence) -> bool:
    """Whether the masks share one small set of values, as classes do; objects vary in number and are counted from 1."""
    filled = [values for values in evidence.sets if values]
    if len(evidence.foreground) > _FEW_CLASSES:
        return False
    full = sum(values == frozenset(evidence.foreground) for values in filled)
    if len(filled) < 10:
        return full == len(filled) >= 4
    num_gaps = sum(max(values) > len(values) for values in filled)  # a 2 where there is no 1
    return 2 * full >= len(filled) or 10 * num_gaps >= len(filled)
