"""Bend one map of cells towards another without splitting, joining, creating or filling any component.

A pixel is *simple* if flipping it changes no number of components: neither that of the cells, which are connected over four
neighbours, nor that of the membranes between them, which are connected over eight. The eight neighbours of a pixel decide
whether it is simple, so a table of 256 entries holds all cases.
"""

from functools import cache

import numpy as np
from jaxtyping import Bool, Int

NUM_COLOURS = 4
"""Pixels of one colour are two px apart, so no two of them are neighbours, and all of them may flip together."""


@cache
def simple_patterns() -> Bool[np.ndarray, " 256"]:
    """Return for each pattern of eight neighbours whether the pixel in the middle is simple.

    Bit k of a pattern is neighbour k, counter-clockwise from the right: right, upper right, upper, .., lower right. The value
    of the middle pixel itself makes no difference.

    **Source:** the connectivity number of Yokoi, Toriwaki and Fukumura (1975), Computer Graphics and Image
    Processing 4:63-73, for four neighbours: a pixel is simple where it is 1.
    """
    pattern = np.arange(256)
    is_set = [(pattern >> k) & 1 for k in range(8)]
    # This counts the pieces of cell around the pixel. A side neighbour that joins the next side through their corner is no
    # further piece.
    number = sum(is_set[k] - is_set[k] * is_set[k + 1] * is_set[(k + 2) % 8] for k in (0, 2, 4, 6))
    return np.asarray(number == 1)


def warp(
    start: Bool[np.ndarray, "height width"], goal: Bool[np.ndarray, "height width"], may_flip: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Flip simple pixels of ``start`` that differ from ``goal``, until no such pixel remains.

    The order is fixed: all pixels of one colour of a 2x2 checkerboard together, then those of the next colour, in turn.
    Everything beyond the image is background and never flips.

    Parameters
    ----------
    start, goal
        True in cells.
    may_flip
        False where ``start`` must keep its value.

    Returns
    -------
    array
        A map with the components and holes of ``start``. It differs from ``goal`` in no more pixels than ``start`` does, and
        no single permitted flip of a simple pixel brings it nearer.

    Examples
    --------
    The first cell grows to its end in the goal. ``start`` has no second cell that could grow.

    >>> start, goal = np.array([[True, False, False, False]]), np.array([[True, True, False, True]])
    >>> warp(start, goal, np.ones((1, 4), bool)).astype(int).tolist()
    [[1, 1, 0, 0]]
    """
    # With a frame of background every pixel has eight neighbours, and a flat offset never wraps into the next row.
    state = np.pad(start.astype(np.uint8), 1)
    differs = np.pad((start != goal) & may_flip, 1)
    width = state.shape[1]
    flat, open_pixels = state.reshape(-1), differs.reshape(-1)  # views: flipped in place
    neighbours = np.array([1, 1 - width, -width, -1 - width, -1, width - 1, width, width + 1])
    is_simple = simple_patterns()
    waiting = [[pixels] for pixels in _by_colour(np.flatnonzero(open_pixels), width)]
    while any(pixels.size for of_one_colour in waiting for pixels in of_one_colour):
        # Two neighbours can each be simple and still tear a cell when both flip, so the colours take turns.
        for colour in range(NUM_COLOURS):
            # Several flipped neighbours may have queued the same pixel. Repeats would multiply from round to round.
            candidates = np.unique(np.concatenate([*waiting[colour], np.zeros(0, np.int64)]))
            waiting[colour] = []
            pattern = np.zeros(candidates.size, np.uint8)
            for bit, offset in enumerate(neighbours):
                pattern |= flat[candidates + offset] << bit
            flipped = candidates[is_simple[pattern]]
            flat[flipped] ^= 1
            open_pixels[flipped] = False  # it agrees with the goal now; flipping it back would never end
            # Only a pixel next to a flip can have become simple, so a round costs the moving front, not the image.
            near = (flipped[:, None] + neighbours).reshape(-1)
            for other, pixels in enumerate(_by_colour(near[open_pixels[near]], width)):
                waiting[other].append(pixels)
    return state[1:-1, 1:-1].astype(bool)


def _by_colour(pixels: Int[np.ndarray, " pixels"], width: int) -> list[np.ndarray]:
    colour = 2 * (pixels // width & 1) + (pixels % width & 1)
    return [pixels[colour == k] for k in range(NUM_COLOURS)]
