"""Scale the grey values of any camera to the network's range: once per plane or stack, never per tile."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from unseam.errors import DataError, SettingsError
from unseam.settings import check_range

_MOST_VALUES = 4_000_000
"""Percentiles of larger channels come from an evenly spaced sample of about this many values."""

_LARGEST = 1e30
"""Largest fixed grey value, and the inverse of the least difference of two: float32 can compute with them."""


_FAR = 8.0
"""An image whose brightest pixel becomes more than this, or less than its inverse, is of another range of grey values."""


@dataclass(frozen=True)
class Normalise:
    """Scale each channel of an image so that its low percentile becomes 0 and its high percentile 1.

    The percentiles are those of the whole image: statistics of a tile would bring seams back. 8-bit, 16-bit and float
    images of any range give the same result.

    Attributes
    ----------
    low_percent, high_percent
        Percentiles of the grey values. Values beyond them are not clipped.
    over
        ``plane``: each plane of a stack has its own percentiles, so a dim plane looks like a bright one. ``stack``: all planes
        of a file have the same, so a plane that is dim, out of focus or empty stays dim.
    fixed
        The two grey values that become 0 and 1 in every image, instead of percentiles: (0, 255) divides by 255. For cameras
        that are always set alike, and for networks that were trained so. None: percentiles.

    Departs: the paper does not mention normalisation.

    Examples
    --------
    >>> Normalise(0, 100)(np.array([[0, 128, 255]], dtype=np.uint8)).round(2)
    array([[[0. , 0.5, 1. ]]], dtype=float32)
    >>> Normalise(fixed=(0, 50))(np.array([[0, 5, 100]], dtype=np.uint8)).round(2)
    array([[[0. , 0.1, 2. ]]], dtype=float32)
    """

    low_percent: float = 1.0
    high_percent: float = 99.8
    over: Literal["plane", "stack"] = "plane"
    fixed: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_range("normalise", "low_percent", self.low_percent, 0, 100)
        check_range("normalise", "high_percent", self.high_percent, self.low_percent, 100)
        if self.fixed is not None:
            low, high = self.fixed
            check_range("normalise", "fixed[0]", low, -_LARGEST, _LARGEST)
            check_range("normalise", "fixed[1]", high, -_LARGEST, _LARGEST)
            if not high - low >= 1 / _LARGEST:
                raise SettingsError(f"normalise.fixed = [{low:g}, {high:g}]: the second must be larger, as in [0, 255].")

    def __call__(
        self, image: Shaped[np.ndarray, "height width *channel"], ranges: "Ranges | None" = None
    ) -> Float[np.ndarray, "channel height width"]:
        """Return an image (H, W) or (H, W, C) of any real type, normalised: channels first, float32.

        ``ranges`` come from :meth:`ranges_of`; None: those of the image alone. Raises DataError for another number of axes, no
        pixels, complex numbers, or a pixel that is not finite (names it).
        """
        check_image(image)
        if ranges is None:
            (ranges,) = self.ranges_of([image])
        # grey saved as colour may come with a range for each of its three equal channels
        return np.stack([one.scaled(channel) for channel, one in zip(_channels(image), ranges, strict=False)])

    def ranges_of(self, planes: Sequence[Shaped[np.ndarray, "height width *channel"]]) -> "list[Ranges]":
        """Return, for each plane of a file, the grey values of each channel that become 0 and 1.

        All planes have one shape. Raises DataError as the call does.
        """
        for plane in planes:
            check_image(plane)
        if self.over == "plane":
            return [self._common([plane]) for plane in planes]
        return [self._common(planes)] * len(planes)

    def far_from_fixed(self, brightest: float) -> tuple[str, ...]:
        """Return a sentence for the user if an image with this largest grey value can hardly be one that ``fixed`` is for.

        >>> Normalise(fixed=(0, 1)).far_from_fixed(255)[0][:60]
        'its grey values reach 255, and this model takes 0 to 1 of ev'
        """
        if self.fixed is None:
            return ()
        low, high = self.fixed
        if 1 / _FAR <= (brightest - low) / (high - low) <= _FAR:
            return ()
        means = f"its grey values reach {brightest:g}, and this model takes {low:g} to {high:g} of every image as 0 to 1"
        return (f"{means}: what it finds is probably wrong. Give images of that range, or import or train with another",)

    def _common(self, planes: Sequence[Shaped[np.ndarray, "height width *channel"]]) -> "Ranges":
        return tuple(self._range_of(channel) for channel in zip(*(_channels(plane) for plane in planes), strict=True))

    def _range_of(self, channel: Sequence[Shaped[np.ndarray, "height width"]]) -> "GreyRange":
        """Return the range of a channel of several planes, which are sampled like one tall plane."""
        if self.fixed is not None:
            return GreyRange(*self.fixed)
        height, width = channel[0].shape
        step = sample_step(len(channel) * height, width)
        sample = [plane.ravel()[-(number * height * width) % step :: step] for number, plane in enumerate(channel)]
        return self.range_from(
            np.concatenate(sample), lambda: min(plane.min() for plane in channel), lambda: max(plane.max() for plane in channel)
        )

    def range_from(
        self, sample: Shaped[np.ndarray, "values"], least: Callable[[], object], largest: Callable[[], object]
    ) -> "GreyRange":
        """Return the same from every `sample_step`-th value of the channel, in any order.

        ``least`` and ``largest`` return the extremes of the whole channel; only called if nearly all values are equal.
        """
        if self.fixed is not None:
            return GreyRange(*self.fixed)
        percentiles = np.percentile(sample.astype(np.float64), [self.low_percent, self.high_percent])
        low, high = (float(v) for v in percentiles)
        if low == high:  # nearly everything is one value (a dark field with few spots): use the whole range
            low, high = float(least()), float(largest())  # type: ignore[arg-type]
        return GreyRange(low, high)


@dataclass(frozen=True)
class GreyRange:
    """The grey values of a channel of a whole plane, or of a stack, that become 0 and 1."""

    low: float
    high: float

    def scaled(
        self, channel: Shaped[np.ndarray, "height width"], top: int = 0, left: int = 0
    ) -> Float[np.ndarray, "height width"]:
        """Return a channel, or a window of it at (top, left), normalised to float32.

        Raises DataError for a pixel that cannot be normalised; names its place in the image.
        """
        low, high = self.low, self.high
        is_exact = channel.dtype.itemsize <= 2 or channel.dtype == np.float32
        with np.errstate(over="ignore", invalid="ignore"):
            if is_exact and (high == low or 1e-30 < high - low < 1e30):
                scaled = channel.astype(np.float32)
                scaled -= np.float32(low)
                scaled *= np.float32(1 / (high - low) if high > low else 1.0)
            else:  # the values have more digits than float32: subtract before rounding
                scaled = ((channel.astype(np.float64) - low) / (high - low if high > low else 1.0)).astype(np.float32)
        _check_scaled(scaled, channel, top, left)
        return scaled


Ranges = tuple[GreyRange, ...]
"""One range for each channel."""


def _channels(image: Shaped[np.ndarray, "height width *channel"]) -> Shaped[np.ndarray, "channel height width"]:
    return image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)


def sample_step(height: int, width: int) -> int:
    """Return the step, row by row through a channel, between the values from which percentiles are computed.

    It shares no factor with the width, or it would reach only some columns. A stack is one tall channel of all its planes.
    """
    step = max(1, height * width // _MOST_VALUES)
    while math.gcd(step, width) > 1:
        step += 1
    return step


def sample_pixels(
    values: Shaped[np.ndarray, "rows columns"], top: int, left: int, height: int, width: int
) -> Shaped[np.ndarray, "values"]:
    """Return the values of a window that belong to the sample of `sample_step`; the channel has height x width px.

    >>> channel = np.arange(12).reshape(3, 4)
    >>> sample_pixels(channel[1:, 2:], top=1, left=2, height=3, width=4).tolist()
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
            f"The pixel at row {top + row}, column {left + col} is {channel[row, col]}, too far from the other values to "
            "compute with. Does it mark missing data? Replace such pixels by a real value first."
        )


def check_image(image: np.ndarray) -> None:
    """Raise a :class:`DataError` for an array that is not an image of finite numbers; name the first bad pixel."""
    if image.ndim not in (2, 3) or min(image.shape) < 1:
        raise DataError(
            f"Got an array of shape {image.shape}; an image is (rows, columns) or (rows, columns, channels), at least 1 px."
        )
    if image.dtype.kind not in "buif":
        raise DataError(f"Got an image of type {image.dtype}; use real numbers (8- or 16-bit, or float).")
    if image.dtype.kind == "f":
        bad = ~np.isfinite(image)
        if bad.any():
            row, col = np.argwhere(bad)[0][:2]
            raise DataError(
                f"{int(bad.sum())} pixel(s) are not finite (NaN or infinite), the first at row {row}, column {col}. "
                "Set them to real values first."
            )
