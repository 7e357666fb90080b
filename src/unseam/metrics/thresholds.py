"""The best score over several thresholds of a probability: how the ISBI 2012 challenge scored its entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from unseam.errors import DataError, SettingsError
from unseam.metrics.contingency import TrueMap
from unseam.metrics.score import Figure

CHALLENGE_THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The challenge called a pixel a cell if its probability of a cell was above each of these in turn."""


class ThresholdScore(Protocol):
    """A score that can be added up over images. The best threshold has the least ``loss``; NaN if nothing can be scored."""

    @property
    def loss(self) -> float: ...

    def columns(self) -> dict[str, Figure]: ...

    @classmethod
    def together(cls, scores: Sequence[Any]) -> Any: ...


@dataclass(frozen=True)
class BestOverThresholds:
    """Scores of one image at each threshold; the figures are those of the best one.

    The best threshold is chosen by the truth, so the figure is too good: it shows how good the probabilities could be.
    Compare it with the challenge's figures, not with those of a predicted map.
    """

    thresholds: tuple[float, ...]
    scores: tuple[Any, ...]

    @property
    def best(self) -> int:
        """Index of the threshold with the least loss; the lowest of several; 0 if there is nothing to score."""
        losses = [score.loss for score in self.scores]
        return int(np.nanargmin(losses)) if not np.isnan(losses).all() else 0

    @property
    def threshold(self) -> float:
        return self.thresholds[self.best]

    @property
    def score(self) -> Any:
        """The score at the best threshold."""
        return self.scores[self.best]

    def columns(self) -> dict[str, Figure]:
        """Return the columns of the best score, each name after ``best_``, and the threshold."""
        columns = self.score.columns()
        first = next(iter(columns))
        named: dict[str, Figure] = {f"best_{name}": value for name, value in columns.items()}
        return named | {f"best_{first}_threshold": self.threshold}

    @classmethod
    def pool(cls, scores: Sequence["BestOverThresholds"]) -> dict[str, Figure]:
        """Add up all images at each threshold, and choose one threshold for all, as the challenge did."""
        return cls.together(scores).columns()

    @classmethod
    def together(cls, scores: Sequence["BestOverThresholds"]) -> "BestOverThresholds":
        """Add up all images at each threshold. Raise SettingsError if the images have different thresholds."""
        thresholds = scores[0].thresholds
        if any(score.thresholds != thresholds for score in scores):
            raise SettingsError("The images have different thresholds; all need the same list. Score them again with one list.")
        by_threshold = zip(*(score.scores for score in scores), strict=True)
        return cls(thresholds, tuple(type(of_all[0]).together(of_all) for of_all in by_threshold))


def over_thresholds(
    score: Callable[[np.ndarray, np.ndarray], ThresholdScore],
    cell_probability: Float[np.ndarray, "height width"],
    truth: TrueMap,
    thresholds: Sequence[float] = CHALLENGE_THRESHOLDS,
    cell_class: int = 1,
) -> BestOverThresholds:
    """Score the map of pixels whose probability of a cell is above a threshold, for each threshold.

    Parameters
    ----------
    score
        Function that scores two class maps: ``WarpingError()``, or ``from_class_maps`` of ``RandError()``, ``VRand()`` or
        ``VInfo()``. The best threshold has the least ``loss``. The loss of the warping error ignores lost cells, so look at
        its ``warping_error`` too: a map of almost only membrane has neither splits nor mergers.
    cell_probability, truth
        Probability of a cell, and true class map (H, W).
    thresholds
        One or more from 0 to 1.
    cell_class
        Class of the cells, as in the metric.

    Raises
    ------
    DataError
        The values are not probabilities, or the sizes differ.
    SettingsError
        There is no threshold, or one is not in 0..1.
    """
    if not thresholds or not all(0 <= threshold <= 1 for threshold in thresholds):
        raise SettingsError(f"thresholds are {tuple(thresholds)}. They may be 0 to 1. Give one or more.")
    if cell_probability.size and not (cell_probability.min() >= 0 and cell_probability.max() <= 1):
        raise DataError(
            f"The probabilities of a cell run from {cell_probability.min()} to {cell_probability.max()}. They may be 0 to 1. "
            "Give the soft-max of the class of the cells, not logits or grey values."
        )
    other_class = 0 if cell_class else 1
    maps = (np.where(cell_probability > threshold, cell_class, other_class).astype(np.uint8) for threshold in thresholds)
    return BestOverThresholds(tuple(thresholds), tuple(score(class_map, truth) for class_map in maps))
