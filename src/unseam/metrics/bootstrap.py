"""How sure a figure over all images is: what it would have been for other images of the same kind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unseam.errors import SettingsError
from unseam.metrics.score import Figure
from unseam.metrics.table import Scores


class Interval(NamedTuple):
    """The ends of a confidence interval; NaN where nothing could be scored."""

    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """A confidence interval for each column, or the reason why there are none.

    Parameters
    ----------
    of
        By the name of the column; empty if there are none.
    level
        Share of such intervals that would hold the true figure, if images are independent and not too few.
    num_images, num_resamples, seed
        How they were found.
    """

    of: Mapping[str, Interval]
    level: float
    num_images: int
    num_resamples: int
    seed: int

    @property
    def reason(self) -> str:
        """One sentence for the user."""
        if not self.of:
            return "No confidence interval: one image does not tell how much images differ. Score several."
        few = " So few images give an interval that is too narrow." if self.num_images < 10 else ""
        return (
            f"{100 * self.level:g} % confidence intervals: percentile bootstrap over {self.num_images} images, "
            f"{self.num_resamples} resamples, seed {self.seed}.{few}"
        )


@dataclass(frozen=True)
class Bootstrap:
    """Percentile bootstrap over images: as many images are drawn with replacement, and scored together, many times.

    Parameters
    ----------
    num_resamples
        At least 100.
    level
        Above 0 and below 1.
    seed
        Of the draw: the same images give the same intervals.

    Raises
    ------
    SettingsError
        A value out of range.

    **Source:** Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13. With few images the interval is too
    narrow, as that of any method that knows nothing but these images.
    """

    num_resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_resamples < 100 or not 0 < self.level < 1:
            raise SettingsError(
                f"num_resamples is {self.num_resamples} and level {self.level}; there may be 100 resamples or more, and a "
                "level above 0 and below 1. Take 1000 and 0.95."
            )

    def __call__(self, scores: Scores, groups: Sequence[int] | None = None) -> Intervals:
        """Find the intervals of all columns.

        Parameters
        ----------
        scores
            Of the images.
        groups
            For each row the image that it is of: planes of one stack resemble each other, and are drawn together.
            Without it each row is an image of its own.
        """
        rows_of: dict[int, list[int]] = {}
        for row, group in enumerate(groups if groups is not None else range(len(scores.names))):
            rows_of.setdefault(group, []).append(row)
        images = list(rows_of.values())
        if len(images) < 2:
            return Intervals({}, self.level, len(images), self.num_resamples, self.seed)
        drawn = np.random.default_rng(self.seed).integers(len(images), size=(self.num_resamples, len(images)))
        resamples = [[row for image in draw for row in images[image]] for draw in drawn.tolist()]
        found: dict[str, Interval] = {}
        for of_one_metric in zip(*scores.per_image, strict=True):
            pool = type(of_one_metric[0]).pool
            figures = [pool([of_one_metric[row] for row in rows]) for rows in resamples]
            found |= {column: self._interval([figure[column] for figure in figures]) for column in figures[0]}
        return Intervals(found, self.level, len(images), self.num_resamples, self.seed)

    def _interval(self, figures: Sequence[Figure]) -> Interval:
        values = np.array([figure for figure in figures if not math.isnan(figure)], dtype=np.float64)
        if not values.size:
            return Interval(math.nan, math.nan)
        low, high = np.quantile(values, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Interval(float(low), float(high))
