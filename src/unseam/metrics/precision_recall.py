"""Precision and recall of each class, pixel by pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from unseam.metrics.class_overlap import add_up, check_num_classes, class_overlap, foreground_columns
from unseam.metrics.contingency import Contingency, contingency_of_class_maps
from unseam.metrics.score import Figure, mean, ratio


@dataclass(frozen=True)
class PrecisionRecallScore:
    """Annotated pixels of each class 0..K-1: in both maps, in the prediction, in the truth."""

    both: tuple[int, ...]
    predicted: tuple[int, ...]
    truth: tuple[int, ...]

    @property
    def precision(self) -> tuple[float, ...]:
        """Of the pixels predicted as a class, the share that is of it; NaN if none was."""
        return tuple(ratio(both, predicted) for both, predicted in zip(self.both, self.predicted, strict=True))

    @property
    def recall(self) -> tuple[float, ...]:
        """Of the pixels of a class, the share that was predicted as such; NaN if there are none."""
        return tuple(ratio(both, truth) for both, truth in zip(self.both, self.truth, strict=True))

    def columns(self) -> dict[str, Figure]:
        """Give ``pixel_precision`` and ``pixel_recall``, means over the foreground classes; with several also of each."""
        return {
            **foreground_columns("pixel_precision", mean(self.precision[1:]), self.precision),
            **foreground_columns("pixel_recall", mean(self.recall[1:]), self.recall),
        }

    @classmethod
    def pool(cls, scores: Sequence["PrecisionRecallScore"]) -> dict[str, Figure]:
        """Pool the pixels of all images, then divide."""
        both, predicted = add_up(score.both for score in scores), add_up(score.predicted for score in scores)
        return cls(both, predicted, add_up(score.truth for score in scores)).columns()


@dataclass(frozen=True)
class PrecisionRecall:
    """Share of a class's predicted pixels that are right, and share of its true pixels that were found.

    Parameters
    ----------
    num_classes
        K, background included. The means leave the background, class 0, out.

    Raises
    ------
    SettingsError
        Fewer than two classes.

    **Source:** van Rijsbergen (1979), Information Retrieval, 2nd ed., on pixels.

    Examples
    --------
    Of 2 px predicted both are right; of 3 true ones 2 were found.

    >>> score = PrecisionRecall()(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 1]]))
    >>> score.precision[1], round(score.recall[1], 3)
    (1.0, 0.667)
    """

    num_classes: int = 2

    def __post_init__(self) -> None:
        check_num_classes(self.num_classes)

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> PrecisionRecallScore:
        """Score a predicted class map against the true one. Where all is annotated, swapping the maps swaps the two.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than these classes.
        """
        return self.from_contingency(contingency_of_class_maps(predicted, truth))

    def from_contingency(self, table: Contingency) -> PrecisionRecallScore:
        """Score a table of classes that has been counted already."""
        overlap = class_overlap(table, self.num_classes)
        return PrecisionRecallScore(overlap.both, overlap.predicted, overlap.truth)
