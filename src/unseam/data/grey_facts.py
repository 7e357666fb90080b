"""What images and their objects are like, in a few figures: to find the odd one out, and images unlike those trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, Int64, Shaped

from unseam.data.channels import is_grey_saved_as_colour, num_channels
from unseam.heads.instance_map import checked_instance_map

_MOST_VALUES = 60_000
_MOST_ROWS = 128
SPECK_PX = 4  # an object of so few pixels is a slip of the brush
ENOUGH = 5  # objects in an image, to speak of their size there
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class GreyFacts:
    """Figures of one image; channels are averaged first.

    Attributes
    ----------
    type_name
        Of the numbers: uint8, uint16, float32, ...
    channels
        C; grey saved as three equal channels counts as one.
    lowest, highest
        Of all grey values.
    low, high
        The 1st and the 99.8th percentile: what normalisation takes for dark and bright.
    middle
        Where the median lies between those two: near 0 in a dark image with bright things, near 1 in the opposite.
    noise
        Mean difference of neighbouring pixels, as a share of high - low: large in a dim, noisy image.
    grain_px
        Distance over which grey values change: at it, their correlation along rows has fallen to half. Twice as large in
        an image at twice the magnification.
    top_share
        Share of pixels that have the highest value.
    """

    type_name: str
    channels: int
    lowest: float
    highest: float
    low: float
    high: float
    middle: float
    noise: float
    grain_px: float
    top_share: float

    @property
    def is_blank(self) -> bool:
        """Whether it shows nothing: one grey value, or two neighbouring ones."""
        return self.highest - self.lowest <= (1 if self.type_name.startswith(("u", "i")) else 0)


@dataclass(frozen=True)
class SeenImages:
    """What the images were like that a model was trained on: the least and the largest of each figure of :class:`GreyFacts`.

    Attributes
    ----------
    type_names
        Of their numbers.
    low, high, middle, noise, grain_px
        Ranges.
    object_px
        Least and largest median diameter of the objects in an image; None where the masks hold no objects.
    """

    type_names: tuple[str, ...]
    low: tuple[float, float]
    high: tuple[float, float]
    middle: tuple[float, float]
    noise: tuple[float, float]
    grain_px: tuple[float, float]
    object_px: tuple[float, float] | None = None


def grey_plane(image: Shaped[np.ndarray, "height width *channel"]) -> Shaped[np.ndarray, "height width"]:
    """The image with its channels averaged; grey saved as colour, and grey itself, as they are."""
    if image.ndim == 2:
        return image
    if num_channels(image) == 1 or is_grey_saved_as_colour(image):
        return image[..., 0]
    mean: np.ndarray = image.mean(axis=-1, dtype=np.float32)
    return mean


def grey_facts(image: Shaped[np.ndarray, "height width *channel"]) -> GreyFacts:
    """Look at an image, at a sample of its pixels where a sample will do.

    Examples
    --------
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
    """The ranges over all images that show something; None if none does."""
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
    """Of circles of these areas, px; specks are left out."""
    return np.sqrt(areas[areas > SPECK_PX] * (4 / np.pi))


def object_sizes(maps: Sequence[Int32[np.ndarray, "_ _"]]) -> list[float]:
    """Median diameter of the objects of each instance map that has enough of them, px."""
    sizes = []
    for instances in maps:
        areas = np.bincount(np.maximum(checked_instance_map(instances), 0).ravel())
        known = diameters(areas[1:].astype(np.int64))
        if known.size >= ENOUGH:
            sizes.append(float(np.median(known)))
    return sizes


def _grain(rows: Float[np.ndarray, "rows columns"]) -> float:
    """The lag at which the correlation along rows falls to half, between the lags that are tried; the last if it never does."""
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
