"""DET of the Cell Tracking Challenge: how much work it is to correct the detection by hand."""

from dataclasses import astuple, dataclass
from typing import ClassVar

import numpy as np

from unseam.errors import SettingsError
from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figure, Figures, ratio

_DET = Column("det", "DET", "1 - cost of correcting the detection / cost of marking all by hand", 1)


@dataclass(frozen=True)
class DETScore(Counts):
    """Mistakes to correct, the cost of correcting them, and the cost of marking every object by hand."""

    num_splits: int
    num_missed: int
    num_invented: int
    cost: Figure
    cost_of_marking_all: Figure

    @property
    def det(self) -> float:
        """1 - cost / cost of marking all objects, at least 0; NaN without true objects."""
        return 1 - ratio(min(self.cost, self.cost_of_marking_all), self.cost_of_marking_all)

    def figures(self) -> Figures:
        return ((_DET, self.det),)


@dataclass(frozen=True)
class DET(ObjectMetric[DETScore]):
    """1 - the cost of correcting the detected objects, as a share of the cost of marking all of them by hand.

    A predicted object detects a true one if it covers more than half of it. The true one may be a mere marker inside its
    cell. There are three corrections: split an object that detects several (one split fewer than it detects), add each missed
    object, delete each object that detects nothing.

    Parameters
    ----------
    cost_of_split, cost_of_missed, cost_of_invented
        Cost of one mistake of each kind.

    Raises
    ------
    SettingsError
        A cost is negative, or a missed object costs nothing.

    **Source:** AOGM-D of Matula et al. (2015), PLoS ONE 10:e0144959, doi:10.1371/journal.pone.0144959, with the weights of
    the Cell Tracking Challenge: 5, 10 and 1. Not in the U-Net paper.

    Examples
    --------
    One object covers two markers, and another covers none: 5 + 1 of 20.

    >>> score = DET()(np.array([[4, 4, 4, 0, 9]]), np.array([[1, 0, 2, 0, 0]]))
    >>> score.num_splits, score.num_missed, score.num_invented, score.det
    (1, 0, 1, 0.7)
    """

    pooling: ClassVar = "costs of all images together, as the challenge does with the frames of a video"

    cost_of_split: float = 5.0
    cost_of_missed: float = 10.0
    cost_of_invented: float = 1.0

    def __post_init__(self) -> None:
        costs = astuple(self)
        if min(costs) < 0 or not self.cost_of_missed:
            raise SettingsError(
                f"The costs of a split, a missed and an invented object are {costs}. They must not be negative, and "
                "cost_of_missed must be above 0. Omit them for the costs of the challenge: 5, 10, 1."
            )

    def from_contingency(self, table: Contingency) -> DETScore:
        is_match = table.covers_true_object
        detecting = np.unique(table.predicted[is_match])
        num_detected = int(is_match.sum())
        num_splits, num_missed = num_detected - detecting.size, table.num_truth_objects - num_detected
        num_invented = int(table.invented(detecting).size)
        cost = self.cost_of_split * num_splits + self.cost_of_missed * num_missed + self.cost_of_invented * num_invented
        return DETScore(num_splits, num_missed, num_invented, cost, self.cost_of_missed * table.num_truth_objects)
