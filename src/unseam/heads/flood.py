"""The flood that gives likely pixels to the cores, in an order that is the same in a window and in the whole image.

The watershed keeps a queue of pixels. Between two equally probable pixels its order depends on everything that happened
before, anywhere in the image, and no window could repeat it. Here the order is a property of the pixels alone: no two pixels
are equal, and a window keeps the order of its pixels::

    first the more probable; of equals the one nearer to a core (city block, up to MOST_STEPS px);
    of equals in that, too, the one that comes first in a scan by rows

So two cores share a plateau between them at its middle, as with a queue, instead of the upper one taking all of it.

**Which core a pixel goes to.** The *bottleneck* of a pixel is the last place in the order that the best path from any core to
it must pass. The flood takes pixels by their bottleneck, and a pixel takes the number of the neighbour with the earliest one.
(When a pixel q is taken that is later than all before it, the pixels behind it that are earlier than q have no number yet.
They take that of q, all before anything else is taken. So neighbours that tie in the bottleneck q share a number.) This is a
statement about paths, not about queues, and therefore holds in windows (see :func:`flood`).
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32, UInt8

LIKELY = 0.5  # above it a pixel is more probably foreground than not

MOST_STEPS = 31  # px from a core that the order distinguishes; a window needs a rim of as many px to know them
UNKNOWN = -1  # in a flooded window: the number depends on what lies outside

_STEP_BITS, _PLACE_BITS = 5, 35  # of 64; the other 24 hold a float32 from 0.5 to 2


def steps_to_core(is_core: Bool[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """Return the city-block distance of each pixel to the nearest core, ``MOST_STEPS`` at most.

    Examples
    --------
    >>> steps_to_core(np.array([[True, False, False], [False, False, False]])).tolist()
    [[0, 1, 2], [1, 2, 3]]
    """
    if not is_core.any():
        return np.full(is_core.shape, MOST_STEPS, np.uint8)
    from scipy import ndimage  # where it is used: a network computes without SciPy

    steps = ndimage.distance_transform_cdt(~is_core, "taxicab")
    return np.minimum(steps, MOST_STEPS).astype(np.uint8)


def flood(
    cores: Int32[np.ndarray, "height width"],
    likely: Float[np.ndarray, "height width"],
    steps: UInt8[np.ndarray, "height width"],
    is_open: Bool[np.ndarray, "height width"] | None = None,
) -> Int32[np.ndarray, "height width"]:
    """Give the likely pixels to the cores, the most probable first; a likely region without a core stays background.

    Parameters
    ----------
    cores
        0 is background, 1 and up are numbers of cores; every core pixel is more probable than every other pixel.
    likely
        Probability of the foreground.
    steps
        From :func:`steps_to_core`.
    is_open
        For a window: its outermost pixels on the sides where the image continues. Likely pixels among them that are not
        core pixels act as cores ``UNKNOWN`` that come before all others.

    Returns
    -------
    Int32[np.ndarray, "height width"]
        The cores and what they flooded. In a window a pixel is ``UNKNOWN``, or what the flood of the whole image makes it.

    Notes
    -----
    **A number in a window is certain.** A path from a core of the image to a pixel of the window either stays in the window
    or enters it for the last time through an open pixel, from which the flood of the window starts at no cost. So the
    bottleneck in the window, b, is nowhere later than that in the image, B. Let a pixel have a number in the window. The
    chain of pixels that passed the number on starts at a core and lies within the window, so B is no later than b: they are
    equal. The pixel took its number from the neighbour n with the earliest b, which has a number, too; for each other
    neighbour m, B(m) is no earlier than b(m), which is no earlier than b(n) = B(n). No neighbour lies outside the window, or
    the pixel would be open itself. So n is its neighbour of earliest B, and gives it the same number in the image (along the
    chain, from the core on). A likely pixel with no number at all is in a piece that has neither a core nor an open pixel,
    so the piece ends within the window and is certainly background.
    """
    from skimage.segmentation import watershed  # a quarter of a second, for a raised threshold only

    # The flood starts from the rims of the cores; their insides would only wait in its queue.
    is_inside = _inside(cores > 0)
    mask = (likely > LIKELY) & ~is_inside
    order = _order(likely, steps, mask)
    markers = np.where(is_inside, np.int32(0), cores)
    if is_open is not None:
        is_unknown = is_open & mask & (cores == 0)
        markers[is_unknown] = UNKNOWN
        order[is_unknown] = 0
    flooded = watershed(order, markers, connectivity=1, mask=mask)
    return np.where(is_inside, cores, flooded).astype(np.int32)


def _inside(is_core: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Return the core pixels whose four neighbours are all core pixels."""
    inside = is_core.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = False
    middle = inside[1:-1, 1:-1]
    for neighbour in (is_core[:-2, 1:-1], is_core[2:, 1:-1], is_core[1:-1, :-2], is_core[1:-1, 2:]):
        middle &= neighbour
    return inside


def _order(
    likely: Float[np.ndarray, "height width"],
    steps: UInt8[np.ndarray, "height width"],
    mask: Bool[np.ndarray, "height width"],
) -> Float64[np.ndarray, "height width"]:
    """Return 1, 2, ... in the order of the flood within the mask; float64, since the watershed would convert it to that.

    Value, steps and place share one 64-bit word, so that one sort of plain numbers is enough.
    """
    places = np.flatnonzero(mask)
    assert len(places) < 1 << _PLACE_BITS
    # The bits of positive floats sort as the floats do.
    bits = likely.ravel()[places].astype(np.float32).view(np.uint32)
    above = np.minimum(bits - np.float32(LIKELY).view(np.uint32), np.uint32((1 << 24) - 1))
    words = ((1 << 24) - 1 - above).astype(np.uint64) << np.uint64(_STEP_BITS)
    words |= steps.ravel()[places]
    words <<= np.uint64(_PLACE_BITS)
    words |= np.arange(len(places), dtype=np.uint64)
    words.sort()
    words &= np.uint64((1 << _PLACE_BITS) - 1)
    order = np.zeros(likely.shape)
    order.ravel()[places[words.astype(np.int64)]] = np.arange(1, len(places) + 1)
    return order
