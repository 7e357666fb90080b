"""Pairs of pixels wrongly joined or parted: the Rand error of the ISBI 2012 challenge (sec. 4, table 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import CellMetric
from unseam.metrics.components import segments_within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Figure, Figures, Score, add_up, mean, ratio

_MEANING = "pairs of pixels wrongly joined or parted, 1 - F-score"
_ERROR = Column("rand_error", "Rand err", _MEANING, 0, place=11, place_of_objects=14, is_of_one_class=True)
_PRECISION = Column("rand_precision", "Rand precision", "share of the joined pairs of pixels that belong together", 1)
_RECALL = Column("rand_recall", "Rand recall", "share of the pairs of pixels of one cell that are joined", 1)
_INDEX = Column("rand_index_error", "Rand index err", "share of all pairs of pixels joined in one map only", 0)


@dataclass(frozen=True)
class RandScore(Score):
    """Numbers of unordered pairs of pixels: three within the foreground of the truth, two over all annotated pixels."""

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
        """Share of the predicted pairs that are truly joined: low after mergers."""
        return ratio(self.num_together_in_both, self.num_together_in_prediction)

    @property
    def recall(self) -> float:
        """Share of the truly joined pairs that the prediction joins: low after splits."""
        return ratio(self.num_together_in_both, self.num_together_in_truth)

    @property
    def index_error(self) -> float:
        """Share of all pairs that only one map joins. Here the background is a segment too."""
        return ratio(self.num_disagreeing, self.num_pairs)

    @property
    def loss(self) -> float:
        """The challenge picked its threshold by :attr:`error`."""
        return self.error

    def figures(self) -> Figures:
        return (_ERROR, self.error), (_PRECISION, self.precision), (_RECALL, self.recall), (_INDEX, self.index_error)

    @classmethod
    def pool(cls, scores: Sequence["RandScore"]) -> dict[str, Figure]:
        each = [score.columns() for score in scores]
        return {name: mean(columns[name] for columns in each) for name in each[0]}

    @classmethod
    def together(cls, scores: Sequence["RandScore"]) -> "RandScore":
        return add_up(scores)  # pairs within each image, as the challenge did with its sections


@dataclass(frozen=True)
class RandError(CellMetric[RandScore]):
    """1 - F-score of the Rand index, restricted to the foreground of the truth (the "adapted Rand error").

    A pair of pixels is *together* in a map where both have the same object. Background pixels of the truth are left out.
    Pixels that are background only in the prediction are together with nothing. So a cell pixel predicted as membrane costs
    its pairs, and never counts as a merger.

    **Source:** the paper, sec. 4, table 1; Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142,
    doi:10.3389/fnana.2015.00142; the unrestricted index: Rand (1971), J. Am. Stat. Assoc. 66:846-850.

    **Departs:** the challenge thresholded the submitted probabilities and kept the best F-score of the pairs of all 30
    sections together: that is :func:`unseam.metrics.over_thresholds`. The call scores the one map that the network predicts,
    without choosing a threshold by the truth, and pooling averages over images. The challenge's program also pairs each
    pixel with itself, which changes little. The challenge later replaced this score by :class:`VRand`, which thins the
    borders first; table 1 has the earlier one.

    Examples
    --------
    The truth has two cells of 2 px (2 pairs together). The prediction joins all 4 px (6 pairs): 1 - 2 * 2 / (2 + 6).

    >>> import numpy as np
    >>> score = RandError()(np.array([[1, 1, 1, 1, 1]]), np.array([[1, 1, 0, 2, 2]]))
    >>> score.error, score.recall, round(score.precision, 3)
    (0.5, 1.0, 0.333)
    """

    pooling: ClassVar = "mean over images: pooled, the pairs of the largest cells would outvote all others"

    def from_contingency(self, table: Contingency) -> RandScore:
        pairs_in_both = _pairs(table.count)
        disagreeing = _pairs(table.truth_sizes[1]) + _pairs(table.predicted_sizes[1]) - 2 * pairs_in_both
        in_both, in_truth, in_prediction, _ = segments_within_true_cells(table)
        return RandScore(_pairs(in_both), _pairs(in_truth), _pairs(in_prediction), disagreeing, _pairs([table.num_pixels]))


def _pairs(sizes: Iterable[int]) -> int:
    """Count the unordered pairs inside segments, in Python's integers: the pairs of 2^33 px overflow int64."""
    return sum(size * (size - 1) // 2 for size in map(int, sizes))
