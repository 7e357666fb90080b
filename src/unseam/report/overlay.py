"""Pictures of segmentations and of their errors, as arrays and as transparent layers of a page.

Every picture uses the colours of Okabe and Ito, which colour-blind people can tell apart. Kinds of errors also differ in
pattern.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer, Shaped, UInt8
from PIL import Image
from skimage.segmentation import find_boundaries

from unseam.evaluation.scoring import not_annotated
from unseam.io.result.colours import PALETTE as COLOURS
from unseam.report.object_errors import matched_pairs

PALETTE = np.array(COLOURS, dtype=np.float32)
MISSED, INVENTED, OTHER = 1, 2, 3
ERROR_COLOURS = {MISSED: (0, 114, 178), INVENTED: (213, 94, 0), OTHER: (204, 121, 167)}
"""Blue, vermilion and purple, which the first classes and objects do not have."""

LONGEST_SIDE = 640
_FILL = 90  # of 255
_NUM_COLOURS = len(PALETTE)
_UNKNOWN = 2 * _NUM_COLOURS + 1


def draw_overlay(
    image: Shaped[np.ndarray, "height width *channel"],
    labels: Integer[np.ndarray, "height width"],
    *,
    opacity: float = 0.35,
    outlines: bool = True,
) -> UInt8[np.ndarray, "height width 3"]:
    """Draw labels over an image; :func:`unseam.plot.overlay` explains the arguments. Neighbouring numbers differ in colour."""
    picture = _as_rgb(to_display(image)).astype(np.float32)
    shown = labels > 0
    colours = PALETTE[(labels[shown].astype(np.int64) - 1) % len(PALETTE)]
    picture[shown] = (1 - opacity) * picture[shown] + opacity * colours
    if outlines:
        border = outlines_of(labels)
        picture[border] = PALETTE[(labels[border].astype(np.int64) - 1) % len(PALETTE)]
    return picture.round().astype(np.uint8)


def error_picture(
    predicted: Integer[np.ndarray, "height width"],
    truth: Integer[np.ndarray, "height width"],
    picture: UInt8[np.ndarray, "height width *colour"] | None = None,
    *,
    instances: bool,
) -> UInt8[np.ndarray, "height width 3"]:
    """Draw the errors of :func:`error_kinds` over a picture, or over white."""
    under = np.full((*truth.shape, 3), 255, np.uint8) if picture is None else _as_rgb(picture)
    over = Image.fromarray(error_layer(error_kinds(predicted, truth, instances=instances)))
    return np.array(Image.alpha_composite(Image.fromarray(under).convert("RGBA"), over).convert("RGB"))


def to_display(image: Shaped[np.ndarray, "height width *channel"]) -> UInt8[np.ndarray, "height width *colour"]:
    """Convert an image of any real type to 8 bits, (H, W) or (H, W, 3), stretched between its percentiles 0.5 and 99.5.

    Of two channels, or of more than three, only the first is shown.
    """
    grey = image[..., None] if image.ndim == 2 else image
    if grey.shape[-1] == 2 or grey.shape[-1] > 3:
        grey = grey[..., :1]
    low, high = np.percentile(grey, [0.5, 99.5])
    stretched = np.clip((grey.astype(np.float32) - low) / max(float(high - low), 1e-9), 0, 1) * 255
    picture = stretched.round().astype(np.uint8)
    return picture[..., 0] if picture.shape[-1] == 1 else picture


@dataclass(frozen=True)
class Layers:
    """Data URIs of an image and of the layers over it, all of one size in px."""

    height: int
    width: int
    reduced: int
    """Pixels of the image along one side of a layer's pixel."""
    picture: str
    truth: str
    predicted: str
    errors: str


def draw_layers(
    picture: UInt8[np.ndarray, "height width *colour"] | None,
    truth: Integer[np.ndarray, "height width"],
    predicted: Integer[np.ndarray, "height width"],
    *,
    instances: bool,
) -> Layers:
    """Draw the layers of one image. A large image is reduced by a whole number."""
    factor = -(-max(truth.shape) // LONGEST_SIDE)
    kinds = error_kinds(predicted, truth, instances=instances)
    unknown = not_annotated(of_objects=instances)
    small_truth, small_predicted, small_kinds = (labels[::factor, ::factor] for labels in (truth, predicted, kinds))
    height, width = small_truth.shape
    shown = np.full((height, width), 128, np.uint8) if picture is None else reduce_layer(picture, factor)
    return Layers(
        height,
        width,
        factor,
        encode_jpeg(shown),
        _palette_png(_filled(small_truth, unknown)),
        _palette_png(_filled(small_predicted, unknown)),
        _uri(Image.fromarray(error_layer(small_kinds)), "PNG", optimize=True),
    )


def error_kinds(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "height width"], *, instances: bool
) -> UInt8[np.ndarray, "height width"]:
    """Return 0 where the prediction is right or nothing is annotated, elsewhere ``MISSED``, ``INVENTED`` or ``OTHER``.

    ``OTHER`` is another class, or foreground of both maps whose two objects do not match with an IoU above 0.5.
    """
    in_truth, in_prediction = truth > 0, predicted > 0
    kinds = np.zeros(truth.shape, np.uint8)
    kinds[in_truth & ~in_prediction] = MISSED
    kinds[~in_truth & in_prediction] = INVENTED
    agree = matched_pairs(predicted, truth) if instances else predicted == truth
    kinds[in_truth & in_prediction & ~agree] = OTHER
    kinds[truth == not_annotated(of_objects=instances)] = 0
    return kinds


def error_layer(kinds: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 4"]:
    """Draw kinds of errors as RGBA: missed in rising stripes, invented in plain colour, other in a grid of dots."""
    rows, columns = np.indices(kinds.shape)
    strong = {
        MISSED: (rows + columns) % 6 < 3,
        INVENTED: np.ones(kinds.shape, bool),
        OTHER: (rows % 4 < 2) & (columns % 4 < 2),
    }
    layer = np.zeros((*kinds.shape, 4), np.uint8)
    for kind, colour in ERROR_COLOURS.items():
        is_kind = kinds == kind
        layer[is_kind] = (*colour, 110)
        layer[is_kind & strong[kind], 3] = 235
    return layer


def reduce_layer(picture: UInt8[np.ndarray, "height width *colour"], factor: int) -> UInt8[np.ndarray, "rows columns *colour"]:
    """Reduce a picture to the size of ``labels[::factor, ::factor]``; each pixel is the mean of its block."""
    if factor == 1:
        return picture
    rows, columns = -picture.shape[0] % factor, -picture.shape[1] % factor
    padded = np.pad(picture, ((0, rows), (0, columns), *[(0, 0)] * (picture.ndim - 2)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, *padded.shape[2:])
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def encode_jpeg(picture: UInt8[np.ndarray, "height width *colour"], quality: int = 85) -> str:
    """Encode a picture as a data URI."""
    return _uri(Image.fromarray(picture), "JPEG", quality=quality)


def outlines_of(labels: Integer[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return the inner border of each label that is not background."""
    return find_boundaries(labels, mode="inner") & (labels > 0)


def _filled(labels: np.ndarray, unknown: int) -> np.ndarray:
    """Return indices into the palette: 0 for nothing, then fills, outlines, and stripes for pixels without annotation."""
    is_unknown = labels == unknown
    shown = (labels > 0) & ~is_unknown
    colour = (labels.astype(np.int64) - 1) % _NUM_COLOURS + 1
    index = np.where(shown, colour + _NUM_COLOURS * outlines_of(np.where(shown, labels, 0)), 0)
    rows, columns = np.indices(labels.shape)
    index[is_unknown & ((rows - columns) % 8 < 2)] = _UNKNOWN
    return index.astype(np.uint8)


def _palette_png(index: np.ndarray) -> str:
    image = Image.fromarray(index)
    colours = PALETTE.astype(int).ravel().tolist()
    image.putpalette([0, 0, 0, *colours, *colours, 150, 150, 150])
    alphas = bytes([0, *[_FILL] * _NUM_COLOURS, *[255] * _NUM_COLOURS, 200])
    return _uri(image, "PNG", transparency=alphas, optimize=True)


def _as_rgb(picture: UInt8[np.ndarray, "height width *colour"]) -> UInt8[np.ndarray, "height width 3"]:
    return np.broadcast_to(picture if picture.ndim == 3 else picture[..., None], (*picture.shape[:2], 3)).copy()


def _uri(image: Image.Image, kind: str, **options: int | bytes | bool) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
