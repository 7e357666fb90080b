"""Refuse masks that cannot be learnt: say what is wrong, in which file, and at which pixel first."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Integer, Shaped

from unseam.data.label_evidence import Evidence
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

Maps = Sequence[Integer[np.ndarray, "_ _"]]

_MANY_GREYS = 16


def check_worth_learning(evidence: Evidence, names: Sequence[str]) -> None:
    """Raise LabelError unless the annotated pixels have at least two values."""
    where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    if not evidence.values:
        raise LabelError(
            f"{where}: no pixel of the masks is annotated. Annotate some pixels, or check which value means 'not annotated'.",
            names[0],
        )
    if len(evidence.values) == 1:
        raise LabelError(
            f"{where}: there is nothing to learn, because all annotated pixels have the value {evidence.values[0]}. Masks need "
            "at least two values; check that these are the right files and that they were not saved empty.",
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
    """Raise LabelError if 255 may be the foreground of some masks while others use lower values."""
    high, low = two_codings(evidence)
    if not high:
        return
    labels = maps[high[0]]
    row, column = first_pixel(labels == IGNORE)
    raise LabelError(
        f"{names[high[0]]}: 255 at row {row}, column {column} is the only value besides 0, as in {len(high)} mask(s), but "
        f"{len(low)} other(s), such as {names[low[0]]}, have lower values and no 255. It may mean foreground or 'not "
        "annotated'. Save all masks with the same values, or set the value for 'not annotated' (--ignore 255).",
        names[high[0]],
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
