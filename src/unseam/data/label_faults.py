"""Masks that nobody can learn from: what is wrong with them, in which file, and at which pixel first."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Integer, Shaped

from unseam.data.label_evidence import Evidence
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

Maps = Sequence[Integer[np.ndarray, "_ _"]]

_MANY_GREYS = 16


def check_worth_learning(evidence: Evidence, names: Sequence[str]) -> None:
    """See that the annotated pixels have two values at least.

    Raises
    ------
    LabelError
        If they have none or one.
    """
    where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    if not evidence.values:
        raise LabelError(
            f"{where}: no pixel of the masks is annotated. Annotate some, or check which value means 'not annotated'.",
            names[0],
        )
    if len(evidence.values) == 1:
        raise LabelError(
            f"{where}: all annotated pixels of all masks have the value {evidence.values[0]}: there is nothing to learn. "
            "Masks need at least two values; check that these are the right files and that they were not saved empty.",
            names[0],
        )


def check_not_grey(evidence: Evidence, maps: Maps, names: Sequence[str]) -> None:
    """See that no mask is a drawing with soft edges or a grey picture: the greys would be taken for objects.

    Raises
    ------
    LabelError
        Names the first such mask and its first such pixel.
    """
    if evidence.soft:
        labels, name = maps[evidence.soft[0]], names[evidence.soft[0]]
        high = int(labels.max()) if labels.max() in (254, 255) else evidence.values[-1]
        between = (labels > 0) & (labels < high) & (labels != NOT_ANNOTATED)
        count = sum(n for value, n in zip(evidence.values, evidence.num_pixels, strict=True) if 0 < value < high)
        raise LabelError(
            f"{name}: the mask is black and white (0 and {high}) with soft edges: {_at(labels, between)}. There are "
            f"{count:,} such pixels in all masks together. Masks need two values; set a threshold of 128 (in Fiji: Image > "
            "Adjust > Threshold) and save them again without smoothing and not as JPEG. If these are numbers of objects, set "
            "masks to 'instances'.",
            name,
        )
    if evidence.pictures:
        labels, name = maps[evidence.pictures[0]], names[evidence.pictures[0]]
        differs = np.zeros(labels.shape, bool)
        differs[:, :-1] = (labels[:, 1:] != labels[:, :-1]) & (labels[:, :-1] > 0) & (labels[:, 1:] > 0)
        if not differs.any():
            differs[:-1] = labels[1:] != labels[:-1]
        raise LabelError(
            f"{name}: the mask is a grey picture, not a label map: most pixels differ from the pixel beside them; "
            f"{_at(labels, differs)}. Is it the image or a probability map? Put the painted mask there; of probabilities "
            "of 8 bits, set a threshold of 128. If each number is one object, set masks to 'instances'.",
            name,
        )


def two_codings(evidence: Evidence) -> tuple[list[int], list[int]]:
    """Masks whose foreground is 255 alone, and those with 1, 2, ... and no 255; two empty lists unless every mask is one.

    Where the first say 255 for foreground, to take it for "not annotated" would lose their foreground.
    """
    high = [i for i, values in enumerate(evidence.sets) if values == {IGNORE}]
    low = [i for i, values in enumerate(evidence.sets) if values and IGNORE not in values]
    filled = sum(1 for values in evidence.sets if values)
    return (high, low) if high and low and len(high) + len(low) == filled else ([], [])


def check_one_coding(evidence: Evidence, maps: Maps, names: Sequence[str]) -> None:
    """See that 255 is not the foreground of some masks where others number theirs from 1.

    Raises
    ------
    LabelError
        If it may be.
    """
    high, low = two_codings(evidence)
    if not high:
        return
    labels = maps[high[0]]
    row, column = first_pixel(labels == IGNORE)
    raise LabelError(
        f"{names[high[0]]}: 255 at row {row}, column {column} is the only value besides 0, as in {len(high)} mask(s), while "
        f"{len(low)} other(s), such as {names[low[0]]}, have lower ones and no 255. It may be foreground or 'not annotated'. "
        "Save all masks with the same values, or say which value means 'not annotated' (--ignore 255).",
        names[high[0]],
    )


def is_copy_of_image(labels: Shaped[np.ndarray, "..."], image: Shaped[np.ndarray, "..."]) -> bool:
    """Whether a mask is its image: of many greys, and the same in each pixel.

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
    """Row and column of the first that is true; there must be one."""
    row, column = np.unravel_index(int(np.argmax(where)), where.shape)
    assert where[row, column]
    return int(row), int(column)


def _at(labels: Integer[np.ndarray, "height width"], where: Bool[np.ndarray, "height width"]) -> str:
    row, column = first_pixel(where)
    return f"the first, at row {row}, column {column}, is {labels[row, column]}"
