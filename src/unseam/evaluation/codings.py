"""Refuse annotations and predictions whose numbers do not say the same: nobody else would notice a score of 0."""

import numpy as np
from jaxtyping import Integer

from unseam.data.label_evidence import Evidence
from unseam.data.label_faults import two_codings
from unseam.data.labels import list_values
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

MOST_FEW = 16
"""More values than this on one side number objects, if the other side has a single one."""


def check_has_background(true: Evidence, predicted: Evidence, *, of_objects: bool) -> str:
    """Raise LabelError if background is not 0 on both sides, as it seems: nothing else tells a full image from an empty one.

    Many objects may tile an image, such as cells of a tissue. Then no number covers most of it, and a sentence is returned.
    """
    values = sorted({*true.values, *predicted.values})
    _check_background_of_each_side(true, predicted)
    if not true.values or values[0] == 0:
        return ""
    if of_objects and len(true.values) > MOST_FEW and 2 * max(true.num_pixels) < sum(true.num_pixels):
        return " Beware: no pixel is 0. If one of the numbers is background, replace it by 0."
    instances = "--masks instances if each number is one object"
    if len(values) == 1:
        raise LabelError(
            f"Every pixel of the annotations and predictions is {values[0]}, and the numbers cannot tell whether that is "
            f"background. Give --masks binary or --masks classes if it is foreground, or {instances}."
        )
    raise LabelError(
        f"Annotations and predictions hold {list_values(values)}, and no pixel is 0: the numbers cannot tell what is "
        "background. Give --masks binary to score everything but 0 as foreground, --masks classes to score "
        f"{values[0]} as background and the others as classes, or {instances}."
    )


def check_each_pixel_counts(prediction: Integer[np.ndarray, "height width"], name: str) -> None:
    """Raise LabelError for -1 in a prediction: only an annotation can say that a pixel is not annotated."""
    bad = prediction == NOT_ANNOTATED
    if prediction.dtype.kind == "i" and bad.any():
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        raise LabelError(
            f"{name}: the label at row {row}, column {column} is {NOT_ANNOTATED}, but in a prediction each pixel counts. If "
            "it is background, save it as 0.",
            name,
        )


def _check_background_of_each_side(true: Evidence, predicted: Evidence) -> None:
    """Raise LabelError if one side counts from 0 and the other from 1: as many values, but the background has two numbers."""
    sides = ((true, "annotations", predicted, "predictions"), (predicted, "predictions", true, "annotations"))
    for side, whose, other, others in sides:
        is_shifted = 1 < len(side.values) == len(other.values) <= MOST_FEW and 0 not in side.values and 0 in other.values
        if is_shifted and side.values[0] == 1:
            raise LabelError(
                f"The {whose} hold {list_values(side.values)} and no 0, the {others} {list_values(other.values)}: background "
                f"seems to be 1 in the {whose}. Save it as 0 (subtract 1 from all {whose}); if the numbers are right, give "
                "--masks classes."
            )


def check_coding_of_each_side(true: Evidence, predicted: Evidence, ignore: int | None) -> None:
    """Raise LabelError if the foreground of a side is 255 in some maps, and another value in the others."""
    for side, whose in ((true, "annotations"), (predicted, "predictions")):
        high, low = two_codings(side)
        is_truth = side is true
        is_doubtful = {*side.values} <= {0, 1, IGNORE} or (is_truth and _may_be_ignored(true, predicted))
        if high and is_doubtful and not (is_truth and ignore is not None):
            lower = list_values([value for value in side.values if value not in (0, IGNORE)])
            remedy = f" If 255 means 'not annotated', give --ignore {IGNORE}." if is_truth else ""
            raise LabelError(
                f"255 is the only foreground in {len(high)} map(s) of the {whose}, and {lower} in {len(low)} other(s). Give "
                f"--masks binary if all of it is foreground, --masks classes if 255 is a class of its own.{remedy}"
            )


def check_same_values(true: Evidence, predicted: Evidence) -> None:
    """Raise LabelError if both sides have foreground, and no value of it is the same."""
    background = min((*true.values, *predicted.values), default=0)
    of_truth, of_prediction = ([v for v in side.values if v != background] for side in (true, predicted))
    if not of_truth or not of_prediction or {*of_truth} & {*of_prediction}:
        return
    what = (
        f"The foreground of the annotations is {list_values(of_truth)}, that of the predictions {list_values(of_prediction)}. "
    )
    if len(of_truth) == len(of_prediction) == 1:
        remedy = "If both mean the same, give --masks binary. "
    else:
        remedy = (
            "If the same classes have other numbers, save both with the same numbers; --masks binary scores all foreground "
            "together. "
        )
    ignored = f" If {of_truth[0]} means 'not annotated', give --ignore {of_truth[0]}." if len(of_truth) == 1 else ""
    raise LabelError(f"{what}{remedy}If they are different classes, give --masks classes.{ignored}")


def has_ignore(true: Evidence, predicted: Evidence) -> bool:
    """Whether 255 means "not annotated": it is above the classes 0, 1, ..., no prediction has it, and annotations have both."""
    return _may_be_ignored(true, predicted) and not two_codings(true)[0]


def _may_be_ignored(true: Evidence, predicted: Evidence) -> bool:
    values = tuple(sorted({*true.values, *predicted.values}))
    is_above = values == (*range(len(values) - 1), IGNORE)
    return is_above and len(true.values) >= 3 and len(values) <= MOST_FEW and IGNORE not in predicted.values
