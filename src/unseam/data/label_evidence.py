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
    """

    values: tuple[int, ...]
    num_pixels: tuple[int, ...]
    sets: tuple[frozenset[int], ...]
    whole_share: float

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
            f"{name} has the shape {labels.shape}; a label map has rows and columns. Give one map an image."
        )
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.where(np.abs(labels) < 2.0**62, labels, 0).astype(np.int64)
        _refuse(whole != labels, labels, name, "labels are whole numbers. Is it a probability map?")
        labels = whole
    if labels.dtype.kind not in "iu":
        raise LabelError(f"{name} is of type {labels.dtype}; a label map holds integers. Convert it first.")
    if labels.dtype.kind == "i":
        _refuse(labels < NOT_ANNOTATED, labels, name, "labels are 0 and up, or -1 where nobody annotated.")
    return labels


def _refuse(bad: np.ndarray, labels: np.ndarray, name: str, words: str) -> None:
    if bad.any():
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        raise LabelError(f"{name}: the label at row {row}, column {column} is {labels[row, column]}; {words}")


def look(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> Evidence:
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
    for labels in maps:
        values, counts = _count(labels)
        here = [(int(v), int(n)) for v, n in zip(values, counts, strict=True) if v not in (NOT_ANNOTATED, ignore)]
        for value, number in here:
            totals[value] = totals.get(value, 0) + number
        found.append(frozenset(value for value, _ in here))
    ordered = tuple(sorted(totals))
    background = 0 if 0 in totals else ordered[0] if ordered else 0
    sets = tuple(values - {background} for values in found)
    skip = {background, NOT_ANNOTATED} if ignore is None else {background, NOT_ANNOTATED, ignore}
    filled = [i for i, values in enumerate(sets) if values]
    picked = [filled[i] for i in np.unique(np.linspace(0, len(filled) - 1, _MOST_MAPS).astype(int))] if filled else []
    whole = np.concatenate([_is_whole(maps[i], skip) for i in picked]) if picked else np.zeros(0, bool)
    return Evidence(ordered, tuple(totals[v] for v in ordered), sets, float(whole.mean()) if whole.size else 0.0)


def _count(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    high = int(labels.max())
    if high < 2**20:  # counting is some twenty times faster than sorting
        counts = np.bincount(labels.ravel().astype(np.int64) - NOT_ANNOTATED)
        (occurring,) = np.nonzero(counts)
        return occurring + NOT_ANNOTATED, counts[occurring]
    return np.unique(labels, return_counts=True)


def _is_whole(labels: np.ndarray, skip: set[int]) -> np.ndarray:
    """For each value in a map, except those skipped, whether it is one piece (8-connected)."""
    rows, columns = (slice(max(0, (n - _MOST_PIXELS_A_SIDE) // 2), None) for n in labels.shape)
    window = labels[rows, columns][:_MOST_PIXELS_A_SIDE, :_MOST_PIXELS_A_SIDE]
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


def check_edges(evidence: Evidence) -> None:
    """Refuse black and white drawings with soft edges: their greys would be taken for objects."""
    counts = dict(zip(evidence.values, evidence.num_pixels, strict=True))
    high = evidence.values[-1]
    greys = [counts[v] for v in evidence.values if 0 < v < high]
    if high not in (254, 255) or 0 not in counts or len(greys) < 3:
        return
    is_spread = sum(1 for v in evidence.values if 16 <= v < high) >= 3
    if is_spread and counts[high] > 5 * max(greys) and counts[0] + counts[high] > 0.8 * sum(counts.values()):
        raise LabelError(
            f"The masks are black and white (0 and {high}) with soft edges: {sum(greys):,} pixels have one of "
            f"{len(greys)} greys between. Masks need two values; set a threshold of 128 (in Fiji: Image > Adjust > "
            "Threshold) and save them again without smoothing and not as JPEG."
        )


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
