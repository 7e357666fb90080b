"""The base classes of metrics that read a contingency table: they turn two maps into the table."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar, final

from unseam.metrics.components import cells_of_class_maps, check_cell_class
from unseam.metrics.contingency import (
    Contingency,
    LabelMap,
    TrueMap,
    check_instance_maps,
    contingency_of_class_maps,
    contingency_of_instance_maps,
)
from unseam.metrics.score import Reads
from unseam.metrics.thin_borders import thin_borders
from unseam.shapes import NOT_ANNOTATED

_Score = TypeVar("_Score")


class TableMetric(ABC, Generic[_Score]):
    """Scores a contingency table. The call counts the table of two maps (H, W) and scores it.

    The call raises ``DataError`` if the maps differ in size, and ``LabelError`` if they hold values that are not allowed.
    """

    @abstractmethod
    def from_contingency(self, table: Contingency) -> _Score:
        """Score a table that is already counted. This never thins borders."""


class PixelMetric(TableMetric[_Score]):
    """Scores class maps by their table of classes, and instance maps as object or background."""

    reads: ClassVar = Reads.PIXELS

    @final
    def __call__(self, predicted: LabelMap, truth: TrueMap) -> _Score:
        """Score a predicted class map against the true one."""
        return self.from_contingency(contingency_of_class_maps(predicted, truth))


class ObjectMetric(TableMetric[_Score]):
    """Scores instance maps by their table of object ids."""

    reads: ClassVar = Reads.OBJECTS

    @final
    def __call__(self, predicted: LabelMap, truth: TrueMap) -> _Score:
        """Score a predicted instance map against the true one.

        Only the annotated part of an object is scored. If more than half of an object is unannotated, the object may be a
        match, but it never counts as invented.
        """
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))


@dataclass(frozen=True)
class CellMetric(TableMetric[_Score]):
    """Scores instance maps, and class maps by the 4-connected components of one class, as the ISBI 2012 challenge did.

    Parameters
    ----------
    cell_class
        Class whose components are the cells, in class maps.
    is_thinned
        Whether to make the borders of the prediction one px wide first.

    Raises
    ------
    SettingsError
        ``cell_class`` is not a class.
    """

    reads: ClassVar[Reads] = Reads.CELLS

    cell_class: int = 1
    is_thinned: bool = False

    def __post_init__(self) -> None:
        check_cell_class(self.cell_class)

    @final
    def __call__(self, predicted: LabelMap, truth: TrueMap) -> _Score:
        """Score a predicted instance map against the true one. Not symmetric: the foreground is the truth's."""
        check_instance_maps(predicted, truth)
        if self.is_thinned:
            predicted = thin_borders(predicted, truth != NOT_ANNOTATED)
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))

    @final
    def from_class_maps(self, predicted: LabelMap, truth: TrueMap) -> _Score:
        """Score two class maps by their cells."""
        return self(*cells_of_class_maps(predicted, truth, self.cell_class))
