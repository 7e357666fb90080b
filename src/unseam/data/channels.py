"""Channels: grey pictures that were saved as colours are grey."""

import numpy as np
from jaxtyping import Shaped


def num_channels(image: Shaped[np.ndarray, "height width *channel"]) -> int:
    """C of a user's image, (H, W) or (H, W, C)."""
    return 1 if image.ndim == 2 else image.shape[-1]


def is_grey_saved_as_colour(image: Shaped[np.ndarray, "height width *channel"]) -> bool:
    """Whether an image has three channels that are all the same: cameras and programs save grey pictures so."""
    return num_channels(image) == 3 and bool((image == image[..., :1]).all())
