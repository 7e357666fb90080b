"""Refuse masks that cannot be learnt: say what is wrong, in which file, and at which pixel first."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Integer, Shaped

from unseam.data.label_evidence import Evidence
from unseam.data.label_rims import Rims
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

Maps = Sequence[Integer[np.ndarray, "_ _"]]

_MANY_GREYS = 16
_FEW = 10  # px: a slip of the brush, no evidence
_HARDLY_ANY = 0.001


MasksFault = Literal["two codings", "mixed numbers", "background unclear", "mask is the image", "class missing"]


class MasksError(LabelError):
    """A fault that the doctor lists by name, in the masks with the indices ``masks``."""

    def __init__(self, message: str, where: str, fault: MasksFault, masks: Sequence[int]) -> None:
        super().__init__(message, where)
        self.fault: MasksFault = fault
        self.masks = tuple(masks)


def check_worth_learning(evidence: Evidence, maps: Maps, names: Sequence[str]) -> None:
    """Raise LabelError unless the annotated pixels have at least two values."""
    where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    if not evidence.values:
        raise LabelError(
            f"{where}: no pixel of the masks is annotated. Annotate some pixels, or check which value means 'not annotated'.",
            names[0],
        )
    if len(evidence.values) == 1:
        is_open = evidence.values[0] > 0 and any((labels == NOT_ANNOTATED).any() for labels in maps)
        mend = " -1 means 'not annotated': if it is the background here, save the masks with 0 there." if is_open else ""
        raise LabelError(
            f"{where}: there is nothing to learn, because all annotated pixels have the value {evidence.values[0]}. Masks need "
            f"at least two values; check that these are the right files and that they were not saved empty.{mend}",
            names[0],
        )


def check_not_grey(evidence: Evidence, maps: Maps, names: Sequence[str]) -> None:
    """Raise LabelError for drawings with soft edges and for grey pictures: their greys would be read as objects."""
    if evidence.soft:
        labels, name = maps[evidence.soft[0]], names[evidence.soft[0]]
        high = int(labels.max()) if labels.max() in (254, 255) else evidence.values[-1]
        between = (labels > 0) & (labels < high) & (labels != NOT_ANNOTATED)
        count = sum(n for value, n in zip(evidence.values, evidence.num_pixels, strict=True) if 0 < value < high)
        raise LabelError(
            f"{name}: the mask is black and white (0 and {high}) with soft edges: {_at(labels, between)}. All masks together "
            f"have {count:,} such pixels. Masks need two values: apply a threshold of 128 (in Fiji: Image > Adjust > "
            "Threshold) and save the masks again, without smoothing and not as JPEG. If the values number objects, set masks "
            "to 'instances'.",
            name,
        )
    if evidence.pictures:
        labels, name = maps[evidence.pictures[0]], names[evidence.pictures[0]]
        differs = np.zeros(labels.shape, bool)
        differs[:, :-1] = (labels[:, 1:] != labels[:, :-1]) & (labels[:, :-1] > 0) & (labels[:, 1:] > 0)
        if not differs.any():
            differs[:-1] = labels[1:] != labels[:-1]
        raise LabelError(
            f"{name}: the mask is a grey picture, not a label map: most pixels differ from their neighbours; "
            f"{_at(labels, differs)}. Is it the image or a probability map? Replace it by the painted mask; apply a threshold "
            "of 128 to 8-bit probabilities. If each number is one object, set masks to 'instances'.",
            name,
        )


def two_codings(evidence: Evidence) -> tuple[list[int], list[int]]:
    """Return the masks whose only foreground value is 255, and those without 255; both empty unless these are all masks.

    If 255 is the foreground of the first, reading it as "not annotated" would lose their foreground.
    """
    high = [i for i, values in enumerate(evidence.sets) if values == {IGNORE}]
    low = [i for i, values in enumerate(evidence.sets) if values and IGNORE not in values]
    filled = sum(1 for values in evidence.sets if values)
    return (high, low) if high and low and len(high) + len(low) == filled else ([], [])


def check_one_coding(evidence: Evidence, maps: Maps, names: Sequence[str]) -> None:
    """Raise MasksError unless 255 above classes 0, 1, 2, ... means "not annotated" beyond doubt.

    There is doubt if 255 is the foreground of some masks while others use lower values, and if 255, or all lower values besides
    0, are in one mask only or in a few pixels: these may be slips of the brush.
    """
    high, low = two_codings(evidence)
    if high:
        row, column = first_pixel(maps[high[0]] == IGNORE)
        raise MasksError(
            f"{names[high[0]]}: 255 at row {row}, column {column} is the only value besides 0, as in {len(high)} mask(s), but "
            f"{len(low)} other(s), such as {names[low[0]]}, have lower values and no 255. It may mean foreground or 'not "
            "annotated'. Save all masks with the same values, or set the value for 'not annotated' (--ignore 255).",
            names[high[0]],
            "two codings",
            min(low, high, key=len),
        )
    lower = [{value: n for value, n in counts.items() if 0 < value < IGNORE} for counts in evidence.counts]
    upper = [{value: n for value, n in counts.items() if value == IGNORE} for counts in evidence.counts]
    num_lower, num_upper = (sum(sum(each.values()) for each in side) for side in (lower, upper))
    for side, number, other in ((lower, num_lower, num_upper), (upper, num_upper, num_lower)):
        holders = [index for index, found in enumerate(side) if found]
        if sum(sum(side[index].values()) >= _FEW for index in holders) >= 2 and number >= _HARDLY_ANY * other:
            continue
        index = min(holders, key=lambda i: sum(side[i].values()))
        value = min(side[index])
        row, column = first_pixel(maps[index] == value)
        what = "255" if side is upper else f"a value between 0 and 255 (here {value})"
        raise MasksError(
            f"{names[index]}: {what} is in {len(holders)} of {len(side)} mask(s) and {number:,} px, the first at row {row}, "
            f"column {column}; {num_upper:,} px are 255. So 255 may mean foreground or 'not annotated'. Correct these pixels; "
            "or give --ignore 255 if it means 'not annotated', --ignore 254 if it is a class.",
            names[index],
            "two codings",
            holders,
        )


def check_not_mixed(rims: Sequence[Rims], names: Sequence[str]) -> None:
    """Raise MasksError for numbers that resizing, smoothing or JPEG made."""
    mixed = [one for one in rims if not one.are_lines]
    if not mixed:
        return
    first = mixed[0]
    raise MasksError(
        f"{names[first.index]}: the mask holds numbers that nobody painted: {first}, as do {first.num_pixels:,} px at edges. "
        "Resizing with interpolation, smoothing and JPEG mix numbers. Export the masks again: resize with nearest neighbour, "
        "save as TIFF or PNG. A mask of two values can be mended by a threshold.",
        names[first.index],
        "mixed numbers",
        [one.index for one in mixed],
    )


def is_copy_of_image(labels: Shaped[np.ndarray, "..."], image: Shaped[np.ndarray, "..."]) -> bool:
    """Return whether a mask equals its image in every pixel and has many greys.

    >>> ramp = np.arange(40).reshape(5, 8)
    >>> is_copy_of_image(ramp, ramp), is_copy_of_image(ramp, np.dstack([ramp] * 3)), is_copy_of_image(ramp > 9, ramp > 9)
    (True, True, False)
    """
    if labels.ndim != 2 or labels.shape != image.shape[:2] or labels.dtype.kind not in "uif" or not labels.size:
        return False
    if not float(labels.max()) - float(labels.min()) > _MANY_GREYS:
        return False
    grey = image if image.ndim == 2 else image[..., 0]
    return bool(np.array_equal(labels, grey)) and (image.ndim == 2 or bool((image == grey[..., np.newaxis]).all()))


def first_pixel(where: Bool[np.ndarray, "height width"]) -> tuple[int, int]:
    """Return row and column of the first pixel that is true; at least one must be."""
    row, column = np.unravel_index(int(np.argmax(where)), where.shape)
    assert where[row, column]
    return int(row), int(column)


def _at(labels: Integer[np.ndarray, "height width"], where: Bool[np.ndarray, "height width"]) -> str:
    row, column = first_pixel(where)
    return f"the first, at row {row}, column {column}, is {labels[row, column]}"
