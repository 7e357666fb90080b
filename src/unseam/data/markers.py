"""Cells that have a marker but no mask: the truths of the Cell Tracking Challenge mark all cells and outline few.

Cells without a mask must not be learnt as background. Source: Ronneberger, Fischer and Brox 2015, section 4: the training
images of the challenge are only partly annotated.
"""

import numpy as np
from jaxtyping import Int32, Integer
from scipy import ndimage

from unseam.shapes import NOT_ANNOTATED


def drop_unmasked(
    masks: Integer[np.ndarray, "height width"], markers: Integer[np.ndarray, "height width"]
) -> tuple[Int32[np.ndarray, "height width"], int]:
    """Set pixels to "not annotated" that may belong to cells with a marker but no mask.

    The extent of such a cell is unknown. Background counts as not annotated up to the diameter of the median outlined cell
    from the marker. This covers cells twice as long as wide, and costs only background, of which there is plenty. If no cell
    of a frame is outlined, nothing in it is annotated.

    Parameters
    ----------
    masks
        0 background, 1 and up the outlined cells.
    markers
        A number for each cell, on some of its pixels; 0 elsewhere. Numbers need not be those of ``masks``.

    Returns
    -------
    tuple of array and int
        ``masks`` with -1 at these pixels, and the number of cells whose marker touches no mask.

    >>> masks, markers = np.array([[1, 1, 0, 0, 0, 0, 0]]), np.array([[1, 0, 0, 0, 0, 0, 2]])
    >>> drop_unmasked(masks, markers)
    (array([[ 1,  1,  0,  0,  0, -1, -1]], dtype=int32), 1)
    """
    outlined = np.unique(markers[(masks > 0) & (markers > 0)])
    alone = (markers > 0) & ~np.isin(markers, outlined)
    result = masks.astype(np.int32)
    number = int(np.unique(markers[alone]).size)
    if not number:
        return result, 0
    areas = np.unique(masks[masks > 0], return_counts=True)[1]
    if not areas.size:
        result[:] = NOT_ANNOTATED
        return result, number
    reach = 2 * np.sqrt(np.median(areas) / np.pi)
    near = ndimage.distance_transform_edt(~alone) <= reach
    result[near & (masks == 0)] = NOT_ANNOTATED
    return result, number
