"""Distances inside objects, pixel by pixel."""

import math

import numpy as np


def to_rim(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The distance to the nearest pixel of the image that is not of the same object."""
    return min((math.dist(place, other) for other in np.ndindex(*cells.shape) if cells[other] != cells[place]), default=math.inf)


def to_other(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The distance to the nearest pixel of another object."""
    others = (other for other in np.ndindex(*cells.shape) if cells[other] > 0 and cells[other] != cells[place])
    return min((math.dist(place, other) for other in others), default=math.inf)


def reach(cells: np.ndarray, place: tuple[int, int]) -> float:
    return 2 * math.sqrt(np.sum(cells == cells[place]) / math.pi) + 3


def largest(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The largest distance to the rim within the object of a pixel."""
    return max(to_rim(cells, other) for other in np.ndindex(*cells.shape) if cells[other] == cells[place])
