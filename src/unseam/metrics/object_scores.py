"""Objects found, missed and made up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from unseam.errors import SettingsError
from unseam.metrics.contingency import Contingency, contingency_of_instance_maps
from unseam.metrics.score import Figure, ratio


@dataclass(frozen=True)
class ObjectScore:
    """Counts of objects, and the sum of the IoU over the matched ones."""

    true_positives: int
    false_positives: int
    false_negatives: int
    iou_sum: float

    @property
    def precision(self) -> float:
        """Share of the predicted objects that are true; NaN if none was predicted."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the true objects that were found; NaN if there are none."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN only if neither map has an object."""
        doubled = 2 * self.true_positives
        return ratio(doubled, doubled + self.false_positives + self.false_negatives)

    @property
    def mean_matched_iou(self) -> float:
        """Mean IoU over the matched objects; NaN if none is matched."""
        return ratio(self.iou_sum, self.true_positives)

    def columns(self) -> dict[str, Figure]:
        """Give ``precision``, ``recall``, ``f1``, ``mean_matched_iou`` and the three counts."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "mean_matched_iou": self.mean_matched_iou,
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
        }

    @classmethod
    def pool(cls, scores: Sequence["ObjectScore"]) -> dict[str, Figure]:
        """Pool the objects of all images, then divide."""
        return cls(
            true_positives=sum(score.true_positives for score in scores),
            false_positives=sum(score.false_positives for score in scores),
            false_negatives=sum(score.false_negatives for score in scores),
            iou_sum=sum(score.iou_sum for score in scores),
        ).columns()


@dataclass(frozen=True)
class ObjectScores:
    """Match objects whose IoU is above a threshold; count found, made-up and missed ones.

    Parameters
    ----------
    threshold
        An IoU above it is a match, 0.5 <= ``threshold`` < 1. From 0.5 on an object can have one match at
        most (two disjoint objects cannot each share more than half of their union with a third), so there
        is nothing to optimise and no order in which to match.

    Raises
    ------
    SettingsError
        The threshold is outside of that range.

    **Source:** Caicedo et al. (2019), Nature Methods 16:1247-1253 (Data Science Bowl 2018); uniqueness:
    Kirillov et al. (2019), Panoptic Segmentation, CVPR; from there too what becomes of objects that lie mostly where
    nobody annotated.

    **Departs:** a match must be *above* the threshold at every threshold; some tools let it be equal.

    Examples
    --------
    Object 1 is found (IoU 2 / 3), object 2 is missed, and object 9 was made up.

    >>> score = ObjectScores()(np.array([[4, 4, 0, 0, 0, 9]]), np.array([[1, 1, 1, 2, 2, 0]]))
    >>> score.true_positives, score.false_positives, score.false_negatives
    (1, 1, 1)
    >>> score.f1, round(score.mean_matched_iou, 3)
    (0.5, 0.667)
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0.5 <= self.threshold < 1:
            raise SettingsError(
                f"threshold is {self.threshold}; it may be 0.5 or more, and less than 1. Below 0.5 an object "
                "could match two others."
            )

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> ObjectScore:
        """Score a predicted instance map against the true one.

        Where all is annotated, swapping the maps swaps precision and recall and leaves F1. An object that
        reaches into pixels which nobody annotated is judged by its annotated part. If more than half of it lies
        there, it may be a match, but it is never a false positive.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than ids.
        """
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))

    def from_contingency(self, table: Contingency) -> ObjectScore:
        """Score a table of ids that has been counted already."""
        matches = table.matched(self.threshold)
        return ObjectScore(
            true_positives=int(matches.size),
            false_positives=int(table.invented(table.predicted[matches]).size),
            false_negatives=table.num_truth_objects - int(matches.size),
            iou_sum=float(table.iou[matches].sum()),
        )
