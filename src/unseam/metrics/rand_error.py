"""Pairs of pixels wrongly joined or parted: the Rand error of the ISBI 2012 challenge (sec. 4, table 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unseam.metrics.base import CellMetric
from unseam.metrics.components import within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Figure, Figures, Score, add_up, mean, ratio

_MEANING = "pairs of pixels wrongly joined or parted, 1 - F-score"
_ERROR = Column("rand_error", "Rand err", _MEANING, 0, place=11, place_of_objects=14, is_of_one_class=True)
_PRECISION = Column("rand_precision", "Rand precision", "share of the joined pairs of pixels that belong together", 1)
_RECALL = Column("rand_recall", "Rand recall", "share of the pairs of pixels of one cell that are joined", 1)
_INDEX = Column("rand_index_error", "Rand index err", "share of all pairs of pixels joined in one map only", 0)


@dataclass(frozen=True)
class RandScore(Score):
    """Numbers of unordered pairs of pixels.

    The first three count within the foreground of the truth; the last two over all annotated pixels.
    """

    num_together_in_both: int
    num_together_in_truth: int
    num_together_in_prediction: int
    num_disagreeing: int
    num_pairs: int

    @property
    def error(self) -> float:
        """1 - F-score of the foreground-restricted Rand index; NaN if no pair is together in either map."""
        return 1 - ratio(2 * self.num_together_in_both, self.num_together_in_truth + self.num_together_in_prediction)

    @property
    def precision(self) -> float:
        """Of the pairs that the prediction joins, the share that belongs together: low after mergers."""
        return ratio(self.num_together_in_both, self.num_together_in_prediction)

    @property
    def recall(self) -> float:
        """Of the pairs that belong together, the share that the prediction joins: low after splits."""
        return ratio(self.num_together_in_both, self.num_together_in_truth)

    @property
    def index_error(self) -> float:
        """Share of all pairs that one map joins and the other parts, background being a segment too."""
        return ratio(self.num_disagreeing, self.num_pairs)

    @property
    def loss(self) -> float:
        """The challenge picked its threshold by :attr:`error`."""
        return self.error

    def figures(self) -> Figures:
        """Give ``rand_error``, ``rand_precision``, ``rand_recall`` and ``rand_index_error``."""
        return (_ERROR, self.error), (_PRECISION, self.precision), (_RECALL, self.recall), (_INDEX, self.index_error)

    @classmethod
    def pool(cls, scores: Sequence["RandScore"]) -> dict[str, Figure]:
        """Average over the images: pooled, the pairs of the largest cells would outvote all others."""
        each = [score.columns() for score in scores]
        return {name: mean(columns[name] for columns in each) for name in each[0]}

    @classmethod
    def together(cls, scores: Sequence["RandScore"]) -> "RandScore":
        """Add up the pairs within each image, as the challenge did with its sections."""
        return add_up(scores)


@dataclass(frozen=True)
class RandError(CellMetric[RandScore]):
    """1 - F-score of the Rand index, restricted to the foreground of the truth (the "adapted Rand error").

    A pair of pixels is *together* where both have the same object. Pixels that are background in the truth
    are left out. Pixels that are background in the prediction but not in the truth are together with
    nothing: to call a cell's pixel membrane costs its pairs, and never counts as a merger.

    **Source:** the paper, sec. 4, table 1; Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142,
    doi:10.3389/fnana.2015.00142; the unrestricted index: Rand (1971), J. Am. Stat. Assoc. 66:846-850.

    **Departs:** the challenge thresholded the submitted probabilities and kept the best F-score of the pairs
    of all 30 sections together: that is :func:`unseam.metrics.over_thresholds`. When called, we score the one map that the
    network decided on, without picking a threshold by the truth, and average over images. The challenge's
    program also counts each pixel as a pair with itself, which changes little. It later
    replaced this score by :class:`VRand`, which thins the borders first; table 1 has the earlier one.

    Examples
    --------
    The truth has two cells of 2 px (2 pairs together); the prediction joins all 4 px (6 pairs): 1 - 2 * 2 /
    (2 + 6).

    >>> score = RandError()(np.array([[1, 1, 1, 1, 1]]), np.array([[1, 1, 0, 2, 2]]))
    >>> score.error, score.recall, round(score.precision, 3)
    (0.5, 1.0, 0.333)
    """

    pooling: ClassVar = "mean over images: pooled, the pairs of the largest cells would outvote all others"

    def from_contingency(self, table: Contingency) -> RandScore:
        """Score a table of ids that has been counted already."""
        in_both = _pairs(table.count)
        in_truth = _pairs(table.truth_sizes[1])
        in_prediction = _pairs(table.predicted_sizes[1])
        within = within_true_cells(table)
        ids, sizes = within.predicted_sizes
        return RandScore(
            num_together_in_both=_pairs(table.count[table.is_object_pair]),
            num_together_in_truth=_pairs(within.truth_sizes[1]),
            num_together_in_prediction=_pairs(sizes[ids > 0]),
            num_disagreeing=in_truth + in_prediction - 2 * in_both,
            num_pairs=_pairs([table.num_pixels]),
        )


def _pairs(sizes: np.ndarray | Iterable[int]) -> int:
    """Count the unordered pairs inside segments, in Python's integers: 2^33 px have too many for int64."""
    return sum(size * (size - 1) // 2 for size in map(int, sizes))
