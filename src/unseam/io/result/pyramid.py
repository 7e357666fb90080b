"""The levels of a pyramid: smaller copies of a plane, each half the one before, for viewers of large images.

Each work chunk of a level is made from the four above it and written by one writer, like all chunks::

    level 0   ┌──┬──┐        the lower right ones may be missing or smaller: a level of 5 px has 3 px below it
              ├──┼──┤   ->  ┌──┐
    level 1   └──┴──┘       └──┘
"""

from typing import Literal

import numpy as np
from jaxtyping import Shaped

ResultKind = Literal["classes", "labels", "probabilities"]
"""What a result says of a pixel: its class, its object, or how probable each class is."""


def num_levels(height: int, width: int, chunk: int) -> int:
    """Levels until a plane lies within one chunk, the first among them.

    >>> num_levels(3000, 1000, 1024), num_levels(5, 5, 8)
    (3, 1)
    """
    num = 1
    while max(height, width) > chunk:
        height, width, num = -(-height // 2), -(-width // 2), num + 1
    return num


def level_shape(shape: tuple[int, ...], level: int) -> tuple[int, ...]:
    """Shape of a level: height and width halved ``level`` times, rounded up.

    >>> level_shape((3, 1025, 900), 1)
    (3, 513, 450)
    """
    return *shape[:-2], -(-shape[-2] // 2**level), -(-shape[-1] // 2**level)


def downsample(part: Shaped[np.ndarray, "height width"], kind: ResultKind) -> Shaped[np.ndarray, "half_height half_width"]:
    """Half as many rows and columns, rounded up.

    Class and instance maps keep every second pixel, from the first: a mean of two names is no name. Probabilities are the mean
    of 2 x 2 px, or of those that exist at an odd end; integers are rounded to the nearest.

    >>> downsampled(np.array([[1, 2, 3]], np.uint8), "labels").tolist()
    [[1, 3]]
    >>> downsampled(np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 5.0]]), "probabilities").tolist()
    [[1.0, 4.0]]
    """
    if kind != "probabilities":
        return part[::2, ::2]
    if part.shape[0] % 2 or part.shape[1] % 2:  # a pixel twice is the mean of what is there
        part = np.pad(part, ((0, part.shape[0] % 2), (0, part.shape[1] % 2)), "edge")
    wide = np.result_type(part.dtype, np.float32)
    total = np.add(part[::2, ::2], part[1::2, ::2], dtype=wide)
    total += part[::2, 1::2]
    total += part[1::2, 1::2]
    total *= 0.25
    return (np.rint(total) if part.dtype.kind in "iu" else total).astype(part.dtype)
