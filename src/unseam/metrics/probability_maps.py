"""The base class of metrics that read probabilities, and the checks of their input."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar, final

import numpy as np
from jaxtyping import Float

from unseam.errors import DataError, LabelError
from unseam.metrics.contingency import TrueMap
from unseam.metrics.score import Reads
from unseam.shapes import IGNORE

_Score = TypeVar("_Score")
ROUNDING = 1e-3  # largest error of a sum of 16-bit probabilities


class ProbabilityMetric(ABC, Generic[_Score]):
    """Scores probabilities (K, H, W) against a class map (H, W)."""

    reads: ClassVar = Reads.PROBABILITIES

    @final
    def __call__(self, probabilities: Float[np.ndarray, "classes height width"], truth: TrueMap) -> _Score:
        """Score probabilities against a class map. Unannotated pixels do not count.

        Raises
        ------
        DataError
            Sizes differ, values are below 0 or above 1, or their sums over the classes are not 1.
        LabelError
            The truth has a class that the probabilities lack.
        """
        _check(probabilities, truth)
        return self._score(probabilities, truth)

    @abstractmethod
    def _score(self, probabilities: np.ndarray, truth: np.ndarray) -> _Score: ...


def _check(probabilities: np.ndarray, truth: np.ndarray) -> None:
    num_classes = len(probabilities)
    if probabilities.shape[1:] != truth.shape or num_classes < 2:
        raise DataError(
            f"The probabilities have the shape {probabilities.shape}, the truth {truth.shape}. They must have two classes or "
            "more, and the rows and columns of the truth. Give (classes, rows, columns), with the background as a class."
        )
    low, high = float(probabilities.min(initial=0)), float(probabilities.max(initial=0))
    if not (low >= 0 and high <= 1 + ROUNDING):
        raise DataError(
            f"The probabilities run from {low:g} to {high:g}. They may be 0..1. Give the output of the soft-max, not logits or "
            "percentages."
        )
    gap = float(np.abs(probabilities.sum(axis=0) - 1).max(initial=0))
    if gap > ROUNDING:
        raise DataError(
            f"The probabilities of a pixel add up to 1 only within {gap:.2g}. They must add up to 1. Give one channel for each "
            "class, including the background."
        )
    classes = truth[truth != IGNORE]
    if classes.size and (classes.min() < 0 or classes.max() >= num_classes):
        raise LabelError(
            f"The truth holds classes from {classes.min()} to {classes.max()}; the probabilities have 0..{num_classes - 1}. "
            "Give probabilities of the same classes."
        )
