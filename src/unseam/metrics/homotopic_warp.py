"""Bend one map of cells towards another without breaking, joining, making or filling anything.

A pixel is *simple* if flipping it changes the number of no component: neither of the cells, which hang
together over four neighbours, nor of the membranes between them, which hang together over eight. Whether a
pixel is simple can be read off its eight neighbours alone, so a table of 256 entries decides it.
"""

from functools import cache

import numpy as np
from jaxtyping import Bool, Int

NUM_COLOURS = 4
"""Pixels of one colour lie two px apart, so none is a neighbour of another: they may be flipped together."""


@cache
def simple_patterns() -> Bool[np.ndarray, " 256"]:
    """Tell for each pattern of eight neighbours whether the pixel in their middle is simple.

    Bit k of a pattern is neighbour k: right, upper right, upper, .., lower right, counter-clockwise. The
    middle's own value makes no difference.

    **Source:** the connectivity number of Yokoi, Toriwaki and Fukumura (1975), Computer Graphics and Image
    Processing 4:63-73, for four neighbours: a pixel is simple where it is 1.
    """
    pattern = np.arange(256)
    is_set = [(pattern >> k) & 1 for k in range(8)]
    number = sum(is_set[k] - is_set[k] * is_set[k + 1] * is_set[(k + 2) % 8] for k in (0, 2, 4, 6))
    return np.asarray(number == 1)


def warp(
    start: Bool[np.ndarray, "height width"],
    goal: Bool[np.ndarray, "height width"],
    may_flip: Bool[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Flip simple pixels of ``start`` in which it differs from ``goal``, until none is left to flip.

    The order is fixed: the pixels of one colour of a 2x2 checkerboard together, then those of the next
    colour, round and round. Beyond the image all is background, which never flips.

    Parameters
    ----------
    start, goal
        True in cells.
    may_flip
        False where ``start`` has to stay as it is.

    Returns
    -------
    array
        A map with the components and holes of ``start``. It differs from ``goal`` in no more pixels than
        ``start`` does, and no single permitted flip of a simple pixel brings it nearer.

    Examples
    --------
    A cell grows to where it ought to end; the second cell is not there to grow from.

    >>> start, goal = np.array([[True, False, False, False]]), np.array([[True, True, False, True]])
    >>> warp(start, goal, np.ones((1, 4), bool)).astype(int).tolist()
    [[1, 1, 0, 0]]
    """
    state = np.pad(start.astype(np.uint8), 1)
    differs = np.pad((start != goal) & may_flip, 1)
    width = state.shape[1]
    flat, open_pixels = state.reshape(-1), differs.reshape(-1)  # views: flipped in place
    neighbours = np.array([1, 1 - width, -width, -1 - width, -1, width - 1, width, width + 1])
    is_simple = simple_patterns()
    waiting = [[pixels] for pixels in _by_colour(np.flatnonzero(open_pixels), width)]
    while any(pixels.size for of_one_colour in waiting for pixels in of_one_colour):
        for colour in range(NUM_COLOURS):
            candidates = np.unique(np.concatenate([*waiting[colour], np.zeros(0, np.int64)]))
            waiting[colour] = []
            candidates = candidates[open_pixels[candidates]]
            pattern = np.zeros(candidates.size, np.uint8)
            for bit, offset in enumerate(neighbours):
                pattern |= flat[candidates + offset] << bit
            flipped = candidates[is_simple[pattern]]
            flat[flipped] ^= 1
            open_pixels[flipped] = False
            near = (flipped[:, None] + neighbours).reshape(-1)
            for other, pixels in enumerate(_by_colour(near[open_pixels[near]], width)):
                waiting[other].append(pixels)
    return state[1:-1, 1:-1].astype(bool)


def _by_colour(pixels: Int[np.ndarray, " pixels"], width: int) -> list[np.ndarray]:
    """Part flat indices by the colour of their pixel."""
    colour = 2 * (pixels // width & 1) + (pixels % width & 1)
    return [pixels[colour == k] for k in range(NUM_COLOURS)]
