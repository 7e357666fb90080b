"""The levels of a pyramid: copies of a plane for viewers of large images, each half the size of the previous one.

One writer makes each work chunk of a level from the four work chunks above it::

    level 0   ┌──┬──┐        the lower right ones may be absent or smaller: the level after one of 5 px has 3 px
              ├──┼──┤   ->  ┌──┐
    level 1   └──┴──┘       └──┘
"""

from typing import Literal

import numpy as np
from jaxtyping import Shaped

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


def downsample(part: Shaped[np.ndarray, "height width"], kind: ResultKind) -> Shaped[np.ndarray, "half_height half_width"]:
    """Halve the number of rows and columns, rounded up.

    Class and instance maps keep every second pixel, starting with the first, because a mean of two labels means nothing.
    Probabilities are the mean of 2 x 2 px, or of those that exist at an odd edge; integers are rounded to the nearest.

    >>> downsample(np.array([[1, 2, 3]], np.uint8), "labels").tolist()
    [[1, 3]]
    >>> downsample(np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 5.0]]), "probabilities").tolist()
    [[1.0, 4.0]]
    """
    if kind != "probabilities":
        return part[::2, ::2]
    if part.shape[0] % 2 or part.shape[1] % 2:  # repeating an edge pixel leaves the mean of the existing ones unchanged
        part = np.pad(part, ((0, part.shape[0] % 2), (0, part.shape[1] % 2)), "edge")
    wide = np.result_type(part.dtype, np.float32)
    total = np.add(part[::2, ::2], part[1::2, ::2], dtype=wide)
    total += part[::2, 1::2]
    total += part[1::2, 1::2]
    total *= 0.25
    return (np.rint(total) if part.dtype.kind in "iu" else total).astype(part.dtype)
