"""What is asked of probabilities before they are scored."""

import numpy as np
from jaxtyping import Float, Integer

from unseam.errors import DataError, LabelError
from unseam.shapes import IGNORE

_ROUNDING = 1e-3  # a sum of 16-bit probabilities may be off by that


def check_probabilities(
    probabilities: Float[np.ndarray, "classes height width"], truth: Integer[np.ndarray, "_height _width"]
) -> None:
    """Refuse what cannot be scored as probabilities of classes.

    Raises
    ------
    DataError
        Sizes differ, values below 0 or above 1, or sums over the classes that are not 1.
    LabelError
        The truth has a class that the probabilities lack.
    """
    num_classes = len(probabilities)
    if probabilities.shape[1:] != truth.shape or num_classes < 2:
        raise DataError(
            f"The probabilities have the shape {probabilities.shape}, the truth {truth.shape}; there must be two classes or "
            "more, of the same rows and columns. Give (classes, rows, columns), the background being a class."
        )
    low, high = float(probabilities.min(initial=0)), float(probabilities.max(initial=0))
    if not (low >= 0 and high <= 1 + _ROUNDING):
        raise DataError(
            f"The probabilities run from {low:g} to {high:g}; they may be 0..1. Give what the soft-max gives, not logits or "
            "percentages."
        )
    gap = float(np.abs(probabilities.sum(axis=0) - 1).max(initial=0))
    if gap > _ROUNDING:
        raise DataError(
            f"The probabilities of a pixel add up to 1 only within {gap:.2g}; they must add up to 1. Give one channel for each "
            "class, background included."
        )
    classes = truth[truth != IGNORE]
    if classes.size and (classes.min() < 0 or classes.max() >= num_classes):
        raise LabelError(
            f"The truth holds classes from {classes.min()} to {classes.max()}; the probabilities are of 0..{num_classes - 1}. "
            "Give probabilities of the same classes."
        )
