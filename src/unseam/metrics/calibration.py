"""Calibration: whether nine tenths of the pixels with a probability of 0.9 are right."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from unseam.errors import SettingsError
from unseam.metrics.probability_maps import ProbabilityMetric
from unseam.metrics.score import Column, Counts, Figures, ratio
from unseam.shapes import IGNORE


class ReliabilityBin(NamedTuple):
    """One point of the reliability curve: the pixels whose confidence lies from ``low`` to ``high``."""

    low: float
    high: float
    num_pixels: int
    mean_confidence: float
    share_right: float


_MEANING = "how far probabilities are from the share of right pixels"
_ERROR = Column("calibration_error", "ECE", _MEANING, 0, place=17, place_of_objects=10)


@dataclass(frozen=True)
class CalibrationScore(Counts):
    """Number of pixels, sum of their confidence and number of right pixels, in each bin of confidence."""

    num_pixels: tuple[int, ...]
    confidence_sum: tuple[float, ...]
    num_right: tuple[int, ...]

    @property
    def error(self) -> float:
        """Mean distance between confidence and share of right pixels, over all pixels; NaN without annotated pixels."""
        gaps = (abs(sure - right) for sure, right in zip(self.confidence_sum, self.num_right, strict=True))
        return ratio(sum(gaps), sum(self.num_pixels))

    @property
    def curve(self) -> tuple[ReliabilityBin, ...]:
        """The reliability curve, without empty bins."""
        number = len(self.num_pixels)
        bins = enumerate(zip(self.num_pixels, self.confidence_sum, self.num_right, strict=True))
        return tuple(
            ReliabilityBin(i / number, (i + 1) / number, pixels, sure / pixels, right / pixels)
            for i, (pixels, sure, right) in bins
            if pixels
        )

    def figures(self) -> Figures:
        return ((_ERROR, self.error),)


@dataclass(frozen=True)
class CalibrationError(ProbabilityMetric[CalibrationScore]):
    """Expected calibration error of the likeliest class.

    The confidence of a pixel is the probability of its likeliest class. The pixels are sorted by confidence into bins of
    equal width. In each bin, the mean confidence is compared with the share of pixels whose likeliest class is the true one.
    The error is the mean of the differences, weighted by pixels. 0 is best.

    Parameters
    ----------
    num_bins
        Number of bins from 0 to 1. With two classes no confidence is below 0.5, so half of the bins stay empty.

    Raises
    ------
    SettingsError
        ``num_bins`` is below 1.

    **Source:** Naeini et al. (2015), AAAI; Guo et al. (2017), ICML, Eq. 3, with 15 bins.

    Examples
    --------
    Two pixels have class 1 with 0.75, and one of them is right: 0.75 - 0.5.

    >>> probabilities = np.array([[[0.25, 0.25]], [[0.75, 0.75]]], np.float32)
    >>> CalibrationError()(probabilities, np.array([[1, 0]])).error
    0.25
    """

    pooling: ClassVar = "pixels of all images together, in each bin"

    num_bins: int = 15

    def __post_init__(self) -> None:
        if self.num_bins < 1:
            raise SettingsError(f"num_bins is {self.num_bins}. It must be 1 or more. 15 is usual.")

    def _score(self, probabilities: np.ndarray, truth: np.ndarray) -> CalibrationScore:
        is_annotated = truth != IGNORE
        confidence = probabilities.max(axis=0)[is_annotated].astype(np.float64)
        is_right = (probabilities.argmax(axis=0) == truth)[is_annotated]
        bins = np.minimum((confidence * self.num_bins).astype(np.int64), self.num_bins - 1)
        count, sure, right = (np.bincount(bins, weights, self.num_bins) for weights in (None, confidence, is_right))
        return CalibrationScore(tuple(count.tolist()), tuple(sure.tolist()), tuple(right.astype(np.int64).tolist()))
