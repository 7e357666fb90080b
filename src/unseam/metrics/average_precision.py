"""Average precision over IoU thresholds, as in common tools for nuclei and cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

from unseam.errors import SettingsError
from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Figure, Figures, Score, add_up, mean, ratio

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@cache
def _columns(thresholds: tuple[float, ...]) -> tuple[Column, ...]:
    """Describe the mean over the thresholds and each threshold. Of the thresholds a table shows only 0.5."""
    whole = "objects that match over all objects of both maps"
    every = f"{whole}, mean over the IoU {thresholds[0]:g} to {thresholds[-1]:g}"
    each = [Column(f"average_precision_{100 * t:g}", f"AP{100 * t:g}", f"{whole}, IoU above {t:g}", 1) for t in thresholds]
    shown = (replace(c, place_of_objects=3) if t == 0.5 else c for t, c in zip(thresholds, each, strict=True))
    return (Column("average_precision", "AP", every, 1, place_of_objects=4), *shown)


@dataclass(frozen=True)
class AveragePrecisionScore(Score):
    """Objects found, invented and missed at each threshold."""

    thresholds: tuple[float, ...]
    true_positives: tuple[int, ...]
    false_positives: tuple[int, ...]
    false_negatives: tuple[int, ...]

    @property
    def at(self) -> tuple[float, ...]:
        """TP / (TP + FP + FN) at each threshold; NaN where neither map has an object."""
        counts = zip(self.true_positives, self.false_positives, self.false_negatives, strict=True)
        return tuple(ratio(found, found + invented + missed) for found, invented, missed in counts)

    @property
    def mean(self) -> float:
        return mean(self.at)

    def figures(self) -> Figures:
        return tuple(zip(_columns(self.thresholds), (self.mean, *self.at), strict=True))

    @classmethod
    def pool(cls, scores: Sequence["AveragePrecisionScore"]) -> dict[str, Figure]:
        """Pool the objects of all images at each threshold, then divide, then average over the thresholds."""
        return replace(add_up(scores), thresholds=scores[0].thresholds).columns()


@dataclass(frozen=True)
class AveragePrecision(ObjectMetric[AveragePrecisionScore]):
    """TP / (TP + FP + FN) at a series of IoU thresholds, and its mean.

    Parameters
    ----------
    thresholds
        Each 0.5 or more and less than 1, ascending. A match lies *above* the threshold.

    Raises
    ------
    SettingsError
        There is no threshold, or one is out of range or out of order.

    **Source:** the Data Science Bowl 2018: Caicedo et al. (2019), Nature Methods 16:1247-1253; the same figure is
    "average precision" in StarDist (Schmidt et al. 2018, MICCAI) and Cellpose (Stringer et al. 2021, Nature Methods
    18:100-106). It is *not* the area under a precision-recall curve, COCO's "average precision": maps have no confidence
    for each object.

    **Departs:** the Data Science Bowl averaged over images. We pool the objects of all images, so that an image with one
    object does not weigh as much as one with a hundred.

    Examples
    --------
    One object is found with an IoU of 2 / 3 and one is missed: 1 / 2 up to 0.65, and 0 from 0.7.

    >>> import numpy as np
    >>> score = AveragePrecision()(np.array([[4, 4, 0, 0, 0]]), np.array([[1, 1, 1, 2, 2]]))
    >>> score.at[:5], round(score.mean, 3)
    ((0.5, 0.5, 0.5, 0.5, 0.0), 0.2)
    """

    pooling: ClassVar = "objects of all images together, at each threshold"

    thresholds: tuple[float, ...] = THRESHOLDS

    def __post_init__(self) -> None:
        in_range = all(0.5 <= threshold < 1 for threshold in self.thresholds)
        if not self.thresholds or not in_range or sorted(set(self.thresholds)) != list(self.thresholds):
            raise SettingsError(
                f"thresholds are {self.thresholds}. They may be 0.5 or more, and less than 1, in ascending order: below 0.5 an "
                "object could match two others. Give one or more."
            )

    def from_contingency(self, table: Contingency) -> AveragePrecisionScore:
        matches = [table.matched(threshold) for threshold in self.thresholds]
        found = tuple(int(some.size) for some in matches)
        invented = tuple(int(table.invented(table.predicted[some]).size) for some in matches)
        missed = tuple(table.num_truth_objects - number for number in found)
        return AveragePrecisionScore(self.thresholds, found, invented, missed)
