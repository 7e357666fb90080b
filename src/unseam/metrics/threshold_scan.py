"""The effect of other thresholds on the probability: overlap, precision and recall at a hundred of them."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from unseam.metrics.probability_maps import ProbabilityMetric
from unseam.metrics.score import NOTHING_TO_SCORE, Column, Counts, Figures, ratio
from unseam.shapes import IGNORE

NUM_STEPS = 100


class ThresholdPoint(NamedTuple):
    """Scores if all pixels above the threshold are foreground."""

    threshold: float
    dice: float
    iou: float
    precision: float
    recall: float


_DICE = Column("best_dice", "best Dice", "Dice of the foreground at the best threshold, chosen by the truth", 1)
_THRESHOLD = Column("best_threshold", "threshold", "the threshold with that Dice", None, decimals=2)


@dataclass(frozen=True)
class ThresholdScanScore(Counts):
    """Pixels of the true foreground and background, by how many of the thresholds 0, 0.01, .. 0.99 they lie above."""

    foreground: tuple[int, ...]
    background: tuple[int, ...]

    @property
    def points(self) -> tuple[ThresholdPoint, ...]:
        """The scores at each threshold 0, 0.01, .. 0.99."""
        found, made_up = self._above()
        return tuple(self._point(step, *counts) for step, counts in enumerate(zip(found, made_up, strict=True)))

    @property
    def best(self) -> ThresholdPoint:
        """The point with the largest Dice; among equals the one nearest to 0.5. NaN without true foreground."""
        if not sum(self.foreground):
            return ThresholdPoint(*(NOTHING_TO_SCORE,) * 5)
        # A bootstrap needs this a thousand times, so it does not build all the points.
        found, made_up = (np.array(counts) for counts in self._above())
        dice = 2 * found / (sum(self.foreground) + found + made_up)
        from_the_middle = np.abs(2 * np.arange(NUM_STEPS) - NUM_STEPS)
        step = int(np.lexsort((from_the_middle, -dice))[0])
        return self._point(step, int(found[step]), int(made_up[step]))

    def figures(self) -> Figures:
        best = self.best
        return (_DICE, best.dice), (_THRESHOLD, best.threshold)

    def _above(self) -> tuple[list[int], list[int]]:
        """Count the pixels above each threshold, of the true foreground and of the background."""
        foreground, background = (np.cumsum(levels[::-1])[::-1][1:].tolist() for levels in (self.foreground, self.background))
        return foreground, background

    def _point(self, step: int, both: int, wrong: int) -> ThresholdPoint:
        true = sum(self.foreground)
        dice, iou = ratio(2 * both, true + both + wrong), ratio(both, true + wrong)
        return ThresholdPoint(step / NUM_STEPS, dice, iou, precision=ratio(both, both + wrong), recall=ratio(both, true))


@dataclass(frozen=True)
class ThresholdScan(ProbabilityMetric[ThresholdScanScore]):
    """Dice of the foreground at the best of the thresholds 0, 0.01, .. 0.99, and that threshold.

    A pixel is foreground if the probabilities of all classes except the background add up to more than the threshold. The
    best threshold is chosen by the truth, so its Dice is a little too good. It shows what another threshold could gain; do
    not publish it as a score.

    **Source:** the ISBI 2012 challenge scored over thresholds: Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy
    9:142.

    Examples
    --------
    >>> probabilities = np.array([[[0.9, 0.7, 0.6]], [[0.1, 0.3, 0.4]]], np.float32)
    >>> score = ThresholdScan()(probabilities, np.array([[0, 1, 1]]))
    >>> score.best.dice, score.best.threshold
    (1.0, 0.3)
    """

    pooling: ClassVar = "pixels of all images together; one threshold for all"

    def _score(self, probabilities: np.ndarray, truth: np.ndarray) -> ThresholdScanScore:
        likelihood = probabilities[1:].sum(axis=0, dtype=np.float64)
        level = np.clip(np.ceil(NUM_STEPS * likelihood), 0, NUM_STEPS).astype(np.int64)
        parts = (level[(truth > 0) & (truth != IGNORE)], level[truth == 0])
        return ThresholdScanScore(*(tuple(np.bincount(part, minlength=NUM_STEPS + 1).tolist()) for part in parts))
