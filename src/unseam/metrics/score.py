"""What a metric states and what a score can do: columns with header, meaning and direction, and how images are pooled.

A metric returns a score; a score keeps *counts*, so the scores of many images can be pooled without looking at a pixel
again. Tables, legends and reports ask the scores for their columns: they have no list of names.
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
"""What a score is where there was nothing to be right or wrong about (no object, no annotated pixel)."""

Figure = int | float
"""What stands in a cell of the table: a count or a share."""


class Reads(Enum):
    """What a metric reads, and so which maps it belongs to.

    The first four read a contingency table through ``from_contingency(table)``. The others are called with whole maps, which
    takes longer; :func:`unseam.metrics.quick_metrics` leaves them out, but for probabilities.
    """

    PIXELS = "a table of classes: of class maps, and of instance maps as object or background"
    OBJECTS = "a table of object ids: of instance maps"
    CELLS = "a table of object ids: of instance maps, and of the 4-connected components of a class"
    THIN_CELLS = "a table of the components of a class, predicted borders made thin: of class maps of two classes"
    CLASSES = "two class maps"
    OUTLINES = "two class maps, or with from_instance_maps two instance maps, and the size of a pixel"
    PROBABILITIES = "probabilities (K, H, W) and a class map"

    @property
    def is_quick(self) -> bool:
        """Whether a validation during training can afford it."""
        return self in (Reads.PIXELS, Reads.OBJECTS, Reads.CELLS, Reads.PROBABILITIES)


@dataclass(frozen=True)
class Column:
    """One figure of a score, as a person reads it.

    Parameters
    ----------
    name
        Key in JSON and CSV.
    header
        What stands above it in a table.
    meaning
        What it says, in one line.
    best
        The best value: 1 (higher is better), 0 (lower is better), or None (neither).
    place, place_of_objects
        Position in a table of class maps and of instance maps; 0: only files have it. Equal places keep their order.
    decimals
        Digits after the point.
    klass
        The class it is about, if the score has one figure for each class.
    is_of_one_class
        It is about one class only, so a table of several classes does not show it.
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
        """Return the header, with the class it is about.

        >>> Column("iou_class_1", "IoU", "", 1, klass=1).title(["background", "axon"])
        'IoU of axon'
        """
        if self.klass is None:
            return self.header
        is_named = self.klass < len(class_names)
        return f"{self.header} of {class_names[self.klass]}" if is_named else f"{self.header} class {self.klass}"

    @property
    def legend(self) -> str:
        """The meaning and the best value."""
        return self.meaning if self.best is None else f"{self.meaning}; {self.best} is best"

    def text(self, value: Figure) -> str:
        """Format a value; a dash where there was nothing to score."""
        return "-" if math.isnan(value) else f"{value:.{self.decimals}f}"


Figures = tuple[tuple[Column, Figure], ...]
"""What a score says: each of its columns with its value."""


class Score(ABC):
    """One image's result of one metric; to be inherited by frozen dataclasses."""

    @abstractmethod
    def figures(self) -> Figures:
        """Give the columns and their values."""

    @classmethod
    @abstractmethod
    def pool(cls, scores: Sequence[Self]) -> dict[str, Figure]:
        """Give the figures of all images together: the same names in the same order."""

    @final
    def columns(self) -> dict[str, Figure]:
        """Give the figures of this image, by the name of their column."""
        return {column.name: value for column, value in self.figures()}


class Counts(Score):
    """A score whose fields are counts: images are pooled by adding field by field, and then dividing.

    Fields are numbers, or tuples with a number for each class.
    """

    @final
    @classmethod
    def together(cls, scores: Sequence[Self]) -> Self:
        """Add the counts of many images."""
        return add_up(scores)

    @final
    @classmethod
    def pool(cls, scores: Sequence[Self]) -> dict[str, Figure]:
        """Give the figures of all images together."""
        return add_up(scores).columns()


def add_up(scores: Sequence[_Score]) -> _Score:
    """Add scores field by field; tuples element by element, the shorter ones filled with 0."""
    kind: Any = type(scores[0])
    sums = []
    for field in fields(kind):
        values: list[Any] = [getattr(score, field.name) for score in scores]
        is_tuple = isinstance(values[0], tuple)
        sums.append(tuple(map(sum, zip_longest(*values, fillvalue=0))) if is_tuple else sum(values))
    result: _Score = kind(*sums)
    return result


def class_figures(column: Column, mean: float, per_class: Sequence[float], *, shows_each: bool = False) -> Figures:
    """Give the mean over the foreground classes and, where there are several, each; tables have these if ``shows_each``.

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
    """Divide, where 0 of 0 is "nothing to score" and not an accident.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else NOTHING_TO_SCORE


def ratios(parts: Sequence[Figure], wholes: Sequence[Figure]) -> tuple[float, ...]:
    """Divide class by class."""
    return tuple(map(ratio, parts, wholes))


def mean(values: Iterable[Figure]) -> float:
    """Average those values that are numbers; NaN if none is.

    >>> mean([1.0, float("nan"), 0.5])
    0.75
    """
    numbers = [value for value in values if not math.isnan(value)]
    return ratio(math.fsum(numbers), len(numbers))
