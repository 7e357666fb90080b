"""Channels of an image; a grey image that was saved in colour counts as grey."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped


def num_channels(image: Shaped[np.ndarray, "height width *channel"]) -> int:
    """Return C of an image (H, W) or (H, W, C)."""
    return 1 if image.ndim == 2 else image.shape[-1]


def is_grey_saved_as_colour(image: Shaped[np.ndarray, "height width *channel"]) -> bool:
    """Return whether all three channels of an image are equal; many cameras and programs save grey images this way."""
    return num_channels(image) == 3 and bool((image == image[..., :1]).all())


def planes_hint(num_planes: int) -> str:
    """Return a sentence on planes that may be channels: many programs save channels as a stack that does not name its axes."""
    return (
        f" If its {num_planes} planes are channels of one image, say so in the file: TIFF with the axes CYX (in Fiji: Image > "
        'Hyperstacks > Stack to Hyperstack; in Python: tifffile.imwrite("x.ome.tif", image, metadata={"axes": "CYX"})), or '
        ".npy with the channels last, (rows, columns, channels)."
    )


def reading_hint(notes: Sequence[str]) -> str:
    """Return a sentence on how a file was read, which tells where its channels went; none without notes.

    >>> reading_hint(["its transparency is 0 everywhere: dropped"])
    ' How it was read: its transparency is 0 everywhere: dropped.'
    """
    return f" How it was read: {'; '.join(notes)}." if notes else ""


def first_axis_hint(shape: tuple[int, ...]) -> str:
    """Return sentences on an array whose first axis seems to count channels or planes; none where it does not seem so."""
    if len(shape) != 3 or shape[0] >= min(shape[1:]):
        return ""
    return (
        f" Arrays are (rows, columns) or (rows, columns, channels). If the first axis, of {shape[0]}, counts channels, put it "
        "last: numpy.moveaxis(image, 0, -1). If it counts planes, give each plane as an image of its own."
    )
