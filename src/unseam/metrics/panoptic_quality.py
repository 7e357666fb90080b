"""Panoptic quality: how many objects were found, times how well."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from unseam.metrics.contingency import Contingency, contingency_of_instance_maps
from unseam.metrics.score import Figure, ratio


@dataclass(frozen=True)
class PanopticScore:
    """Objects found, made up and missed at IoU 0.5, and the sum of the IoU over those found."""

    true_positives: int
    false_positives: int
    false_negatives: int
    iou_sum: float

    @property
    def recognition(self) -> float:
        """RQ, the F1 of the objects; NaN if neither map has one."""
        return ratio(self.true_positives, self._weight)

    @property
    def segmentation(self) -> float:
        """SQ, the mean IoU of the objects found; NaN if none was."""
        return ratio(self.iou_sum, self.true_positives)

    @property
    def panoptic(self) -> float:
        """PQ = SQ x RQ, and 0 if no object was found; NaN if neither map has an object."""
        return ratio(self.iou_sum, self._weight)

    @property
    def _weight(self) -> float:
        return self.true_positives + (self.false_positives + self.false_negatives) / 2

    def columns(self) -> dict[str, Figure]:
        """Give ``panoptic_quality``, ``segmentation_quality`` and ``recognition_quality``."""
        return {
            "panoptic_quality": self.panoptic,
            "segmentation_quality": self.segmentation,
            "recognition_quality": self.recognition,
        }

    @classmethod
    def pool(cls, scores: Sequence["PanopticScore"]) -> dict[str, Figure]:
        """Pool the objects of all images, as in the source."""
        return cls(
            true_positives=sum(score.true_positives for score in scores),
            false_positives=sum(score.false_positives for score in scores),
            false_negatives=sum(score.false_negatives for score in scores),
            iou_sum=sum(score.iou_sum for score in scores),
        ).columns()


@dataclass(frozen=True)
class PanopticQuality:
    """Sum of the IoU of matched objects over TP + FP / 2 + FN / 2; a match has an IoU above 0.5.

    **Source:** Kirillov et al. (2019), Panoptic Segmentation, CVPR, Eqs. 1 and 2, with its sec. 4.2 for what nobody
    annotated: its pixels are in no intersection and no union, and an unmatched object that lies mostly there is no
    false positive.

    **Departs:** of one class of objects; the background is no segment of its own.

    Examples
    --------
    Object 1 is found (IoU 2 / 3), object 2 is missed: PQ = (2 / 3) / (1 + 1 / 2).

    >>> score = PanopticQuality()(np.array([[4, 4, 0, 0, 0]]), np.array([[1, 1, 1, 2, 2]]))
    >>> round(score.panoptic, 3), round(score.segmentation, 3), round(score.recognition, 3)
    (0.444, 0.667, 0.667)
    """

    def __call__(
        self,
        predicted: Integer[np.ndarray, "height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> PanopticScore:
        """Score a predicted instance map against the true one; symmetric where all is annotated.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than ids.
        """
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))

    def from_contingency(self, table: Contingency) -> PanopticScore:
        """Score a table of ids that has been counted already."""
        matches = table.matched(0.5)
        return PanopticScore(
            true_positives=int(matches.size),
            false_positives=int(table.invented(table.predicted[matches]).size),
            false_negatives=table.num_truth_objects - int(matches.size),
            iou_sum=float(table.iou[matches].sum()),
        )
