"""Intersection over union of each class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from unseam.metrics.class_overlap import add_up, check_num_classes, class_overlap, foreground_columns
from unseam.metrics.contingency import Contingency, contingency_of_class_maps
from unseam.metrics.score import Figure, mean, ratio


@dataclass(frozen=True)
class IoUScore:
    """Pixels in the intersection and in the union of prediction and truth, for each class 0..K-1."""

    intersection: tuple[int, ...]
    union: tuple[int, ...]

    @property
    def per_class(self) -> tuple[float, ...]:
        """IoU of each class; NaN for a class that neither map has."""
        return tuple(ratio(i, u) for i, u in zip(self.intersection, self.union, strict=True))

    @property
    def mean_foreground(self) -> float:
        """Mean over the classes 1..K-1 that either map has; NaN if there is none."""
        return mean(self.per_class[1:])

    def columns(self) -> dict[str, Figure]:
        """Give ``iou``, the mean over foreground classes; with several of them also ``iou_class_1`` and on."""
        return foreground_columns("iou", self.mean_foreground, self.per_class)

    @classmethod
    def pool(cls, scores: Sequence["IoUScore"]) -> dict[str, Figure]:
        """Pool the intersections and the unions over all images, then divide."""
        intersection = add_up(score.intersection for score in scores)
        return cls(intersection, add_up(score.union for score in scores)).columns()


@dataclass(frozen=True)
class IoU:
    """Pixels in both maps over pixels in either, class by class.

    Parameters
    ----------
    num_classes
        K, background included. The mean leaves the background, class 0, out.

    Raises
    ------
    SettingsError
        Fewer than two classes.

    **Source:** Jaccard (1912), New Phytologist 11:37-50, on pixels. The "IoU" of the paper's table 2 is per
    *object*, and is here called ``SEG``.

    Examples
    --------
    Class 1 has 2 px in the prediction and 3 in the truth, 2 of them in both: 2 / 3.

    >>> score = IoU()(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 1]]))
    >>> [round(value, 3) for value in score.per_class], round(score.mean_foreground, 3)
    ([0.5, 0.667], 0.667)
    """

    num_classes: int = 2

    def __post_init__(self) -> None:
        check_num_classes(self.num_classes)

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> IoUScore:
        """Score a predicted class map against the true one; symmetric where all is annotated.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than these classes.
        """
        return self.from_contingency(contingency_of_class_maps(predicted, truth))

    def from_contingency(self, table: Contingency) -> IoUScore:
        """Score a table of classes that has been counted already."""
        overlap = class_overlap(table, self.num_classes)
        union = zip(overlap.predicted, overlap.truth, overlap.both, strict=True)
        return IoUScore(intersection=overlap.both, union=tuple(p + t - b for p, t, b in union))
