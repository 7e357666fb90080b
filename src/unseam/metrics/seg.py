"""SEG of the Cell Tracking Challenge: how well each true object was found (sec. 4, table 2)."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio

_SEG = Column("seg", "SEG", "mean IoU of each true object with its match, a missed one counts 0", 1, place_of_objects=1)


@dataclass(frozen=True)
class SEGScore(Counts):
    """Sum of the true objects' Jaccard indices, how many of them were matched, and how many there are."""

    jaccard_sum: float
    num_matched: int
    num_objects: int

    @property
    def seg(self) -> float:
        """Mean Jaccard index over the true objects, those without a match counting 0; NaN without objects."""
        return ratio(self.jaccard_sum, self.num_objects)

    def figures(self) -> Figures:
        """Give ``seg``."""
        return ((_SEG, self.seg),)


@dataclass(frozen=True)
class SEG(ObjectMetric[SEGScore]):
    """Mean Jaccard index of the true objects and their matches.

    A predicted object matches a true one if it covers more than half of the *true* object; at most one can.
    A true object without a match counts 0. Predicted objects that match nothing cost nothing: see
    ``ObjectScores`` for those.

    **Source:** Maška et al. (2014), Bioinformatics 30:1609-1617; Ulman et al. (2017), Nature Methods
    14:1141-1152. The "IoU" of the paper's table 2 (0.9203 for PhC-U373, 0.7756 for DIC-HeLa) is this
    measure.

    Examples
    --------
    Object 1 (3 px) is covered by 2 px of an object of 2: 2 / 3. Object 2 (2 px) is covered by half, which
    is no match.

    >>> import numpy as np
    >>> score = SEG()(np.array([[5, 5, 0, 0, 7]]), np.array([[1, 1, 1, 2, 2]]))
    >>> round(score.seg, 3), score.num_matched, score.num_objects
    (0.333, 1, 2)
    """

    pooling: ClassVar = "true objects of all images together"

    def from_contingency(self, table: Contingency) -> SEGScore:
        """Score a table of ids that has been counted already."""
        is_match = table.is_object_pair & (2 * table.count > table.truth_size_of_pair)
        return SEGScore(
            jaccard_sum=float(table.iou[is_match].sum()),
            num_matched=int(is_match.sum()),
            num_objects=int((table.truth_sizes[0] > 0).sum()),
        )
