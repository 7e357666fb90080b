"""Count the values in a set of masks, and find out whether each value forms one piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.data.label_pieces import Pieces, count_values, find_pieces, middle
from unseam.errors import LabelError
from unseam.shapes import NOT_ANNOTATED

_MOST_MAPS = 32  # maps in which pieces are examined; values are counted in all maps
_FEW_CLASSES = 6
_FEWEST_GREYS, _FEWEST_PAIRS, _FEW_EQUAL = 24, 100, 0.4  # marks of a grey picture
_APART, _ALIKE = 0.1, 4.0  # of objects: the share that touches another, and how much the areas of two numbers differ


@dataclass(frozen=True)
class Evidence:
    """Counts over the annotated pixels of all masks."""

    values: tuple[int, ...]  # all that occur, ascending
    num_pixels: tuple[int, ...]  # of each value
    sets: tuple[frozenset[int], ...]  # for each mask, the values in it except the background
    whole_share: float  # of all pairs of a mask and a value in its set: the share that forms one connected piece
    soft: tuple[int, ...] = ()  # indices of masks that are black and white drawings with soft edges
    pictures: tuple[int, ...] = ()  # indices of masks that are grey pictures
    counts: tuple[Mapping[int, int], ...] = ()  # for each mask, the pixels of each annotated value
    pieces: tuple[tuple[int, Pieces], ...] = ()  # of some masks: the index, and where its values lie
    ignore: int | None = None  # the value that counts as "not annotated", besides -1

    @property
    def background(self) -> int:
        return 0 if 0 in self.values else self.values[0]

    @property
    def foreground(self) -> tuple[int, ...]:
        return tuple(value for value in self.values if value != self.background)

    @property
    def skipped(self) -> frozenset[int]:
        """The values that mean "not annotated"."""
        return frozenset({NOT_ANNOTATED} if self.ignore is None else {NOT_ANNOTATED, self.ignore})

    @property
    def most_objects(self) -> int:
        """The most numbers in a mask, if all but 0 are objects."""
        return max(len(counts) - (0 in counts) for counts in self.counts)


def whole_numbers(labels: Shaped[np.ndarray, "..."], name: str) -> Integer[np.ndarray, "height width"]:
    """Return a label map as integers.

    Raises
    ------
    LabelError
        Not two axes, no pixels, fractions, or a value below -1; names the map and the first bad pixel.
    """
    if labels.ndim != 2 or not labels.size:
        raise LabelError(
            f"{name} has the shape {labels.shape}; a label map has rows and columns. Give one map per image.", name
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
        _refuse(labels < NOT_ANNOTATED, labels, name, "labels are 0 and up, or -1 for 'not annotated'.")
    native = f"{labels.dtype.kind}{labels.dtype.itemsize}"
    # astype fixes the byte order. C has two 64-bit integer types (long and long long); view replaces one by the other.
    return labels.astype(native, copy=False).view(native)


def _refuse(bad: np.ndarray, labels: np.ndarray, name: str, words: str) -> None:
    if bad.any():
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        raise LabelError(f"{name}: the label at row {row}, column {column} is {labels[row, column]}; {words}", name)


def collect_evidence(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> Evidence:
    """Count everything that :func:`unseam.data.labels.judge_labels` needs.

    ``maps`` are results of :func:`whole_numbers`, of any sizes. Only one is held at a time, so indexing may read a file.
    ``ignore`` is a further value that means "not annotated", besides -1.
    """
    totals: dict[int, int] = {}
    counts: list[dict[int, int]] = []
    soft: list[int] = []
    pictures: list[int] = []
    for index, labels in enumerate(maps):
        pairs = zip(*count_values(labels), strict=True)
        count_of = {int(value): int(count) for value, count in pairs if value not in (NOT_ANNOTATED, ignore)}
        for value, count in count_of.items():
            totals[value] = totals.get(value, 0) + count
        counts.append(count_of)
        if _is_soft(list(count_of), list(count_of.values())):
            soft.append(index)
        elif _is_picture(labels, len(count_of)):
            pictures.append(index)
    ordered = tuple(sorted(totals))
    # The background is that of the whole data set: a mask filled by one object has no background pixel.
    background = 0 if 0 in totals else ordered[0] if ordered else 0
    sets = tuple(frozenset(count_of) - {background} for count_of in counts)
    skip = [background, NOT_ANNOTATED, *([] if ignore is None else [ignore])]
    # Labelling pieces is slow, so only some masks are examined; spread evenly, because the first ones may be alike.
    filled = [i for i, values in enumerate(sets) if values]
    picked = [filled[i] for i in np.unique(np.linspace(0, len(filled) - 1, _MOST_MAPS).astype(int))] if filled else []
    pieces = tuple((i, find_pieces(maps[i])) for i in picked)
    whole = np.concatenate([one.is_whole[~np.isin(one.values, skip)] for _, one in pieces]) if pieces else np.zeros(0, bool)
    num_pixels = tuple(totals[v] for v in ordered)
    # A small mask has too few greys to look soft alone. If all masks together do, those that hold a grey are soft.
    if not soft and _is_soft(ordered, num_pixels):
        soft = [number for number, values in enumerate(sets) if any(0 < value < ordered[-1] for value in values)]
    whole_share = float(whole.mean()) if whole.size else 0.0
    return Evidence(ordered, num_pixels, sets, whole_share, tuple(soft), tuple(pictures), tuple(counts), pieces, ignore)


def _is_soft(values: Sequence[int], counts: Sequence[int]) -> bool:
    """Return whether the counts are those of a black and white drawing with soft edges: smoothed, or saved as JPEG."""
    if not values or values[0] != 0 or values[-1] not in (254, 255):
        return False
    greys = counts[1:-1]
    # A soft edge passes through many greys; a stray value near black, or a painted third class, adds one.
    is_spread = sum(1 for v in values if 16 <= v < values[-1]) >= 3
    return is_spread and counts[-1] > 5 * max(greys) and counts[0] + counts[-1] > 0.8 * sum(counts)


def _is_picture(labels: np.ndarray, num_values: int) -> bool:
    """Return whether a mask is a grey picture: most neighbouring pixels differ, not counting black and white.

    In a label map neighbours differ only where two objects touch, and objects are more than two pixels across.
    """
    if num_values < _FEWEST_GREYS:
        return False
    window = middle(labels)
    low, high = max(0, int(labels.min())), int(labels.max())
    num_pairs = num_equal = 0
    for a, b in ((window[:, :-1], window[:, 1:]), (window[:-1], window[1:])):
        inside = (a > low) & (b > low) & (a < high) & (b < high)
        num_pairs += int(np.count_nonzero(inside))
        num_equal += int(np.count_nonzero(inside & (a == b)))
    return num_pairs >= _FEWEST_PAIRS and num_equal < _FEW_EQUAL * num_pairs


def are_greys(values: tuple[int, ...]) -> bool:
    """Return whether the values are well-spaced greys up to white, as painted classes are: 0, 127, 255."""
    return len(values) <= 9 and values[-1] in (254, 255) and bool(np.diff(values).min() >= 20)


def same_everywhere(evidence: Evidence) -> bool:
    """Return whether most masks share one small set of values, as classes do; objects vary in number and count from 1."""
    filled = [values for values in evidence.sets if values]
    if len(evidence.foreground) > _FEW_CLASSES:
        return False
    full = sum(values == frozenset(evidence.foreground) for values in filled)
    if len(filled) < 10:  # a few masks may hold equally many objects by chance: demand that all agree
        return full == len(filled) >= 4
    num_gaps = sum(max(values) > len(values) for values in filled)  # 2 without 1: numbers of objects have no gaps
    return 2 * full >= len(filled) or 10 * num_gaps >= len(filled)


def are_apart(evidence: Evidence) -> bool:
    """Return whether the numbers lie apart and are alike in size, several to a mask, as objects that keep their numbers do.

    Classes that come in one piece touch (a nucleus in its cell), or differ in size, or each image shows one of them.
    """
    areas: dict[int, list[int]] = {}
    num_touching = num_numbers = 0
    for _, one in evidence.pieces:
        numbers = one.others({evidence.background, *evidence.skipped})
        num_numbers += len(numbers)
        num_touching += sum(any((min(a, b), max(a, b)) in one.touching for b in numbers if a != b) for a in numbers)
        for value, area in zip(one.values.tolist(), one.areas.tolist(), strict=True):
            if value in numbers:
                areas.setdefault(value, []).append(area)
    medians = [float(np.median(each)) for each in areas.values()]
    several = sum(len(values) > 1 for values in evidence.sets)
    if len(medians) < 2 or 2 * several < sum(map(bool, evidence.sets)):
        return False
    return num_touching <= _APART * num_numbers and max(medians) <= _ALIKE * min(medians)
