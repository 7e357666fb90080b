"""The levels of a pyramid: copies of a plane for viewers of large images, each half the size of the previous one.

One writer makes each work chunk of a level from the four work chunks above it::

    level 0   ┌──┬──┐        the lower right ones may be absent or smaller: the level after one of 5 px has 3 px
              ├──┼──┤   ->  ┌──┐
    level 1   └──┴──┘       └──┘
"""

from typing import Literal

import numpy as np
from jaxtyping import Int, Shaped, UInt32

ResultKind = Literal["classes", "labels", "probabilities"]
"""Meaning of a pixel in a result: its class, its object, or the probability of each class."""


def num_levels(height: int, width: int, chunk: int) -> int:
    """Count the levels until a plane fits into one chunk, including the first.

    >>> num_levels(3000, 1000, 1024), num_levels(5, 5, 8)
    (3, 1)
    """
    num = 1
    while max(height, width) > chunk:
        height, width, num = -(-height // 2), -(-width // 2), num + 1
    return num


def level_shape(shape: tuple[int, ...], level: int) -> tuple[int, ...]:
    """Return the shape of a level: height and width halved ``level`` times, rounded up.

    >>> level_shape((3, 1025, 900), 1)
    (3, 513, 450)
    """
    return *shape[:-2], -(-shape[-2] // 2**level), -(-shape[-1] // 2**level)


def downsample(
    part: Shaped[np.ndarray, "height width"], kind: ResultKind, level: int = 1, origin: tuple[int, int] = (0, 0)
) -> Shaped[np.ndarray, "half_height half_width"]:
    """Halve the number of rows and columns, rounded up.

    Class and instance maps keep one pixel of each 2 x 2, because a mean of two labels means nothing: the one at
    :func:`kept_pixels`. Probabilities are the mean of 2 x 2 px, or of those that exist at an odd edge; integers are rounded to
    the nearest.

    Parameters
    ----------
    part
        A part of the previous level that starts at an even row and column, and ends there or at the edge of the plane.
    level
        The level that is made, 1 or more.
    origin
        Row and column of the first pixel of the result, in the frame of ``level``.

    >>> downsample(np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 5.0]]), "probabilities").tolist()
    [[1.0, 4.0]]
    """
    if kind != "probabilities":
        rows, columns = kept_pixels(level, origin, part.shape)
        return part[rows, columns]
    if part.shape[0] % 2 or part.shape[1] % 2:  # repeating an edge pixel leaves the mean of the existing ones unchanged
        part = np.pad(part, ((0, part.shape[0] % 2), (0, part.shape[1] % 2)), "edge")
    wide = np.result_type(part.dtype, np.float32)
    total = np.add(part[::2, ::2], part[1::2, ::2], dtype=wide)
    total += part[::2, 1::2]
    total += part[1::2, 1::2]
    total *= 0.25
    return (np.rint(total) if part.dtype.kind in "iu" else total).astype(part.dtype)


def kept_pixels(
    level: int, origin: tuple[int, int], shape: tuple[int, ...]
) -> tuple[Int[np.ndarray, "half_height half_width"], Int[np.ndarray, "half_height half_width"]]:
    """Return row and column of the pixel that stands for each 2 x 2 px, in the frame of a part of the previous level.

    The four phases of a 2 x 2 up-convolution differ, so a pixel at a fixed place of the four would show one phase, not the map.
    Each four such neighbours keep one pixel of each phase, in an order that a hash of their place gives. So a level
    holds as much of each class as the map, up to chance, and depends on the place alone: not on chunks, planes or machines.

    Parameters
    ----------
    level
        The level that is made, 1 or more.
    origin
        Row and column of its first pixel, in the frame of ``level``.
    shape
        Rows and columns of the part of the previous level.

    >>> rows, columns = kept_pixels(1, (0, 0), (4, 4))
    >>> sorted(zip((rows % 2).ravel().tolist(), (columns % 2).ravel().tolist()))  # each phase once
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    rows = np.arange(-(-shape[0] // 2), dtype=np.uint32)[:, np.newaxis]
    columns = np.arange(-(-shape[1] // 2), dtype=np.uint32)
    down, across = rows + np.uint32(origin[0]), columns + np.uint32(origin[1])
    drawn = _hashed(_hashed(_hashed(np.full((1, 1), level, np.uint32)) ^ (down >> 1)) ^ (across >> 1))
    # Where an odd edge leaves fewer than four pixels, the nearest of them.
    return (
        np.minimum(2 * rows + ((drawn ^ down) & 1), shape[0] - 1).astype(np.intp),
        np.minimum(2 * columns + (((drawn >> 1) ^ across) & 1), shape[1] - 1).astype(np.intp),
    )


def _hashed(number: UInt32[np.ndarray, "rows columns"]) -> UInt32[np.ndarray, "rows columns"]:
    """Spread numbers over all 32 bits. Source: C. Wellons, "Prospecting for hash functions", lowbias32 (public domain)."""
    number = number + np.uint32(0x9E3779B9)  # 0 must not stay 0
    number = (number ^ (number >> np.uint32(16))) * np.uint32(0x7FEB352D)
    number = (number ^ (number >> np.uint32(15))) * np.uint32(0x846CA68B)
    return number ^ (number >> np.uint32(16))
