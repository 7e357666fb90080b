"""What another threshold on the probability would have given: overlap, precision and recall at a hundred and one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Integer

from unseam.metrics.probability_maps import check_probabilities
from unseam.metrics.score import NOTHING_TO_SCORE, Column, Figure, Figures, Reads, Score, ratio
from unseam.shapes import IGNORE

NUM_STEPS = 100


class ThresholdPoint(NamedTuple):
    """What taking all pixels above a threshold for foreground gives."""

    threshold: float
    dice: float
    iou: float
    precision: float
    recall: float


_DICE = Column("best_dice", "best Dice", "Dice of the foreground at the best threshold, chosen by the truth", 1)
_THRESHOLD = Column("best_threshold", "threshold", "the threshold with that Dice", None, decimals=2)


@dataclass(frozen=True)
class ThresholdScanScore(Score):
    """Pixels of the true foreground and background by how many of the thresholds 0, 0.01, .. 0.99 they lie above."""

    foreground: tuple[int, ...]
    background: tuple[int, ...]

    @property
    def points(self) -> tuple[ThresholdPoint, ...]:
        """Dice, IoU, precision and recall at each threshold 0, 0.01, .. 0.99."""
        found, made_up = self._above()
        return tuple(self._point(step, *counts) for step, counts in enumerate(zip(found, made_up, strict=True)))

    @property
    def best(self) -> ThresholdPoint:
        """The point of the largest Dice; among equals the one nearest to 0.5. NaN without true foreground."""
        if not sum(self.foreground):
            return ThresholdPoint(*(NOTHING_TO_SCORE,) * 5)
        found, made_up = (np.array(counts) for counts in self._above())
        dice = 2 * found / (sum(self.foreground) + found + made_up)
        from_the_middle = np.abs(2 * np.arange(NUM_STEPS) - NUM_STEPS)
        step = int(np.lexsort((from_the_middle, -dice))[0])  # a bootstrap asks for it a thousand times
        return self._point(step, int(found[step]), int(made_up[step]))

    def figures(self) -> Figures:
        """Give ``best_dice`` and ``best_threshold``."""
        best = self.best
        return (_DICE, best.dice), (_THRESHOLD, best.threshold)

    def _above(self) -> tuple[list[int], list[int]]:
        """Pixels above each threshold: of the true foreground, and of the background."""
        foreground, background = (np.cumsum(levels[::-1])[::-1][1:].tolist() for levels in (self.foreground, self.background))
        return foreground, background

    def _point(self, step: int, both: int, wrong: int) -> ThresholdPoint:
        true = sum(self.foreground)
        return ThresholdPoint(
            threshold=step / NUM_STEPS,
            dice=ratio(2 * both, true + both + wrong),
            iou=ratio(both, true + wrong),
            precision=ratio(both, both + wrong),
            recall=ratio(both, true),
        )

    @classmethod
    def together(cls, scores: Sequence["ThresholdScanScore"]) -> "ThresholdScanScore":
        """The score of all images as one: one threshold for all."""
        sums = (np.sum([getattr(score, name) for score in scores], axis=0) for name in ("foreground", "background"))
        return cls(*(tuple(part.tolist()) for part in sums))

    @classmethod
    def pool(cls, scores: Sequence["ThresholdScanScore"]) -> dict[str, Figure]:
        """Pool the pixels of all images; the best threshold is one for all of them."""
        return cls.together(scores).columns()


@dataclass(frozen=True)
class ThresholdScan:
    """Dice of the foreground at the best of the thresholds 0, 0.01, .. 0.99, and that threshold.

    Foreground is where the probabilities of all classes but the background add up to more than the threshold. The best
    threshold is chosen by the truth, so its Dice is a little too good: it tells what a threshold could gain, and is
    no score to publish.

    **Source:** the way of thresholds is that of the ISBI 2012 challenge: Arganda-Carreras et al. (2015), Frontiers in
    Neuroanatomy 9:142.

    Examples
    --------
    >>> probabilities = np.array([[[0.9, 0.7, 0.6]], [[0.1, 0.3, 0.4]]], np.float32)
    >>> score = ThresholdScan()(probabilities, np.array([[0, 1, 1]]))
    >>> score.best.dice, score.best.threshold
    (1.0, 0.3)
    """

    reads: ClassVar = Reads.PROBABILITIES
    pooling: ClassVar = "pixels of all images together; one threshold for all"

    def __call__(
        self,
        probabilities: Float[np.ndarray, "classes height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> ThresholdScanScore:
        """Scan probabilities against a class map; pixels that nobody annotated do not count.

        Raises
        ------
        DataError
            The two differ in size, or the values are no probabilities.
        LabelError
            The truth has a class that the probabilities lack.
        """
        check_probabilities(probabilities, truth)
        likelihood = probabilities[1:].sum(axis=0, dtype=np.float64)
        level = np.clip(np.ceil(NUM_STEPS * likelihood), 0, NUM_STEPS).astype(np.int64)
        parts = (level[truth == 0], level[(truth > 0) & (truth != IGNORE)])
        background, foreground = (tuple(np.bincount(part, minlength=NUM_STEPS + 1).tolist()) for part in parts)
        return ThresholdScanScore(foreground, background)
