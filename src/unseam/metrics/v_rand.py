"""V-Rand: pairs of pixels wrongly joined or parted, however thick the borders; what the ISBI 2012 challenge came to."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from unseam.metrics.base import CellMetric
from unseam.metrics.components import within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, Reads, ratio

_SCORE = Column("v_rand", "V-Rand", "pairs of pixels together as in the truth, thin borders", 1, place=18, is_of_one_class=True)
_SPLIT = Column("v_rand_split", "V-Rand split", "the same, low after splits", 1)
_MERGE = Column("v_rand_merge", "V-Rand merge", "the same, low after mergers", 1)


@dataclass(frozen=True)
class VRandScore(Counts):
    """Ordered pairs of pixels, each pixel also with itself, within the foreground of the truth."""

    together_in_both: int
    together_in_truth: int
    together_in_prediction: int

    @property
    def score(self) -> float:
        """F-score of :attr:`split` and :attr:`merge`, 1 for equal maps; NaN if the truth has no cell."""
        return ratio(2 * self.together_in_both, self.together_in_truth + self.together_in_prediction)

    @property
    def split(self) -> float:
        """Of the pairs that belong together, the share that the prediction joins: low after splits."""
        return ratio(self.together_in_both, self.together_in_truth)

    @property
    def merge(self) -> float:
        """Of the pairs that the prediction joins, the share that belongs together: low after mergers."""
        return ratio(self.together_in_both, self.together_in_prediction)

    @property
    def loss(self) -> float:
        """1 - :attr:`score`."""
        return 1 - self.score

    def figures(self) -> Figures:
        """Give ``v_rand``, ``v_rand_split`` and ``v_rand_merge``."""
        return (_SCORE, self.score), (_SPLIT, self.split), (_MERGE, self.merge)


@dataclass(frozen=True)
class VRand(CellMetric[VRandScore]):
    """F-score of the Rand index within the true cells, after the prediction's borders were made one px wide.

    With p(i, j) the share of pixels that are in segment i of the prediction and in cell j of the truth, s(i)
    and t(j) its sums over j and i, all within the cells of the truth::

        split = sum p(i, j)^2 / sum t(j)^2,    merge = sum p(i, j)^2 / sum s(i)^2,
        V-Rand = 2 sum p(i, j)^2 / (sum s(i)^2 + sum t(j)^2)

    A border pixel of the prediction is a segment of its own. So :class:`RandError` without thinning is 1 minus
    this without thinning, but that here each pixel makes a pair with itself, too.

    **Source:** Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142, doi:10.3389/fnana.2015.00142,
    "foreground-restricted Rand scoring after border thinning", with equal weights for splits and mergers.
    What a border pixel counts as, and that a watershed thins, as in the challenge's own program,
    ``trainableSegmentation.metrics.RandError`` of Fiji. Not in the U-Net paper: the challenge changed to it
    later.

    **Departs:** what the watershed runs on is not said there; ours runs on the distance to the cells.

    Examples
    --------
    A thick border costs nothing, a missing one joins 4 and 4 px: 2 (4² + 4²) / (8² + 4² + 4²).

    >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2]])
    >>> VRand()(np.array([[1, 1, 1, 0, 0, 0, 2, 2, 2]]), truth).score
    1.0
    >>> round(VRand()(np.ones((1, 9), int), truth).score, 3)
    0.667
    """

    reads: ClassVar[Reads] = Reads.THIN_CELLS
    pooling: ClassVar = "pairs within each image, added up, as the challenge did with its sections"

    is_thinned: bool = True

    def from_contingency(self, table: Contingency) -> VRandScore:
        """Score a table of ids that has been counted already; nothing is thinned."""
        within = within_true_cells(table)
        num_border = int(within.count[within.predicted == 0].sum())
        ids, sizes = within.predicted_sizes
        return VRandScore(
            together_in_both=_squares(within.count[within.predicted > 0]) + num_border,
            together_in_truth=_squares(within.truth_sizes[1]),
            together_in_prediction=_squares(sizes[ids > 0]) + num_border,
        )


def _squares(sizes: Int[np.ndarray, " segments"]) -> int:
    """Add up squares in Python's integers."""
    return sum(size * size for size in map(int, sizes))
