"""Confidence intervals of figures over all images: what other images of the same kind would have given."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unseam.errors import SettingsError
from unseam.metrics.score import Figure
from unseam.metrics.table import Scores


class Interval(NamedTuple):
    """The ends of a confidence interval; NaN where there is nothing to score."""

    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """A confidence interval for each column; :attr:`reason` states their method, or why they are missing.

    Parameters
    ----------
    of
        The intervals by the name of the column; empty for a single image.
    level
        Share of such intervals that hold the true figure, if the images are independent and numerous.
    num_images, num_resamples, seed
        How the intervals were computed.
    """

    of: Mapping[str, Interval]
    level: float
    num_images: int
    num_resamples: int
    seed: int

    @property
    def reason(self) -> str:
        """A sentence for the user on the method of the intervals, or on why they are missing."""
        if not self.of:
            return "No confidence interval: one image does not show how much images differ. Score several images."
        few = " With so few images the interval is too narrow." if self.num_images < 10 else ""
        return (
            f"{100 * self.level:g} % confidence intervals: percentile bootstrap over {self.num_images} images, "
            f"{self.num_resamples} resamples, seed {self.seed}.{few}"
        )


@dataclass(frozen=True)
class Bootstrap:
    """Percentile bootstrap: draw as many images as there are, with replacement, and pool their scores; repeat.

    Parameters
    ----------
    num_resamples
        At least 100.
    level
        Above 0 and below 1.
    seed
        Seed of the draw. The same images and seed give the same intervals.

    Raises
    ------
    SettingsError
        A value is out of range.

    **Source:** Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13. With few images the interval is too
    narrow, as with any method that knows only these images.
    """

    num_resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_resamples < 100 or not 0 < self.level < 1:
            raise SettingsError(
                f"num_resamples is {self.num_resamples} and level {self.level}. num_resamples must be 100 or more, and level "
                "above 0 and below 1. Take 1000 and 0.95."
            )

    def __call__(self, scores: Scores, groups: Sequence[int] | None = None) -> Intervals:
        """Compute the intervals of all columns.

        Parameters
        ----------
        scores
            Scores of the images.
        groups
            The image of each row. The planes of one stack resemble each other, so they are drawn together. By default each
            row is a separate image.
        """
        rows_of: dict[int, list[int]] = {}
        for row, group in enumerate(groups if groups is not None else range(len(scores.names))):
            rows_of.setdefault(group, []).append(row)
        images = list(rows_of.values())
        found: dict[str, Interval] = {}
        if len(images) >= 2:
            drawn = np.random.default_rng(self.seed).integers(len(images), size=(self.num_resamples, len(images)))
            resamples = [[row for image in draw for row in images[image]] for draw in drawn.tolist()]
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
