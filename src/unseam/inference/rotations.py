"""The mean over rotated versions of the input (paper, section 4: seven rotated versions)."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from unseam.heads import Classes, Head

NUM_ROTATIONS = 7

Probabilities = Callable[[np.ndarray], np.ndarray]
_CLASSES = Classes()


def average_rotations(
    probabilities_of: Probabilities, image: Float[np.ndarray, "channel height width"], head: Head = _CLASSES
) -> Float[np.ndarray, "klass height width"]:
    """Return the mean probabilities of seven rotations of an image, each turned back into the frame of the image.

    Parameters
    ----------
    probabilities_of
        (C, h, w) -> (K, h, w), for any size.
    image
        Normalised, (C, H, W).
    head
        Makes the mean of the maps.

    Source: paper, section 4 (EM segmentation: mean over 7 rotated versions of the input).

    Departs: the paper does not name the angles; we take k * 360 / 7 degrees. The turned image is cubic-interpolated on a
    canvas that holds all of it, mirrored beyond its border; probabilities are turned back linearly, so they stay in [0, 1].
    """
    versions = _turns(probabilities_of, image)
    total = next(versions).copy()
    for version in versions:
        total += version
    return head.mean_maps(total, NUM_ROTATIONS)


def _turns(probabilities_of: Probabilities, image: np.ndarray) -> Iterator[np.ndarray]:
    yield probabilities_of(image)
    height, width = image.shape[1:]
    for k in range(1, NUM_ROTATIONS):
        angle = 2 * np.pi * k / NUM_ROTATIONS
        cos, sin = np.cos(angle), np.sin(angle)
        # The canvas holds the whole turned image, so that no pixel loses its result.
        canvas = int(np.ceil(abs(cos) * height + abs(sin) * width)), int(np.ceil(abs(sin) * height + abs(cos) * width))
        turn = np.array([[cos, -sin], [sin, cos]])
        turned = _resampled(image, turn, canvas, order=3)
        yield _resampled(probabilities_of(turned), turn.T, (height, width), order=1)


def _resampled(image: np.ndarray, turn: np.ndarray, shape: tuple[int, int], order: int) -> np.ndarray:
    """Turn each channel about the centre: output pixel x is read at ``turn @ (x - its centre) + image's centre``."""
    centre_in = (np.array(image.shape[1:]) - 1) / 2
    centre_out = (np.array(shape) - 1) / 2
    offset = centre_in - turn @ centre_out
    return np.stack([ndimage.affine_transform(channel, turn, offset, shape, order=order, mode="mirror") for channel in image])
