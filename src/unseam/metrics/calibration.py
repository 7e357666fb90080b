"""Whether probabilities mean what they say: of the pixels given 0.9, nine tenths should be right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Integer

from unseam.errors import SettingsError
from unseam.metrics.probability_maps import check_probabilities
from unseam.metrics.score import Column, Figure, Figures, Reads, Score, ratio
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
class CalibrationScore(Score):
    """Of the pixels in each of equal bins of confidence: how many, the sum of their confidence, how many were right."""

    num_pixels: tuple[int, ...]
    confidence_sum: tuple[float, ...]
    num_right: tuple[int, ...]

    @property
    def error(self) -> float:
        """Mean distance of confidence and share of right pixels, over all pixels; NaN if none was annotated."""
        gaps = (abs(sure - right) for sure, right in zip(self.confidence_sum, self.num_right, strict=True))
        return ratio(sum(gaps), sum(self.num_pixels))

    @property
    def curve(self) -> tuple[ReliabilityBin, ...]:
        """The reliability curve: the bins that have pixels."""
        number = len(self.num_pixels)
        bins = enumerate(zip(self.num_pixels, self.confidence_sum, self.num_right, strict=True))
        return tuple(
            ReliabilityBin(i / number, (i + 1) / number, pixels, sure / pixels, right / pixels)
            for i, (pixels, sure, right) in bins
            if pixels
        )

    def figures(self) -> Figures:
        """Give ``calibration_error``."""
        return ((_ERROR, self.error),)

    @classmethod
    def together(cls, scores: Sequence["CalibrationScore"]) -> "CalibrationScore":
        """The score of all images as one, with its curve."""
        pixels, sure, right = (
            tuple(np.sum([getattr(score, name) for score in scores], axis=0).tolist())
            for name in ("num_pixels", "confidence_sum", "num_right")
        )
        return cls(pixels, sure, right)

    @classmethod
    def pool(cls, scores: Sequence["CalibrationScore"]) -> dict[str, Figure]:
        """Pool the pixels of all images in each bin."""
        return cls.together(scores).columns()


@dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error of the likeliest class.

    The confidence of a pixel is the probability of its likeliest class. Pixels are sorted into bins of equal width by
    it; in each, the mean confidence is compared with the share of pixels whose likeliest class is the true one; the
    error is the mean of the differences, weighted by pixels. 0 is best.

    Parameters
    ----------
    num_bins
        From 0 to 1. With two classes no confidence is below 0.5, so that half of them stay empty.

    Raises
    ------
    SettingsError
        Fewer than one bin.

    **Source:** Naeini et al. (2015), AAAI; Guo et al. (2017), ICML, Eq. 3, with 15 bins.

    Examples
    --------
    Two pixels are called class 1 with 0.75, and one of them is: 0.75 - 0.5.

    >>> probabilities = np.array([[[0.25, 0.25]], [[0.75, 0.75]]], np.float32)
    >>> CalibrationError()(probabilities, np.array([[1, 0]])).error
    0.25
    """

    reads: ClassVar = Reads.PROBABILITIES
    pooling: ClassVar = "pixels of all images together, in each bin"

    num_bins: int = 15

    def __post_init__(self) -> None:
        if self.num_bins < 1:
            raise SettingsError(f"num_bins is {self.num_bins}; it may be 1 or more. 15 is usual.")

    def __call__(
        self,
        probabilities: Float[np.ndarray, "classes height width"],
        truth: Integer[np.ndarray, "_height _width"],
    ) -> CalibrationScore:
        """Score probabilities against a class map; pixels that nobody annotated do not count.

        Raises
        ------
        DataError
            The two differ in size, or the values are no probabilities.
        LabelError
            The truth has a class that the probabilities lack.
        """
        check_probabilities(probabilities, truth)
        is_annotated = truth != IGNORE
        confidence = probabilities.max(axis=0)[is_annotated].astype(np.float64)
        is_right = (probabilities.argmax(axis=0) == truth)[is_annotated]
        bins = np.minimum((confidence * self.num_bins).astype(np.int64), self.num_bins - 1)
        count, sure, right = (np.bincount(bins, weights, self.num_bins) for weights in (None, confidence, is_right))
        whole = tuple(int(number) for number in right)
        return CalibrationScore(tuple(int(number) for number in count), tuple(float(part) for part in sure), whole)
