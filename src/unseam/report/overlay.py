"""A segmentation drawn over its image: fills of classes, outlines of objects, colours that colour-blind people tell apart."""

import numpy as np
from jaxtyping import Integer, Shaped, UInt8
from skimage.segmentation import find_boundaries

# Okabe and Ito (2008), "Color universal design", without black and with the strongest first.
PALETTE = np.array(
    [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)],
    dtype=np.float32,
)


def overlay(
    image: Shaped[np.ndarray, "height width *channel"],
    labels: Integer[np.ndarray, "height width"],
    *,
    opacity: float = 0.35,
    outlines: bool = True,
) -> UInt8[np.ndarray, "height width 3"]:
    """The image in grey (or its own colours), with each label filled in a colour and outlined.

    Parameters
    ----------
    image
        (H, W) or (H, W, C), any real type; stretched between its percentiles 0.5 and 99.5.
    labels
        (H, W); 0 is left as it is. Objects with neighbouring numbers get different colours.
    opacity
        Of the fills, 0 to 1.
    outlines
        Draw the border of each label at full strength.
    """
    picture = _as_rgb(image)
    shown = labels > 0
    colours = PALETTE[(labels[shown].astype(np.int64) - 1) % len(PALETTE)]
    picture[shown] = (1 - opacity) * picture[shown] + opacity * colours
    if outlines:
        border = find_boundaries(labels, mode="inner") & shown
        picture[border] = PALETTE[(labels[border].astype(np.int64) - 1) % len(PALETTE)]
    return picture.round().astype(np.uint8)


def errors(
    predicted: Integer[np.ndarray, "height width"], truth: Integer[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """Where two maps agree (white where both have something, black where both have nothing) and where they do not.

    Blue: foreground of the truth that was missed. Orange: foreground that is not in the truth. Yellow: another class.
    """
    picture = np.zeros((*truth.shape, 3), np.uint8)
    picture[(truth > 0) & (predicted == truth)] = 235
    picture[(truth > 0) & (predicted == 0)] = (0, 114, 178)
    picture[(truth == 0) & (predicted > 0)] = (230, 159, 0)
    picture[(truth > 0) & (predicted > 0) & (predicted != truth)] = (240, 228, 66)
    return picture


def to_look_at(image: Shaped[np.ndarray, "height width *channel"]) -> UInt8[np.ndarray, "height width *colour"]:
    """An image of any real type as 8 bits, (H, W) or (H, W, 3): stretched between its percentiles 0.5 and 99.5.

    Of two channels, or of more than three, the first.
    """
    grey = image[..., None] if image.ndim == 2 else image
    if grey.shape[-1] == 2 or grey.shape[-1] > 3:
        grey = grey[..., :1]
    low, high = np.percentile(grey, [0.5, 99.5])
    stretched = np.clip((grey.astype(np.float32) - low) / max(float(high - low), 1e-9), 0, 1) * 255
    picture = stretched.round().astype(np.uint8)
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def _as_rgb(image: np.ndarray) -> np.ndarray:
    picture = to_look_at(image).astype(np.float32)
    return np.broadcast_to(picture if picture.ndim == 3 else picture[..., None], (*picture.shape[:2], 3)).copy()
