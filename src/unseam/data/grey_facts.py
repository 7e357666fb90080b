"""Describe images and their objects in a few numbers, to find outliers and images unlike those of the training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, Int64, Shaped

from unseam.data.channels import is_grey_saved_as_colour, num_channels
from unseam.heads.instance_map import checked_instance_map

_MOST_VALUES = 60_000
_MOST_ROWS = 128
SPECK_PX = 4  # an object no larger than this is a slip of the brush
ENOUGH = 5  # fewest objects in an image for a typical size
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class GreyFacts:
    """Statistics of one image, averaged over its channels."""

    type_name: str  # uint8, uint16, float32, ...
    channels: int  # grey saved as three equal channels counts as one
    lowest: float
    highest: float
    low: float  # 1st percentile, which normalisation makes 0
    high: float  # 99.8th percentile, which normalisation makes 1
    middle: float  # place of the median between low and high: near 0 for bright objects on dark, near 1 for the opposite
    noise: float  # mean difference of neighbouring pixels, as a share of high - low: large in a dim, noisy image
    grain_px: float  # lag at which the correlation along rows falls to half: doubles with the magnification
    top_share: float  # share of pixels that have the highest value

    @property
    def is_blank(self) -> bool:
        """Whether the image shows nothing: one grey value, or two adjacent ones."""
        return self.highest - self.lowest <= (1 if self.type_name.startswith(("u", "i")) else 0)


@dataclass(frozen=True)
class SeenImages:
    """Range (least, largest) of each statistic of :class:`GreyFacts` over the training images.

    ``object_px`` is the range of the median diameter of the objects in an image; None where the masks hold no objects.
    """

    type_names: tuple[str, ...]
    low: tuple[float, float]
    high: tuple[float, float]
    middle: tuple[float, float]
    noise: tuple[float, float]
    grain_px: tuple[float, float]
    object_px: tuple[float, float] | None = None


def grey_plane(image: Shaped[np.ndarray, "height width *channel"]) -> Shaped[np.ndarray, "height width"]:
    """Average the channels of an image; a grey image, also one saved in colour, keeps its values and type."""
    if image.ndim == 2:
        return image
    if num_channels(image) == 1 or is_grey_saved_as_colour(image):
        return image[..., 0]
    mean: np.ndarray = image.mean(axis=-1, dtype=np.float32)
    return mean


def grey_facts(image: Shaped[np.ndarray, "height width *channel"]) -> GreyFacts:
    """Compute the statistics of an image, from a sample of its pixels where that is enough.

    >>> facts = grey_facts(np.tile(np.arange(100, dtype=np.uint8), (50, 1)))
    >>> facts.type_name, facts.lowest, facts.highest, round(facts.middle, 2), facts.top_share
    ('uint8', 0.0, 99.0, 0.49, 0.01)
    """
    plane = grey_plane(image)
    lowest, highest = float(plane.min()), float(plane.max())
    values = plane.ravel()[:: max(1, plane.size // _MOST_VALUES) | 1].astype(np.float64)
    low, median, high = (float(v) for v in np.percentile(values, [1.0, 50.0, 99.8]))
    if high == low:
        low, high = lowest, highest
    contrast = high - low
    rows = plane[:: -(-plane.shape[0] // _MOST_ROWS)].astype(np.float64)
    noise = float(np.abs(np.diff(rows, axis=1)).mean()) if rows.shape[1] > 1 else 0.0
    return GreyFacts(
        type_name=str(image.dtype),
        channels=1 if image.ndim == 3 and is_grey_saved_as_colour(image) else num_channels(image),
        lowest=lowest,
        highest=highest,
        low=low,
        high=high,
        middle=(median - low) / contrast if contrast > 0 else 0.0,
        noise=noise / contrast if contrast > 0 else 0.0,
        grain_px=_grain(rows),
        top_share=float(np.count_nonzero(plane == plane.max()) / plane.size),
    )


def seen_images(facts: Sequence[GreyFacts], object_px: Sequence[float] = ()) -> SeenImages | None:
    """Return the ranges over all images that are not blank; None if all are."""
    shown = [f for f in facts if not f.is_blank]
    if not shown:
        return None

    def span(name: str) -> tuple[float, float]:
        values = [round(float(getattr(f, name)), 6) for f in shown]
        return min(values), max(values)

    return SeenImages(
        type_names=tuple(sorted({f.type_name for f in shown})),
        low=span("low"),
        high=span("high"),
        middle=span("middle"),
        noise=span("noise"),
        grain_px=span("grain_px"),
        object_px=(round(min(object_px), 2), round(max(object_px), 2)) if object_px else None,
    )


def diameters(areas: Int64[np.ndarray, "objects"]) -> Float[np.ndarray, "kept"]:
    """Return the diameters of circles of these areas, px, without specks."""
    return np.sqrt(areas[areas > SPECK_PX] * (4 / np.pi))


def object_sizes(maps: Sequence[Int32[np.ndarray, "_ _"]]) -> list[float]:
    """Return the median diameter, px, of the objects of each instance map that has enough of them."""
    sizes = []
    for instances in maps:
        areas = np.bincount(np.maximum(checked_instance_map(instances), 0).ravel())
        known = diameters(areas[1:].astype(np.int64))
        if known.size >= ENOUGH:
            sizes.append(float(np.median(known)))
    return sizes


def _grain(rows: Float[np.ndarray, "rows columns"]) -> float:
    """Return the lag, px, at which the correlation along rows falls to half; the longest lag tried if it never does."""
    variance = float(rows.var())
    if variance == 0:
        return 0.0
    before, kept = 0, 1.0
    for lag in [lag for lag in _LAGS if lag < rows.shape[1]]:
        correlation = 1 - float(np.square(rows[:, lag:] - rows[:, :-lag]).mean()) / (2 * variance)
        if correlation < 0.5:
            return before + (lag - before) * (kept - 0.5) / (kept - correlation)
        before, kept = lag, correlation
    return float(before)
