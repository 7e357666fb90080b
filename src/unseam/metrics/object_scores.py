"""Objects found, missed and invented, and how well the found ones match: F1 and panoptic quality."""

from dataclasses import dataclass
from typing import ClassVar, Self

from unseam.errors import SettingsError
from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figures, ratio


@dataclass(frozen=True)
class MatchedObjects(Counts):
    """Counts of objects, and the sum of the IoU over the matched ones."""

    true_positives: int
    false_positives: int
    false_negatives: int
    iou_sum: float

    @classmethod
    def of_table(cls, table: Contingency, threshold: float) -> Self:
        """Match the objects whose IoU is above a threshold of at least 0.5."""
        matches = table.matched(threshold)
        num_found, num_invented = int(matches.size), int(table.invented(table.predicted[matches]).size)
        return cls(num_found, num_invented, table.num_truth_objects - num_found, float(table.iou[matches].sum()))

    @property
    def mean_matched_iou(self) -> float:
        """Mean IoU over the matched objects; NaN without matches."""
        return ratio(self.iou_sum, self.true_positives)


_PRECISION = Column("precision", "precision", "share of the predicted objects that are true", 1, place_of_objects=6)
_RECALL = Column("recall", "recall", "share of the true objects that were found", 1, place_of_objects=7)
_F1 = Column("f1", "F1", "2 x found / (predicted + true objects) at IoU 0.5", 1, place_of_objects=5)
_IOU = Column("mean_matched_iou", "IoU of matches", "mean IoU of the objects that match", 1, place_of_objects=11)
_FOUND = Column("true_positives", "found", "predicted objects that match a true one", None, decimals=0)
_INVENTED = Column("false_positives", "invented", "predicted objects without a match", 0, decimals=0)
_MISSED = Column("false_negatives", "missed", "true objects without a match", 0, decimals=0)
_MEANING = "panoptic quality, objects found (F1) times how well (mean IoU)"
_PQ = Column("panoptic_quality", "PQ", _MEANING, 1, place_of_objects=2)
_SQ = Column("segmentation_quality", "SQ", "mean IoU of the objects that match", 1)
_RQ = Column("recognition_quality", "RQ", "F1 of the objects", 1)


@dataclass(frozen=True)
class ObjectScore(MatchedObjects):
    """Objects found, invented and missed, and the quotients of these counts."""

    @property
    def precision(self) -> float:
        """Share of the predicted objects that are true; NaN without predicted objects."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the true objects that are found; NaN without true objects."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN only if neither map has an object."""
        doubled = 2 * self.true_positives
        return ratio(doubled, doubled + self.false_positives + self.false_negatives)

    def figures(self) -> Figures:
        return (
            *((_PRECISION, self.precision), (_RECALL, self.recall), (_F1, self.f1), (_IOU, self.mean_matched_iou)),
            *((_FOUND, self.true_positives), (_INVENTED, self.false_positives), (_MISSED, self.false_negatives)),
        )


@dataclass(frozen=True)
class PanopticScore(MatchedObjects):
    """Objects found, invented and missed at IoU 0.5, and the sum of the IoU over the found ones."""

    @property
    def panoptic(self) -> float:
        """PQ = SQ x RQ, and 0 if no object is found; NaN if neither map has an object."""
        return ratio(self.iou_sum, self._weight)

    @property
    def segmentation(self) -> float:
        """SQ, the mean IoU of the found objects; NaN without any."""
        return self.mean_matched_iou

    @property
    def recognition(self) -> float:
        """RQ, the F1 of the objects; NaN if neither map has an object."""
        return ratio(self.true_positives, self._weight)

    @property
    def _weight(self) -> float:
        return self.true_positives + (self.false_positives + self.false_negatives) / 2

    def figures(self) -> Figures:
        return (_PQ, self.panoptic), (_SQ, self.segmentation), (_RQ, self.recognition)


@dataclass(frozen=True)
class ObjectScores(ObjectMetric[ObjectScore]):
    """Match objects whose IoU is above a threshold; count found, invented and missed ones.

    Parameters
    ----------
    threshold
        An IoU above it is a match, 0.5 <= ``threshold`` < 1. From 0.5 an object has at most one match (two disjoint objects
        cannot each share more than half of their union with a third), so the matching needs no optimisation and no order.

    Raises
    ------
    SettingsError
        The threshold is out of range.

    **Source:** Caicedo et al. (2019), Nature Methods 16:1247-1253 (Data Science Bowl 2018); uniqueness of matches, and
    objects that are mostly unannotated: Kirillov et al. (2019), Panoptic Segmentation, CVPR.

    **Departs:** a match must be *above* every threshold; some tools also accept equality.

    Examples
    --------
    Object 1 is found (IoU 2 / 3), object 2 is missed, and object 9 is invented.

    >>> import numpy as np
    >>> score = ObjectScores()(np.array([[4, 4, 0, 0, 0, 9]]), np.array([[1, 1, 1, 2, 2, 0]]))
    >>> score.true_positives, score.false_positives, score.false_negatives
    (1, 1, 1)
    >>> score.f1, round(score.mean_matched_iou, 3)
    (0.5, 0.667)
    """

    pooling: ClassVar = "objects of all images together"

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0.5 <= self.threshold < 1:
            raise SettingsError(
                f"threshold is {self.threshold}. It may be 0.5 or more, and less than 1: below 0.5 an object could match two "
                "others. 0.5 is usual."
            )

    def from_contingency(self, table: Contingency) -> ObjectScore:
        return ObjectScore.of_table(table, self.threshold)


@dataclass(frozen=True)
class PanopticQuality(ObjectMetric[PanopticScore]):
    """Sum of the IoU of matched objects over TP + FP / 2 + FN / 2; a match has an IoU above 0.5.

    **Source:** Kirillov et al. (2019), Panoptic Segmentation, CVPR, Eqs. 1 and 2. Sec. 4.2 covers unannotated pixels: they are
    in no intersection and no union, and an unmatched object that is mostly unannotated is not a false positive.

    **Departs:** there is one class of objects, and the background is not a segment.

    Examples
    --------
    Object 1 is found (IoU 2 / 3), object 2 is missed: PQ = (2 / 3) / (1 + 1 / 2).

    >>> import numpy as np
    >>> score = PanopticQuality()(np.array([[4, 4, 0, 0, 0]]), np.array([[1, 1, 1, 2, 2]]))
    >>> round(score.panoptic, 3), round(score.segmentation, 3), round(score.recognition, 3)
    (0.444, 0.667, 0.667)
    """

    pooling: ClassVar = "objects of all images together"

    def from_contingency(self, table: Contingency) -> PanopticScore:
        return PanopticScore.of_table(table, 0.5)
