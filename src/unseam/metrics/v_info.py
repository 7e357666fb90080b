"""V-Info: how much information the predicted cells give about the true ones, whatever the thickness of the borders."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from unseam.metrics.base import CellMetric
from unseam.metrics.components import segments_within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import NOTHING_TO_SCORE, Column, Counts, Figures, Reads, ratio

_MEANING = "share of the information about the true cells, thin borders"
_SCORE = Column("v_info", "V-Info", _MEANING, 1, place=19, is_of_one_class=True)
_SPLIT = Column("v_info_split", "V-Info split", "the same, low after splits", 1)
_MERGE = Column("v_info_merge", "V-Info merge", "the same, low after mergers", 1)


@dataclass(frozen=True)
class VInfoScore(Counts):
    """Bits per pixel within the foreground of the truth. Adding scores up adds the bits per pixel of the images."""

    mutual: float
    entropy_of_truth: float
    entropy_of_prediction: float
    num_pixels: int

    @property
    def score(self) -> float:
        """F-score of :attr:`split` and :attr:`merge`, 1 for equal maps; NaN if the truth has no cell."""
        return self._share(2 * self.mutual, self.entropy_of_truth + self.entropy_of_prediction)

    @property
    def split(self) -> float:
        """Share of the predicted information that is true: low after splits."""
        return self._share(self.mutual, self.entropy_of_prediction)

    @property
    def merge(self) -> float:
        """Share of the true information that is predicted: low after mergers."""
        return self._share(self.mutual, self.entropy_of_truth)

    @property
    def loss(self) -> float:
        return 1 - self.score

    def figures(self) -> Figures:
        return (_SCORE, self.score), (_SPLIT, self.split), (_MERGE, self.merge)

    def _share(self, part: float, whole: float) -> float:
        if not self.num_pixels:
            return NOTHING_TO_SCORE
        return ratio(part, whole) if whole > 0 else 1.0  # a single segment holds no information, so none can be missing


@dataclass(frozen=True)
class VInfo(CellMetric[VInfoScore]):
    """F-score of the information within the true cells, after the prediction's borders are made one px wide.

    With S the segment and T the true cell of a pixel drawn at random from the cells of the truth, H the entropy and I the
    mutual information::

        split = I(S; T) / H(S),    merge = I(S; T) / H(T),    V-Info = 2 I(S; T) / (H(S) + H(T))

    Each border pixel of the prediction is a separate segment.

    **Source:** Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142, doi:10.3389/fnana.2015.00142,
    "foreground-restricted information theoretic scoring after border thinning", with equal weights for splits and mergers.
    The treatment of border pixels and the thinning by a watershed follow the challenge's program,
    ``trainableSegmentation.metrics.VariationOfInformation`` of Fiji. Not in the U-Net paper: the challenge changed to it
    later.

    **Departs:** the source does not say what the watershed runs on; ours runs on the distance to the cells.

    Examples
    --------
    Two cells of equal size carry one bit. A prediction that joins them carries none of it. A prediction that splits each of
    them once carries it, together with a second bit that is not in the truth.

    >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2]])
    >>> VInfo()(np.ones((1, 9), int), truth).score
    0.0
    >>> score = VInfo()(np.array([[1, 1, 2, 2, 0, 3, 3, 4, 4]]), truth)
    >>> round(score.score, 3), score.split, score.merge
    (0.667, 0.5, 1.0)
    """

    reads: ClassVar[Reads] = Reads.THIN_CELLS
    pooling: ClassVar = "bits per pixel of each image, added up, so that small images weigh as much as large ones"

    is_thinned: bool = True

    def from_contingency(self, table: Contingency) -> VInfoScore:
        in_both, in_truth, in_prediction, num_border = segments_within_true_cells(table)
        # A border pixel lies in one true cell, so it is a segment of 1 px in the prediction and in the pairs alike.
        alone = np.ones(num_border, np.int64)
        of_truth = _entropy(in_truth)
        of_prediction = _entropy(np.concatenate([in_prediction, alone]))
        of_both = _entropy(np.concatenate([in_both, alone]))
        # I(S; T) = H(S) + H(T) - H(S, T) is never negative. Rounding can leave it just below 0, and so the score.
        mutual = max(0.0, of_truth + of_prediction - of_both)
        return VInfoScore(mutual, of_truth, of_prediction, int(in_truth.sum()))


def _entropy(sizes: Int[np.ndarray, " segments"]) -> float:
    """Return the bits needed to name the segment of a pixel; 0 without pixels."""
    if not sizes.size:
        return 0.0
    share = sizes / sizes.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0  # one segment gives -0.0, which adding 0 turns into 0.0
