"""V-Rand: pairs of pixels wrongly joined or parted, whatever the thickness of the borders; the later score of ISBI 2012."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import CellMetric
from unseam.metrics.components import segments_within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, Reads, ratio

_SCORE = Column("v_rand", "V-Rand", "pairs of pixels together as in the truth, thin borders", 1, place=18, is_of_one_class=True)
_SPLIT = Column("v_rand_split", "V-Rand split", "the same, low after splits", 1)
_MERGE = Column("v_rand_merge", "V-Rand merge", "the same, low after mergers", 1)


@dataclass(frozen=True)
class VRandScore(Counts):
    """Numbers of ordered pairs of pixels within the foreground of the truth. Each pixel also pairs with itself."""

    together_in_both: int
    together_in_truth: int
    together_in_prediction: int

    @property
    def score(self) -> float:
        """F-score of :attr:`split` and :attr:`merge`, 1 for equal maps; NaN if the truth has no cell."""
        return ratio(2 * self.together_in_both, self.together_in_truth + self.together_in_prediction)

    @property
    def split(self) -> float:
        """Share of the truly joined pairs that the prediction joins: low after splits."""
        return ratio(self.together_in_both, self.together_in_truth)

    @property
    def merge(self) -> float:
        """Share of the predicted pairs that are truly joined: low after mergers."""
        return ratio(self.together_in_both, self.together_in_prediction)

    @property
    def loss(self) -> float:
        return 1 - self.score

    def figures(self) -> Figures:
        return (_SCORE, self.score), (_SPLIT, self.split), (_MERGE, self.merge)


@dataclass(frozen=True)
class VRand(CellMetric[VRandScore]):
    """F-score of the Rand index within the true cells, after the prediction's borders are made one px wide.

    With p(i, j) the share of pixels that are in segment i of the prediction and in cell j of the truth, s(i) and t(j) its
    sums over j and i, all within the cells of the truth::

        split = sum p(i, j)^2 / sum t(j)^2,    merge = sum p(i, j)^2 / sum s(i)^2,
        V-Rand = 2 sum p(i, j)^2 / (sum s(i)^2 + sum t(j)^2)

    Each border pixel of the prediction is a separate segment. Without thinning, V-Rand is 1 - :class:`RandError`, except
    that V-Rand also pairs each pixel with itself.

    **Source:** Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142, doi:10.3389/fnana.2015.00142,
    "foreground-restricted Rand scoring after border thinning", with equal weights for splits and mergers. The treatment of
    border pixels and the thinning by a watershed follow the challenge's program, ``trainableSegmentation.metrics.RandError``
    of Fiji. Not in the U-Net paper: the challenge changed to it later.

    **Departs:** the source does not say what the watershed runs on; ours runs on the distance to the cells.

    Examples
    --------
    A thick border costs nothing. A missing border joins 4 and 4 px: 2 (4² + 4²) / (8² + 4² + 4²).

    >>> import numpy as np
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
        in_both, in_truth, in_prediction, num_border = segments_within_true_cells(table)
        # A border pixel is a segment of 1 px: it pairs with itself in the prediction and in both. Adding the number avoids
        # an entry per pixel.
        return VRandScore(_squares(in_both) + num_border, _squares(in_truth), _squares(in_prediction) + num_border)


def _squares(sizes: Iterable[int]) -> int:
    return sum(size * size for size in map(int, sizes))  # Python's integers: the squares of large images overflow int64
