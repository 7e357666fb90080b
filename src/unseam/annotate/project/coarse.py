"""Smaller copies of a large image: those that the file has, and one that is made when it is needed."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.annotate.project.halving import halved
from unseam.errors import UnseamError
from unseam.io.large import LargeImage, is_store, open_large

COARSE_LEVEL = 3
"""The level that is made for an image which has no smaller copy: below it, tiles are made from the pixels they show."""

_WINDOW = 2048  # px that are read at once


def stored_levels(path: Path, image: LargeImage, num_levels: int) -> dict[int, LargeImage]:
    """Return the levels that an OME-Zarr holds in halves, by their number; level 0 is the image itself.

    A copy counts if both sides are those of the image, halved and rounded up or down.
    """
    found: dict[int, LargeImage] = {0: image}
    if not is_store(path):
        return found
    for number in count(1):
        try:
            (smaller,) = open_large(path / str(number))
        except (UnseamError, ValueError):  # there are no more, or the store names them in another way
            return found
        for level in range(1, num_levels):
            sides = zip((smaller.height, smaller.width), (image.height, image.width), strict=True)
            if all(side in (length >> level, -(-length >> level)) for side, length in sides) and smaller.dtype == image.dtype:
                found.setdefault(level, smaller)
    return found


def made_smaller(
    image: LargeImage, steps: int, as_sent: Callable[[Shaped[np.ndarray, "..."]], Shaped[np.ndarray, "..."]]
) -> Shaped[np.ndarray, "channel h w"]:
    """Halve a whole image several times, window by window, so that only the result is held.

    Parameters
    ----------
    as_sent
        Turns the pixels of a window into the numbers that travel.

    Raises ImageReadError if a part is damaged.
    """
    height, width = -(-image.height >> steps), -(-image.width >> steps)
    result: Shaped[np.ndarray, "channel h w"] | None = None
    for top in range(0, image.height, _WINDOW):
        for left in range(0, image.width, _WINDOW):
            rows = slice(top, min(image.height, top + _WINDOW))
            columns = slice(left, min(image.width, left + _WINDOW))
            part = channels_first(as_sent(image.read(0, rows, columns)))
            for _ in range(steps):
                part = halved(part)
            if result is None:
                result = np.zeros((len(part), height, width), part.dtype)
            result[:, top >> steps : (top >> steps) + part.shape[1], left >> steps : (left >> steps) + part.shape[2]] = part
    assert result is not None
    return result


def channels_first(pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "channel h w"]:
    """Return (H, W) or (H, W, C) as (C, H, W)."""
    return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
