"""The interface of metrics and scores: columns with header, meaning and direction, and the pooling of images.

A metric returns a score. A score keeps *counts*, so the scores of many images can be pooled without reading a pixel again.
Tables, legends and reports take their columns from the scores and keep no list of names.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import cache
from itertools import zip_longest
from typing import Any, Literal, Self, TypeVar, final

_Score = TypeVar("_Score")

NOTHING_TO_SCORE = math.nan
"""Value of a figure without anything to score (no object, no annotated pixel)."""

Figure = int | float
"""A cell of the table: a count or a share."""


class Reads(Enum):
    """The input of a metric, which decides the maps that it can score.

    The first four read a contingency table through ``from_contingency(table)``. The others read whole maps, which takes
    longer; :func:`unseam.metrics.quick_metrics` leaves them out, except those of probabilities.
    """

    PIXELS = "the table of classes of class maps, or of object and background of instance maps"
    OBJECTS = "the table of object ids of instance maps"
    CELLS = "the table of object ids of instance maps, or of the 4-connected components of a class"
    THIN_CELLS = "the table of the components of a class, with thin predicted borders, of maps of two classes"
    CLASSES = "two class maps"
    OUTLINES = "two class maps, or two instance maps through from_instance_maps, and the size of a pixel"
    PROBABILITIES = "probabilities (K, H, W) and a class map"

    @property
    def is_quick(self) -> bool:
        """Whether it is fast enough for validation during training."""
        return self in (Reads.PIXELS, Reads.OBJECTS, Reads.CELLS, Reads.PROBABILITIES)


@dataclass(frozen=True)
class Column:
    """Description of one figure of a score.

    Parameters
    ----------
    name
        Key in JSON and CSV.
    header
        Its header in a table.
    meaning
        Explanation in one line.
    best
        The best value: 1 (higher is better), 0 (lower is better), or None (neither).
    place, place_of_objects
        Position in a table of class maps and of instance maps; 0: only in files. Equal places keep their order.
    decimals
        Digits after the point.
    klass
        Its class, if the score has one figure for each class.
    is_of_one_class
        Whether it describes a single class, so that a table of several classes does not show it.
    """

    name: str
    header: str
    meaning: str
    best: Literal[0, 1] | None
    place: int = 0
    place_of_objects: int = 0
    decimals: int = 4
    klass: int | None = None
    is_of_one_class: bool = False

    def title(self, class_names: Sequence[str] = ()) -> str:
        """Return the header, with the class if there is one.

        >>> Column("iou_class_1", "IoU", "", 1, klass=1).title(["background", "axon"])
        'IoU of axon'
        """
        if self.klass is None:
            return self.header
        return f"{self.header} " + (f"of {class_names[self.klass]}" if self.klass < len(class_names) else f"class {self.klass}")

    @property
    def legend(self) -> str:
        return self.meaning if self.best is None else f"{self.meaning}; {self.best} is best"

    def text(self, value: Figure) -> str:
        """Format a value; a dash where there is nothing to score."""
        return "-" if math.isnan(value) else f"{value:.{self.decimals}f}"


Figures = tuple[tuple[Column, Figure], ...]
"""The columns of a score with their values."""


class Score(ABC):
    """The result of one metric for one image. Frozen dataclasses inherit it."""

    @abstractmethod
    def figures(self) -> Figures:
        """Return the columns and their values."""

    @classmethod
    @abstractmethod
    def pool(cls, scores: Sequence[Self]) -> dict[str, Figure]:
        """Return the figures of all images together: the same names in the same order."""

    @final
    def columns(self) -> dict[str, Figure]:
        """Return the figures of this image, by the name of their column."""
        return {column.name: value for column, value in self.figures()}


class Counts(Score):
    """A score whose fields are counts: numbers, or tuples of numbers. To pool images, it adds them up and then divides."""

    @final
    @classmethod
    def together(cls, scores: Sequence[Self]) -> Self:
        return add_up(scores)

    @final
    @classmethod
    def pool(cls, scores: Sequence[Self]) -> dict[str, Figure]:
        return add_up(scores).columns()


def add_up(scores: Sequence[_Score]) -> _Score:
    """Add scores field by field. Tuples are added element by element; shorter ones are filled with 0."""
    kind: Any = type(scores[0])
    sums = []
    for field in fields(kind):
        values: list[Any] = [getattr(score, field.name) for score in scores]
        is_tuple = isinstance(values[0], tuple)
        sums.append(tuple(map(sum, zip_longest(*values, fillvalue=0))) if is_tuple else sum(values))
    return kind(*sums)


def class_figures(column: Column, mean: float, per_class: Sequence[float], *, shows_each: bool = False) -> Figures:
    """Return the mean over the foreground classes and, if there are several, each of them; tables show each if ``shows_each``.

    >>> iou = Column("iou", "IoU", "shared pixels", 1)
    >>> [(column.name, value) for column, value in class_figures(iou, 0.5, (0.9, 0.4, 0.6))]
    [('iou', 0.5), ('iou_class_1', 0.4), ('iou_class_2', 0.6)]
    """
    if len(per_class) <= 2:
        return ((column, mean),)
    return tuple(zip(_class_columns(column, len(per_class), shows_each), (mean, *per_class[1:]), strict=True))


@cache
def _class_columns(column: Column, num_classes: int, shows_each: bool) -> tuple[Column, ...]:
    places = (column.place, column.place_of_objects) if shows_each else (0, 0)
    each = (replace(column, name=f"{column.name}_class_{k}", klass=k) for k in range(1, num_classes))
    return (
        replace(column, header=f"mean {column.header}"),
        *(replace(one, place=places[0], place_of_objects=places[1]) for one in each),
    )


def ratio(part: Figure, whole: Figure) -> float:
    """Divide; with a whole of 0 there is nothing to score.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else NOTHING_TO_SCORE


def ratios(parts: Sequence[Figure], wholes: Sequence[Figure]) -> tuple[float, ...]:
    """Divide element by element."""
    return tuple(map(ratio, parts, wholes))


def mean(values: Iterable[Figure]) -> float:
    """Average the values that are not NaN; NaN if all are.

    >>> mean([1.0, float("nan"), 0.5])
    0.75
    """
    numbers = [value for value in values if not math.isnan(value)]
    return ratio(math.fsum(numbers), len(numbers))
