"""V-Info: how much the predicted cells tell about the true ones, however thick the borders; beside V-Rand."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from unseam.metrics.base import CellMetric
from unseam.metrics.components import within_true_cells
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import NOTHING_TO_SCORE, Column, Counts, Figures, Reads, ratio

_SCORE = Column("v_info", "V-Info", "what the cells tell about the true ones, thin borders", 1, place=19, is_of_one_class=True)
_SPLIT = Column("v_info_split", "V-Info split", "the same, low after splits", 1)
_MERGE = Column("v_info_merge", "V-Info merge", "the same, low after mergers", 1)


@dataclass(frozen=True)
class VInfoScore(Counts):
    """Bits a pixel, within the foreground of the truth; sums over images, once some were added up."""

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
        """Of what the prediction tells, the share that is true: low after splits."""
        return self._share(self.mutual, self.entropy_of_prediction)

    @property
    def merge(self) -> float:
        """Of what there is to tell, the share that the prediction tells: low after mergers."""
        return self._share(self.mutual, self.entropy_of_truth)

    @property
    def loss(self) -> float:
        """1 - :attr:`score`."""
        return 1 - self.score

    def figures(self) -> Figures:
        """Give ``v_info``, ``v_info_split`` and ``v_info_merge``."""
        return (_SCORE, self.score), (_SPLIT, self.split), (_MERGE, self.merge)

    def _share(self, part: float, whole: float) -> float:
        """Divide; one segment alone tells nothing, and there is nothing to tell: all of it."""
        if not self.num_pixels:
            return NOTHING_TO_SCORE
        return ratio(part, whole) if whole > 0 else 1.0


@dataclass(frozen=True)
class VInfo(CellMetric[VInfoScore]):
    """F-score of the information within the true cells, after the prediction's borders were made one px wide.

    With S the segment and T the true cell of a pixel drawn at random from the cells of the truth, H the
    entropy and I the mutual information::

        split = I(S; T) / H(S),    merge = I(S; T) / H(T),    V-Info = 2 I(S; T) / (H(S) + H(T))

    A border pixel of the prediction is a segment of its own.

    **Source:** Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142, doi:10.3389/fnana.2015.00142,
    "foreground-restricted information theoretic scoring after border thinning", with equal weights for splits
    and mergers. What a border pixel counts as, and that a watershed thins, as in the challenge's own program,
    ``trainableSegmentation.metrics.VariationOfInformation`` of Fiji. Not in the U-Net paper: the challenge
    changed to it later.

    **Departs:** what the watershed runs on is not said there; ours runs on the distance to the cells.

    Examples
    --------
    One bit tells two cells of one size apart. A prediction that joins them tells none of it; one that parts
    each once more tells it along with a second, untrue bit.

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
        """Score a table of ids that has been counted already; nothing is thinned."""
        within = within_true_cells(table)
        num_border = int(within.count[within.predicted == 0].sum())
        ids, sizes = within.predicted_sizes
        alone = np.ones(num_border, np.int64)
        of_truth = _entropy(within.truth_sizes[1])
        of_prediction = _entropy(np.concatenate([sizes[ids > 0], alone]))
        of_both = _entropy(np.concatenate([within.count[within.predicted > 0], alone]))
        mutual = max(0.0, of_truth + of_prediction - of_both)  # rounding may leave it a little below
        return VInfoScore(mutual, of_truth, of_prediction, within.num_pixels)


def _entropy(sizes: Int[np.ndarray, " segments"]) -> float:
    """Bits that it takes to name the segment of a pixel; 0 of no pixel."""
    if not sizes.size:
        return 0.0
    share = sizes / sizes.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0  # no minus zero
