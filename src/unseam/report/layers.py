"""Pictures as a page carries them: the image once, and over it see-through layers of few colours, all as data in the page.

Colours are those of :mod:`unseam.report.overlay`; kinds of errors differ by pattern as well, for who cannot tell colours.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer, UInt8
from PIL import Image
from skimage.segmentation import find_boundaries

from unseam.report.object_errors import matched_pairs
from unseam.report.overlay import PALETTE
from unseam.shapes import IGNORE

LONGEST_SIDE = 640
_FILL = 90  # of 255
_NUM_COLOURS = len(PALETTE)
_UNKNOWN = 2 * _NUM_COLOURS + 1

MISSED, INVENTED, OTHER = 1, 2, 3
ERROR_COLOURS = {MISSED: (0, 114, 178), INVENTED: (213, 94, 0), OTHER: (204, 121, 167)}
"""Okabe and Ito's blue, vermilion and purple: the first classes and objects have other colours."""


@dataclass(frozen=True)
class Layers:
    """One image to look at: data URIs of the picture and of what lies over it, all of one size.

    Attributes
    ----------
    height, width
        Of the layers, px.
    reduced
        How many pixels of the image one pixel of a layer stands for along a side.
    """

    height: int
    width: int
    reduced: int
    picture: str
    truth: str
    predicted: str
    errors: str


def layers_of(
    picture: UInt8[np.ndarray, "height width *colour"] | None,
    truth: Integer[np.ndarray, "height width"],
    predicted: Integer[np.ndarray, "height width"],
    *,
    instances: bool,
) -> Layers:
    """The layers of one image, reduced by a whole number where it is large."""
    factor = -(-max(truth.shape) // LONGEST_SIDE)
    kinds = error_kinds(predicted, truth, instances=instances)
    unknown = -1 if instances else IGNORE
    small_truth, small_predicted, small_kinds = (labels[::factor, ::factor] for labels in (truth, predicted, kinds))
    height, width = small_truth.shape
    shown = np.full((height, width), 128, np.uint8) if picture is None else reduced(picture, factor)
    return Layers(
        height,
        width,
        factor,
        jpeg(shown),
        _palette_png(_filled(small_truth, unknown)),
        _palette_png(_filled(small_predicted, unknown)),
        _rgba_png(error_layer(small_kinds)),
    )


def error_kinds(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "height width"], *, instances: bool
) -> UInt8[np.ndarray, "height width"]:
    """0 where all is right or nobody annotated; ``MISSED``, ``INVENTED``; ``OTHER``: another class, or another object.

    Of instance maps, another object is foreground of both maps whose two objects do not match by an IoU above 0.5.
    """
    annotated = truth != (-1 if instances else IGNORE)
    in_truth, in_prediction = truth > 0, predicted > 0
    kinds = np.zeros(truth.shape, np.uint8)
    kinds[in_truth & ~in_prediction] = MISSED
    kinds[~in_truth & in_prediction] = INVENTED
    agree = matched_pairs(predicted, truth) if instances else predicted == truth
    kinds[in_truth & in_prediction & ~agree] = OTHER
    kinds[~annotated] = 0
    return kinds


def error_layer(kinds: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 4"]:
    """Kinds of errors as RGBA: missed in stripes that rise, invented in plain colour, other in a grid of dots."""
    rows, columns = np.indices(kinds.shape)
    strong = {
        MISSED: (rows + columns) % 6 < 3,
        INVENTED: np.ones(kinds.shape, bool),
        OTHER: (rows % 4 < 2) & (columns % 4 < 2),
    }
    layer = np.zeros((*kinds.shape, 4), np.uint8)
    for kind, colour in ERROR_COLOURS.items():
        here = kinds == kind
        layer[here] = (*colour, 110)
        layer[here & strong[kind], 3] = 235
    return layer


def reduced(picture: UInt8[np.ndarray, "height width *colour"], factor: int) -> UInt8[np.ndarray, "rows columns *colour"]:
    """The picture with each ``factor`` x ``factor`` px as their mean; as many as ``labels[::factor, ::factor]`` has."""
    if factor == 1:
        return picture
    rows, columns = -picture.shape[0] % factor, -picture.shape[1] % factor
    padded = np.pad(picture, ((0, rows), (0, columns), *[(0, 0)] * (picture.ndim - 2)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, *padded.shape[2:])
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def jpeg(picture: UInt8[np.ndarray, "height width *colour"], quality: int = 85) -> str:
    """A picture to look at as a data URI."""
    return _uri(Image.fromarray(picture), "JPEG", quality=quality)


def outlines(labels: Integer[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The inner border of each label that is not background."""
    return find_boundaries(labels, mode="inner") & (labels > 0)


def _filled(labels: np.ndarray, unknown: int) -> np.ndarray:
    """Indices of the palette: 0 nothing, 1.. fills, then outlines, then stripes where nobody annotated."""
    is_unknown = labels == unknown
    shown = (labels > 0) & ~is_unknown
    colour = (labels.astype(np.int64) - 1) % _NUM_COLOURS + 1
    index = np.where(shown, colour + _NUM_COLOURS * outlines(np.where(shown, labels, 0)), 0)
    rows, columns = np.indices(labels.shape)
    index[is_unknown & ((rows - columns) % 8 < 2)] = _UNKNOWN
    return index.astype(np.uint8)


def _palette_png(index: np.ndarray) -> str:
    image = Image.fromarray(index)
    colours = PALETTE.astype(int).ravel().tolist()
    image.putpalette([0, 0, 0, *colours, *colours, 150, 150, 150])
    alphas = bytes([0, *[_FILL] * _NUM_COLOURS, *[255] * _NUM_COLOURS, 200])
    return _uri(image, "PNG", transparency=alphas, optimize=True)


def _rgba_png(layer: np.ndarray) -> str:
    return _uri(Image.fromarray(layer), "PNG", optimize=True)


def _uri(image: Image.Image, kind: str, **options: int | bytes | bool) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
