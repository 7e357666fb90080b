"""What metrics that read a contingency table have in common: from two maps to the table."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar, final

import numpy as np
from jaxtyping import Integer

from unseam.metrics.components import cells_of_class_maps, check_cell_class
from unseam.metrics.contingency import (
    Contingency,
    check_instance_maps,
    contingency_of_class_maps,
    contingency_of_instance_maps,
)
from unseam.metrics.score import Reads
from unseam.metrics.thin_borders import thin_borders
from unseam.shapes import NOT_ANNOTATED

_Score = TypeVar("_Score")


class PixelMetric(ABC, Generic[_Score]):
    """Scores class maps by their table of classes; instance maps as object or background."""

    reads: ClassVar = Reads.PIXELS

    @final
    def __call__(
        self, predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
    ) -> _Score:
        """Score a predicted class map against the true one.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than classes.
        """
        return self.from_contingency(contingency_of_class_maps(predicted, truth))

    @abstractmethod
    def from_contingency(self, table: Contingency) -> _Score:
        """Score a table of classes that has been counted already."""


class ObjectMetric(ABC, Generic[_Score]):
    """Scores instance maps by their table of object ids."""

    reads: ClassVar = Reads.OBJECTS

    @final
    def __call__(
        self, predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
    ) -> _Score:
        """Score a predicted instance map against the true one.

        An object that reaches into pixels that are not annotated is judged by its annotated part. If more than half of it
        lies there, it may be a match, but it never counts as invented.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than ids.
        """
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))

    @abstractmethod
    def from_contingency(self, table: Contingency) -> _Score:
        """Score a table of ids that has been counted already."""


@dataclass(frozen=True)
class CellMetric(ABC, Generic[_Score]):
    """Scores instance maps, and class maps by the 4-connected components of one class, as the ISBI 2012 challenge did.

    Parameters
    ----------
    cell_class
        Class whose components are the cells, in class maps.
    is_thinned
        Whether the borders of the prediction are made one px wide first.

    Raises
    ------
    SettingsError
        ``cell_class`` cannot be a class.
    """

    reads: ClassVar[Reads] = Reads.CELLS

    cell_class: int = 1
    is_thinned: bool = False

    def __post_init__(self) -> None:
        check_cell_class(self.cell_class)

    @final
    def __call__(
        self, predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
    ) -> _Score:
        """Score a predicted instance map against the true one. Not symmetric: the foreground is the truth's.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than ids.
        """
        check_instance_maps(predicted, truth)
        if self.is_thinned:
            predicted = thin_borders(predicted, truth != NOT_ANNOTATED)
        return self.from_contingency(contingency_of_instance_maps(predicted, truth))

    @final
    def from_class_maps(
        self, predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "_height _width"]
    ) -> _Score:
        """Score two class maps by their cells.

        Raises
        ------
        DataError, LabelError
            The maps differ in size, or hold something else than classes.
        """
        return self(*cells_of_class_maps(predicted, truth, self.cell_class))

    @abstractmethod
    def from_contingency(self, table: Contingency) -> _Score:
        """Score a table of ids that has been counted already; nothing is thinned."""
