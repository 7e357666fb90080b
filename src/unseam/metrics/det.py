"""DET of the Cell Tracking Challenge: how much work it would be to mend the detection, by hand."""

from dataclasses import astuple, dataclass
from typing import ClassVar

import numpy as np

from unseam.errors import SettingsError
from unseam.metrics.base import ObjectMetric
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Column, Counts, Figure, Figures, ratio

_DET = Column("det", "DET", "1 - the work of mending the detection, over that of starting anew", 1)


@dataclass(frozen=True)
class DETScore(Counts):
    """What is to be mended, what that costs, and what marking everything anew would cost."""

    num_splits: int
    num_missed: int
    num_invented: int
    cost: Figure
    cost_of_starting_anew: Figure

    @property
    def det(self) -> float:
        """1 - cost / cost of starting anew, at least 0; NaN if there is nothing to detect."""
        return 1 - ratio(min(self.cost, self.cost_of_starting_anew), self.cost_of_starting_anew)

    def figures(self) -> Figures:
        """Give ``det``."""
        return ((_DET, self.det),)


@dataclass(frozen=True)
class DET(ObjectMetric[DETScore]):
    """1 - the cost of mending the detected objects, as a share of the cost of marking all of them by hand.

    A predicted object detects a true one if it covers more than half of it; the true one may be a mere marker
    inside its cell. To mend: split an object that detects several (once less than it detects), add each that
    was missed, delete each that detects none.

    Parameters
    ----------
    cost_of_split, cost_of_missed, cost_of_invented
        What one of each costs.

    Raises
    ------
    SettingsError
        A cost is negative, or to miss an object costs nothing.

    **Source:** AOGM-D of Matula et al. (2015), PLoS ONE 10:e0144959, doi:10.1371/journal.pone.0144959, with
    the weights of the Cell Tracking Challenge: 5, 10 and 1. Not in the U-Net paper.

    Examples
    --------
    Two markers under one object, and an object where no marker is: 5 + 1 of 20.

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
                f"The costs of a split, a missed and an invented object are {costs}; none may be negative, and a missed one "
                "must cost something. Leave them out for those of the challenge: 5, 10, 1."
            )

    def from_contingency(self, table: Contingency) -> DETScore:
        """Score a table of ids that has been counted already."""
        is_match = table.is_object_pair & (2 * table.count > table.truth_size_of_pair)
        detecting = np.unique(table.predicted[is_match])
        num_true, num_detected = int((table.truth_sizes[0] > 0).sum()), int(is_match.sum())
        num_splits = num_detected - detecting.size
        num_missed = num_true - num_detected
        num_invented = int(table.invented(detecting).size)
        return DETScore(
            num_splits=num_splits,
            num_missed=num_missed,
            num_invented=num_invented,
            cost=self.cost_of_split * num_splits
            + self.cost_of_missed * num_missed
            + self.cost_of_invented * num_invented,
            cost_of_starting_anew=self.cost_of_missed * num_true,
        )
