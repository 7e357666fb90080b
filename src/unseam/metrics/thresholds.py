"""The best score over several thresholds of a probability: how the ISBI 2012 challenge scored its entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, Integer, UInt8

from unseam.errors import DataError, SettingsError
from unseam.metrics.score import Figure

CHALLENGE_THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities of a cell above which the challenge called a pixel cell, one after the other."""


class ThresholdScore(Protocol):
    """A score that can be added up over images, and says how bad it is."""

    @property
    def loss(self) -> float:
        """What the best threshold makes least; NaN where there is nothing to score."""
        ...

    def columns(self) -> dict[str, Figure]:
        """Give the figures by the name of their column."""
        ...

    @classmethod
    def together(cls, scores: Sequence[Any]) -> Any:
        """Add up the counts of many images."""
        ...


@dataclass(frozen=True)
class BestOverThresholds:
    """Scores of one image at each threshold; the figures are those of the best one.

    The best threshold is picked by looking at the truth, so the figure flatters: it says how good the
    probabilities could be, and belongs beside the challenge's figures, not beside those of a decided map.
    """

    thresholds: tuple[float, ...]
    scores: tuple[Any, ...]

    @property
    def best(self) -> int:
        """Place of the threshold with the least loss; the lowest of several; 0 if there is nothing to score."""
        losses = [score.loss for score in self.scores]
        return int(np.nanargmin(losses)) if not np.isnan(losses).all() else 0

    @property
    def threshold(self) -> float:
        """The best threshold."""
        return self.thresholds[self.best]

    @property
    def score(self) -> Any:
        """The score at the best threshold."""
        return self.scores[self.best]

    def columns(self) -> dict[str, Figure]:
        """Give the best score's columns, ``best_`` before each name, and the threshold."""
        columns = self.score.columns()
        first = next(iter(columns))
        named: dict[str, Figure] = {f"best_{name}": value for name, value in columns.items()}
        return named | {f"best_{first}_threshold": self.threshold}

    @classmethod
    def pool(cls, scores: Sequence["BestOverThresholds"]) -> dict[str, Figure]:
        """Add up all images at each threshold, and pick one threshold for all, as the challenge did.

        Raises
        ------
        SettingsError
            The images were scored at different thresholds.
        """
        return cls.together(scores).columns()

    @classmethod
    def together(cls, scores: Sequence["BestOverThresholds"]) -> "BestOverThresholds":
        """Add up all images at each threshold.

        Raises
        ------
        SettingsError
            The images were scored at different thresholds.
        """
        thresholds = scores[0].thresholds
        if any(score.thresholds != thresholds for score in scores):
            raise SettingsError(
                "The images were scored at different thresholds; one list is needed for all. Score them again with one."
            )
        by_threshold = zip(*(score.scores for score in scores), strict=True)
        return cls(thresholds, tuple(type(of_all[0]).together(of_all) for of_all in by_threshold))


def over_thresholds(
    score: Callable[[np.ndarray, np.ndarray], ThresholdScore],
    cell_probability: Float[np.ndarray, "height width"],
    truth: Integer[np.ndarray, "_height _width"],
    thresholds: Sequence[float] = CHALLENGE_THRESHOLDS,
    cell_class: int = 1,
) -> BestOverThresholds:
    """Call a pixel cell where its probability is above a threshold, and score that map; for each threshold.

    Parameters
    ----------
    score
        Scores two class maps: ``RandError().from_class_maps``, that of ``VRand`` or ``VInfo``, or ``WarpingError()``. The best
        threshold has the least ``loss``. That of the warping error does not see a lost cell, so look at its
        ``warping_error`` too: a map that is membrane nearly everywhere has neither splits nor mergers.
    cell_probability, truth
        Probability of a cell, and true class map (H, W).
    thresholds
        One or more from 0 to 1.
    cell_class
        Class of the cells, as in the metric.

    Raises
    ------
    DataError
        The values are no probabilities, or the sizes differ.
    SettingsError
        No threshold came, or one that is not in 0..1.
    """
    if not thresholds or not all(0 <= threshold <= 1 for threshold in thresholds):
        raise SettingsError(f"thresholds are {tuple(thresholds)}; give one or more from 0 to 1.")
    if cell_probability.size and not (cell_probability.min() >= 0 and cell_probability.max() <= 1):
        raise DataError(
            f"The probabilities of a cell run from {cell_probability.min()} to {cell_probability.max()}; "
            "they may be 0 to 1. Give the soft-max of the cells' class, not logits or grey values."
        )
    scores = tuple(score(_cells(cell_probability > threshold, cell_class), truth) for threshold in thresholds)
    return BestOverThresholds(tuple(thresholds), scores)


def _cells(is_cell: np.ndarray, cell_class: int) -> UInt8[np.ndarray, "height width"]:
    """Class map of one class against any other."""
    return np.where(is_cell, cell_class, 0 if cell_class else 1).astype(np.uint8)
