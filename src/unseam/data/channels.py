"""Channels of an image; a grey image that was saved in colour counts as grey."""

import numpy as np
from jaxtyping import Shaped


def num_channels(image: Shaped[np.ndarray, "height width *channel"]) -> int:
    """Return C of an image (H, W) or (H, W, C)."""
    return 1 if image.ndim == 2 else image.shape[-1]


def is_grey_saved_as_colour(image: Shaped[np.ndarray, "height width *channel"]) -> bool:
    """Return whether all three channels of an image are equal; many cameras and programs save grey images this way."""
    return num_channels(image) == 3 and bool((image == image[..., :1]).all())
