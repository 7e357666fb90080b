"""SEG of the Cell Tracking Challenge: how well the prediction covers each true object (sec. 4, table 2)."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio

_SEG = Column("seg", "SEG", "mean IoU of each true object with its match, a missed one counts 0", 1, place_of_objects=1)


@dataclass(frozen=True)
class SEGScore(Counts):
    """Sum of the Jaccard indices of the true objects, and how many objects are matched and exist."""

    jaccard_sum: float
    num_matched: int
    num_objects: int

    @property
    def seg(self) -> float:
        """Mean Jaccard index over the true objects, 0 for those without a match; NaN without objects."""
        return ratio(self.jaccard_sum, self.num_objects)

    def figures(self) -> Figures:
        return ((_SEG, self.seg),)


@dataclass(frozen=True)
class SEG(ObjectMetric[SEGScore]):
    """Mean Jaccard index of the true objects and their matches.

    A predicted object matches a true one if it covers more than half of the *true* object; at most one can. A true object
    without a match counts 0. Predicted objects without a match cost nothing: ``ObjectScores`` counts those.

    **Source:** Maška et al. (2014), Bioinformatics 30:1609-1617; Ulman et al. (2017), Nature Methods 14:1141-1152. The "IoU"
    of the paper's table 2 (0.9203 for PhC-U373, 0.7756 for DIC-HeLa) is this measure.

    Examples
    --------
    A predicted object of 2 px covers 2 of the 3 px of object 1: 2 / 3. Only half of object 2 is covered: no match.

    >>> import numpy as np
    >>> score = SEG()(np.array([[5, 5, 0, 0, 7]]), np.array([[1, 1, 1, 2, 2]]))
    >>> round(score.seg, 3), score.num_matched, score.num_objects
    (0.333, 1, 2)
    """

    pooling: ClassVar = "true objects of all images together"

    def from_contingency(self, table: Contingency) -> SEGScore:
        is_match = table.covers_true_object
        return SEGScore(float(table.iou[is_match].sum()), int(is_match.sum()), table.num_truth_objects)
