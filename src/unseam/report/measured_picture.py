"""Objects coloured by a measurement, over their image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Shaped, UInt8
from PIL import Image, ImageDraw, ImageFont

from unseam.report.overlay import outlines_of, to_display

_ANCHORS = ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725")
"""Nine colours of viridis (S. van der Walt and N. Smith, 2015, CC0): even steps for the eye, also for colour-blind people."""

_UNKNOWN = (150, 150, 150)
_LOGARITHMIC = 20.0
_BAR = 34  # px: height of the scale below a picture


def viridis(shares: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Return the colours of shares between 0 (dark violet) and 1 (yellow); grey for NaN.

    >>> viridis(np.array([0.0, 1.0])).tolist()
    [[68, 1, 84], [253, 231, 37]]
    """
    anchors = np.array([[int(colour[at : at + 2], 16) for at in (0, 2, 4)] for colour in _ANCHORS], float)
    known = np.nan_to_num(np.clip(shares, 0, 1))
    places = np.linspace(0, 1, len(anchors))
    drawn = np.stack([np.interp(known, places, anchors[:, part]) for part in range(3)], axis=-1)
    drawn[np.isnan(shares)] = _UNKNOWN
    return drawn.round().astype(np.uint8)


@dataclass(frozen=True)
class ColourScale:
    """Which values the first and the last colour stand for, and whether the steps between are equal factors."""

    low: float
    high: float
    is_logarithmic: bool = False

    def shares(self, values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return where values lie between the ends, 0 to 1; NaN stays."""
        if not self.is_logarithmic:
            return (values - self.low) / (self.high - self.low)
        return np.log(np.maximum(values, self.low) / self.low) / np.log(self.high / self.low)


def colour_scale(values: Float[np.ndarray, " objects"]) -> ColourScale:
    """Return the scale of a column: from percentile 2 to 98, so that one odd object does not make all others equal.

    It is logarithmic if these span a factor of 20: otherwise a few large objects would leave all others in one colour.

    >>> colour_scale(np.array([1.0, 1.0, 500.0, 500.0]))
    ColourScale(low=1.0, high=500.0, is_logarithmic=True)
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ColourScale(0.0, 1.0)
    low, high = (float(value) for value in np.percentile(finite, [2, 98]))
    return ColourScale(low, high, low > 0 and high / low >= _LOGARITHMIC) if high > low else ColourScale(low - 0.5, high + 0.5)


def draw_measured(
    image: Shaped[np.ndarray, "height width *channel"] | None,
    instances: Integer[np.ndarray, "height width"],
    ids: Integer[np.ndarray, " objects"],
    values: Float[np.ndarray, " objects"],
    scale: ColourScale,
    *,
    opacity: float = 0.65,
) -> UInt8[np.ndarray, "height width 3"]:
    """Fill each object with the colour of its value and outline it; objects without a value are grey.

    ``ids`` and ``values`` belong together.
    """
    grey = np.full(instances.shape, 90, np.uint8) if image is None else to_display(image)
    picture = np.broadcast_to(grey if grey.ndim == 3 else grey[..., None], (*grey.shape[:2], 3)).astype(np.float32)
    order = np.argsort(ids)
    shown = instances > 0
    labels = instances[shown]
    at = np.searchsorted(ids[order], labels).clip(max=max(0, len(ids) - 1))
    found = np.full(labels.shape, np.nan)
    if len(ids):
        is_listed = ids[order][at] == labels
        found[is_listed] = values[order][at[is_listed]]
    colours = viridis(scale.shares(found))
    border = outlines_of(instances)[shown]
    mixed = np.where(border[:, None], 1.0, opacity)
    picture[shown] = (1 - mixed) * picture[shown] + mixed * colours
    return picture.round().astype(np.uint8)


def with_scale(picture: UInt8[np.ndarray, "height width 3"], name: str, scale: ColourScale) -> Image.Image:
    """Return the picture with a bar of the colours below it, their two ends and the name of the measurement."""
    height, width = picture.shape[:2]
    whole = Image.new("RGB", (max(width, 320), height + _BAR), "white")
    whole.paste(Image.fromarray(picture))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    bar = viridis(np.linspace(0, 1, 120)[None].repeat(12, axis=0))
    low, high = (f"{value:.4g}" for value in (scale.low, scale.high))
    left = 10 + pen.textlength(low, font)
    whole.paste(Image.fromarray(bar), (round(left) + 6, height + 11))
    pen.text((10, height + 8), low, "black", font)
    pen.text((left + 132, height + 8), f"{high}   {name}{' (logarithmic)' if scale.is_logarithmic else ''}", "black", font)
    return whole
