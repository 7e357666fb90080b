"""What every score of the room can do, and the two divisions that know about nothing to score.

A metric returns a score; a score keeps *counts*, so that the scores of many images can be pooled without
looking at a pixel again. Each score says itself how it pools: a new metric is one file, and the table need
not know it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

NOTHING_TO_SCORE = math.nan
"""What a score is where there was nothing to be right or wrong about (no object, no annotated pixel)."""


Figure = int | float
"""What stands in a cell of the table: a count or a share."""


@runtime_checkable
class Score(Protocol):
    """One image's result of one metric."""

    def columns(self) -> dict[str, Figure]:
        """Give the figures of this image, by the name of their column."""
        ...

    @classmethod
    def pool(cls, scores: Sequence[Any]) -> dict[str, Figure]:
        """Give the figures of all images together, from scores of this kind: the same names in the same order."""
        ...


def ratio(part: Figure, whole: Figure) -> float:
    """Divide, where 0 of 0 is "nothing to score" and not an accident.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else NOTHING_TO_SCORE


def mean(values: Iterable[Figure]) -> float:
    """Average those values that are numbers; NaN if none is.

    >>> mean([1.0, float("nan"), 0.5])
    0.75
    """
    numbers = [value for value in values if not math.isnan(value)]
    return ratio(math.fsum(numbers), len(numbers))
