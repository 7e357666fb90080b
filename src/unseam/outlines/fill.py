"""Outlines -> instance map: a pixel belongs to an object if its middle lies inside."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Int32
from skimage.draw import polygon

from unseam.outlines.outline import Outline


def fill_outlines(outlines: Iterable[Outline], height: int, width: int) -> tuple[Int32[np.ndarray, "height width"], int]:
    """Draw outlines by their numbers; also return how many pixels lie in several objects, and then belong to the first one.

    What lies outside the image is left out.

    >>> square = Outline(4, ((np.array([[0, 0], [0, 2], [2, 2], [2, 0]]),),))
    >>> fill_outlines([square], 2, 3)[0].tolist()
    [[4, 4, 0], [4, 4, 0]]
    """
    labels = np.zeros((height, width), np.int32)
    num_shared = 0
    for outline in outlines:
        corners = np.concatenate([np.zeros((0, 2)), *outline.rings])
        if not len(corners):
            continue
        top, left = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0).tolist()
        bottom, right = np.minimum(np.ceil(corners.max(axis=0)).astype(int), (height, width)).tolist()
        if top >= bottom or left >= right:
            continue
        inside = _inside(outline, top, left, (bottom - top, right - left))
        box = labels[top:bottom, left:right]
        num_shared += int(np.count_nonzero(inside & (box > 0)))
        box[inside & (box == 0)] = outline.number
    return labels, num_shared


def _inside(outline: Outline, top: int, left: int, shape: tuple[int, int]) -> Bool[np.ndarray, "rows columns"]:
    """Return the pixels of a box that an odd number of the polygon's lines goes around."""
    inside = np.zeros(shape, bool)
    for piece in outline.polygons:
        of_piece = np.zeros(shape, bool)
        for ring in piece:
            # The middle of the first pixel is (0.5, 0.5) for outlines, and (0, 0) for scikit-image.
            rows, columns = polygon(ring[:, 0] - top - 0.5, ring[:, 1] - left - 0.5, shape)
            of_piece[rows, columns] ^= True
        inside |= of_piece
    return inside
