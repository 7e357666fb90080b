"""Channels of an image; a grey image that was saved in colour counts as grey."""

import numpy as np
from jaxtyping import Shaped

SAVE_CHANNELS = (
    'say so in the file: as TIFF with the axes CYX (tifffile.imwrite("x.ome.tif", image, metadata={"axes": "CYX"}); in Fiji: '
    "Image > Hyperstacks > Stack to Hyperstack), or as .npy with the channels last, (rows, columns, channels)"
)
"""How to save an image whose channels were read as planes."""


def num_channels(image: Shaped[np.ndarray, "height width *channel"]) -> int:
    """Return C of an image (H, W) or (H, W, C)."""
    return 1 if image.ndim == 2 else image.shape[-1]


def is_grey_saved_as_colour(image: Shaped[np.ndarray, "height width *channel"]) -> bool:
    """Return whether all three channels of an image are equal; many cameras and programs save grey images this way."""
    return num_channels(image) == 3 and bool((image == image[..., :1]).all())
