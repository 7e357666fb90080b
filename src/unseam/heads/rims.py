"""Distances inside objects: to the rim of the own object, and to the nearest other one."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

_MARGIN = 3.0  # px beyond the diameter of an object within which neighbours count: it lets small objects have some


@dataclass(frozen=True)
class RimDistances:
    """The maps of one instance map; 0 outside objects.

    Attributes
    ----------
    to_rim
        px to the nearest pixel that is not of the same object; infinite where the object fills the image.
    largest
        The largest ``to_rim`` of the pixel's object.
    to_other
        px to the nearest pixel of another object, at most ``reach``; infinite without one within the diameter and 3 px.
    reach
        The largest ``to_other`` of the pixel's object, at most its diameter (that of a disc with its area) and 3 px.
    """

    to_rim: Float32[np.ndarray, "height width"]
    largest: Float32[np.ndarray, "height width"]
    to_other: Float32[np.ndarray, "height width"]
    reach: Float32[np.ndarray, "height width"]


def measure_rims(cells: Int32[np.ndarray, "height width"], *, others: bool = True) -> RimDistances:
    """Measure every object of an instance map, in any number of pieces.

    The border of the image is no rim, since the object continues beyond it. Pixels that are not annotated are: where few
    objects are painted, nothing else tells where they end. Without ``others``, ``to_other`` is infinite.
    """
    # Each object in a window of its own: a transform of the whole image for each of many objects would take hours.
    from scipy import ndimage  # where it is used: a network computes without SciPy

    objects = np.maximum(cells, 0)
    result = RimDistances(*(np.zeros(cells.shape, np.float32) for _ in range(4)))
    for number, box in enumerate(ndimage.find_objects(objects), start=1):
        if box is None:
            continue
        # One more pixel holds the nearest other pixel: whatever is nearer lies in the object, and so in its box.
        near = _widened(box, 1)
        is_own = objects[near] == number
        to_rim = ndimage.distance_transform_edt(is_own)[is_own] if not is_own.all() else np.inf
        diameter = 2 * math.sqrt(np.count_nonzero(is_own) / math.pi)
        result.to_rim[near][is_own] = to_rim
        result.largest[near][is_own] = np.max(to_rim)
        result.to_other[near][is_own] = np.inf
        farthest = diameter + _MARGIN
        wide = _widened(box, math.ceil(farthest))
        around = objects[wide]
        is_other = (around > 0) & (around != number)
        if others and is_other.any():
            is_own = around == number
            distance = ndimage.distance_transform_edt(~is_other)[is_own]
            if distance.min() <= farthest:
                result.to_other[wide][is_own] = np.minimum(distance, farthest)
                result.reach[wide][is_own] = min(distance.max(), farthest)
    return result


def _widened(box: tuple[slice, ...], by: int) -> tuple[slice, ...]:
    """Return a box with a margin; a slice may end beyond the image."""
    return tuple(slice(max(0, part.start - by), part.stop + by) for part in box)
