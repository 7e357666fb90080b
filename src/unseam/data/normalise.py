"""Bring the grey values of any camera to the network's range: once for a whole image, never for a tile."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from unseam.errors import DataError
from unseam.settings import check_range

_MOST_VALUES = 4_000_000
"""Percentiles of larger channels come from an evenly spaced sample of about this many values."""


@dataclass(frozen=True)
class Normalise:
    """Scale each channel of an image so that its low percentile becomes 0 and its high percentile 1.

    The percentiles are those of the whole image: statistics of a tile would put seams back. 8-bit, 16-bit and float
    images give alike results, whatever their range.

    Attributes
    ----------
    low_percent, high_percent
        Percentiles of the grey values. Values beyond them are not clipped.

    Departs: the paper does not mention normalisation.

    Examples
    --------
    >>> Normalise(0, 100)(np.array([[0, 128, 255]], dtype=np.uint8)).round(2)
    array([[[0. , 0.5, 1. ]]], dtype=float32)
    """

    low_percent: float = 1.0
    high_percent: float = 99.8

    def __post_init__(self) -> None:
        check_range("normalise", "low_percent", self.low_percent, 0, 100)
        check_range("normalise", "high_percent", self.high_percent, self.low_percent, 100)

    def __call__(self, image: Shaped[np.ndarray, "height width *channel"]) -> Float[np.ndarray, "channel height width"]:
        """Return the normalised image, channels first, float32.

        Parameters
        ----------
        image
            (H, W) or (H, W, C), any real number type.

        Raises
        ------
        DataError
            If it has another number of axes, no pixel, complex numbers, or a pixel that is not finite; names its place.
        """
        check_image(image)
        channels = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
        return np.stack([self.range_of(channel).scaled(channel) for channel in channels])

    def range_of(self, channel: Shaped[np.ndarray, "height width"]) -> "GreyRange":
        """Return the grey values of a whole channel that become 0 and 1."""
        height, width = channel.shape
        sample = channel.ravel()[:: sample_step(height, width)]
        return self.range_from(sample, channel.min, channel.max)

    def range_from(
        self, sample: Shaped[np.ndarray, "values"], least: Callable[[], object], largest: Callable[[], object]
    ) -> "GreyRange":
        """Return the same from the values at every `sample_step`-th place, in any order.

        ``least`` and ``largest`` give the extremes of the whole channel; they are called only if nearly all values are equal.
        """
        percentiles = np.percentile(sample.astype(np.float64), [self.low_percent, self.high_percent])
        low, high = (float(v) for v in percentiles)
        if low == high:  # nearly everything is one value (a dark field with few spots): use the whole range
            low, high = float(least()), float(largest())  # type: ignore[arg-type]
        return GreyRange(low, high)


@dataclass(frozen=True)
class GreyRange:
    """The grey values of a channel that become 0 and 1, wherever in the image a pixel lies."""

    low: float
    high: float

    def scaled(
        self, channel: Shaped[np.ndarray, "height width"], top: int = 0, left: int = 0
    ) -> Float[np.ndarray, "height width"]:
        """Return the normalised values, float32, of a channel or of a window of it.

        Parameters
        ----------
        channel
            (h, w), any real number type.
        top, left
            First row and column of the window in the image, for the message.

        Raises
        ------
        DataError
            If a pixel cannot be normalised; names its place.
        """
        low, high = self.low, self.high
        is_exact = channel.dtype.itemsize <= 2 or channel.dtype == np.float32
        with np.errstate(over="ignore", invalid="ignore"):
            if is_exact and (high == low or 1e-30 < high - low < 1e30):
                scaled = channel.astype(np.float32)
                scaled -= np.float32(low)
                scaled *= np.float32(1 / (high - low) if high > low else 1.0)
            else:  # more digits than float32 has: subtract before any is lost
                scaled = ((channel.astype(np.float64) - low) / (high - low if high > low else 1.0)).astype(np.float32)
        _check_scaled(scaled, channel, top, left)
        return scaled


def sample_step(height: int, width: int) -> int:
    """Return the distance between the values that percentiles are computed from, row by row through a channel.

    It shares no factor with the width: otherwise it would reach only some columns.
    """
    step = max(1, height * width // _MOST_VALUES)
    while math.gcd(step, width) > 1:
        step += 1
    return step


def sample_pixels(
    values: Shaped[np.ndarray, "rows columns"], top: int, left: int, height: int, width: int
) -> Shaped[np.ndarray, "values"]:
    """Return the values in a window that percentiles are computed from; the channel has height x width px.

    >>> channel = np.arange(12).reshape(3, 4)
    >>> sampled(channel[1:, 2:], top=1, left=2, height=3, width=4).tolist()
    [6, 7, 10, 11]
    """
    step = sample_step(height, width)
    rows = np.arange(top, top + values.shape[0])
    first = -(rows * width + left) % step
    columns = first[:, None] + step * np.arange(-(-values.shape[1] // step))
    row, column = np.nonzero(columns < values.shape[1])
    return values[row, columns[row, column]]


def _check_scaled(
    scaled: Float[np.ndarray, "height width"], channel: Shaped[np.ndarray, "height width"], top: int, left: int
) -> None:
    bad = ~np.isfinite(scaled)
    if bad.any():
        row, col = np.argwhere(bad)[0]
        raise DataError(
            f"The pixel at row {top + row}, column {left + col} is {channel[row, col]}, too far from the others to compute "
            "with: is it a mark for missing data? Replace such pixels by a real value first."
        )


def check_image(image: np.ndarray) -> None:
    """Raise a :class:`DataError` for an array that is not an image of finite numbers; name the first bad pixel."""
    if image.ndim not in (2, 3) or min(image.shape) < 1:
        raise DataError(
            f"An array of shape {image.shape} came; an image is (rows, columns) or (rows, columns, channels), at least 1 px."
        )
    if image.dtype.kind not in "buif":
        raise DataError(f"An image of type {image.dtype} came; real numbers may come (8- or 16-bit, float).")
    if image.dtype.kind == "f":
        bad = ~np.isfinite(image)
        if bad.any():
            row, col = np.argwhere(bad)[0][:2]
            raise DataError(
                f"{int(bad.sum())} pixel(s) are not finite (NaN or infinite), the first at row {row}, column {col}. "
                "Put real values in their place first."
            )
