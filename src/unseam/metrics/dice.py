"""Dice coefficient of each class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from unseam.metrics.class_overlap import add_up, check_num_classes, class_overlap, foreground_columns
from unseam.metrics.contingency import Contingency, contingency_of_class_maps
from unseam.metrics.score import Figure, mean, ratio


@dataclass(frozen=True)
class DiceScore:
    """Pixels in both maps, and the sum of the pixels in each, for each class 0..K-1."""

    intersection: tuple[int, ...]
    total: tuple[int, ...]

    @property
    def per_class(self) -> tuple[float, ...]:
        """Dice coefficient of each class; NaN for a class that neither map has."""
        return tuple(ratio(2 * i, t) for i, t in zip(self.intersection, self.total, strict=True))

    @property
    def mean_foreground(self) -> float:
        """Mean over the classes 1..K-1 that either map has; NaN if there is none."""
        return mean(self.per_class[1:])

    def columns(self) -> dict[str, Figure]:
        """Give ``dice``, the mean over foreground classes; with several of them also ``dice_class_1`` and on."""
        return foreground_columns("dice", self.mean_foreground, self.per_class)

    @classmethod
    def pool(cls, scores: Sequence["DiceScore"]) -> dict[str, Figure]:
        """Pool the intersections and the totals over all images, then divide."""
        intersection = add_up(score.intersection for score in scores)
        return cls(intersection, add_up(score.total for score in scores)).columns()


@dataclass(frozen=True)
class Dice:
    """Twice the pixels in both maps over the pixels of the two maps together, class by class.

    Parameters
    ----------
    num_classes
        K, background included. The mean leaves the background, class 0, out.

    Raises
    ------
    SettingsError
        Fewer than two classes.

    **Source:** Dice (1945), Ecology 26:297-302, on pixels. It ranks two results as IoU does: 2 IoU / (1 +
    IoU).

    Examples
    --------
    Class 1 has 2 px in the prediction and 3 in the truth, 2 of them in both: 2 * 2 / (2 + 3).

    >>> score = Dice()(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 1]]))
    >>> [round(value, 3) for value in score.per_class], score.mean_foreground
    ([0.667, 0.8], 0.8)
    """

    num_classes: int = 2

    def __post_init__(self) -> None:
        check_num_classes(self.num_classes)

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> DiceScore:
        """Score a predicted class map against the true one; symmetric where all is annotated.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than these classes.
        """
        return self.from_contingency(contingency_of_class_maps(predicted, truth))

    def from_contingency(self, table: Contingency) -> DiceScore:
        """Score a table of classes that has been counted already."""
        overlap = class_overlap(table, self.num_classes)
        total = tuple(p + t for p, t in zip(overlap.predicted, overlap.truth, strict=True))
        return DiceScore(intersection=overlap.both, total=total)
