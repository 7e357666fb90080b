"""IoU, Dice, precision and recall of each class, pixel by pixel: four quotients of the same three counts."""

from dataclasses import dataclass
from typing import ClassVar

from unseam.metrics.base import PixelMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, class_figures, mean, ratios
from unseam.shapes import IGNORE

_IOU = Column("iou", "IoU", "shared pixels over the pixels of both together", 1, place=8, place_of_objects=12)
_DICE = Column("dice", "Dice", "twice the shared pixels over the sum of both", 1, place=9, place_of_objects=13)
_PRECISION = Column("pixel_precision", "precision", "share of the predicted pixels that are right", 1, place=13)
_RECALL = Column("pixel_recall", "recall", "share of the true pixels that were found", 1, place=14)


@dataclass(frozen=True)
class OverlapScore(Counts):
    """Annotated pixels of each class 0..K-1: in both maps, in the prediction, in the truth."""

    both: tuple[int, ...]
    predicted: tuple[int, ...]
    truth: tuple[int, ...]

    @property
    def iou(self) -> tuple[float, ...]:
        """Pixels in both maps over pixels in either, per class; NaN for a class that neither map has."""
        return ratios(self.both, [p + t - b for b, p, t in zip(self.both, self.predicted, self.truth, strict=True)])

    @property
    def dice(self) -> tuple[float, ...]:
        """Twice the pixels in both maps over the sum of both maps, per class; NaN for a class that neither map has."""
        return ratios([2 * b for b in self.both], [p + t for p, t in zip(self.predicted, self.truth, strict=True)])

    @property
    def precision(self) -> tuple[float, ...]:
        """Share of the predicted pixels of each class that are right; NaN for a class that is not predicted."""
        return ratios(self.both, self.predicted)

    @property
    def recall(self) -> tuple[float, ...]:
        """Share of the true pixels of each class that are predicted; NaN for a class that is not in the truth."""
        return ratios(self.both, self.truth)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes 1..K-1 that either map has; NaN if neither map has any of them."""
        return mean(self.iou[1:])

    @property
    def mean_dice(self) -> float:
        return mean(self.dice[1:])

    @property
    def num_classes(self) -> int:
        """K, background included."""
        return len(self.both)

    def for_classes(self, num_classes: int) -> "OverlapScore":
        """Return the same score with further classes, which neither map has."""
        none = (0,) * (num_classes - len(self.both))
        return OverlapScore(self.both + none, self.predicted + none, self.truth + none)

    def figures(self) -> Figures:
        return (
            *class_figures(_IOU, self.mean_iou, self.iou, shows_each=True),
            *class_figures(_DICE, self.mean_dice, self.dice),
            *class_figures(_PRECISION, mean(self.precision[1:]), self.precision),
            *class_figures(_RECALL, mean(self.recall[1:]), self.recall),
        )


@dataclass(frozen=True)
class Overlap(PixelMetric[OverlapScore]):
    """How well each class of two maps agrees: IoU, Dice, precision and recall. Means leave the background out.

    **Source:** IoU: Jaccard (1912), New Phytologist 11:37-50; Dice (1945), Ecology 26:297-302, which is 2 IoU / (1 + IoU);
    precision and recall: van Rijsbergen (1979), Information Retrieval, 2nd ed.; all on pixels. The "IoU" of the paper's
    table 2 is per *object*; here it is ``SEG``.

    Examples
    --------
    Class 1 has 2 px in the prediction and 3 in the truth, 2 of them in both.

    >>> import numpy as np
    >>> score = Overlap()(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 1]]))
    >>> {name: round(value, 3) for name, value in score.columns().items()}
    {'iou': 0.667, 'dice': 0.8, 'pixel_precision': 1.0, 'pixel_recall': 0.667}
    """

    pooling: ClassVar = "pixels of all images together, per class"

    def from_contingency(self, table: Contingency) -> OverlapScore:
        counts = [table.predicted_sizes, table.truth_sizes]
        # IGNORE in a prediction is not a class; it is wrong wherever the truth has a class. There are always two classes.
        num_classes = 1 + max([1, *(int(k) for ids, _ in counts for k in ids if k != IGNORE)])
        same = table.predicted == table.truth
        counts.insert(0, (table.predicted[same], table.count[same]))
        by_class = (dict(zip(ids.tolist(), sizes.tolist(), strict=True)) for ids, sizes in counts)
        return OverlapScore(*(tuple(sizes.get(k, 0) for k in range(num_classes)) for sizes in by_class))
