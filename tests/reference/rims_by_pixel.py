"""Distances inside objects, pixel by pixel."""

import math

import numpy as np


def to_rim(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The distance to the nearest pixel of the image that is not of the same object."""
    return min(
        (math.dist(place, other) for other in np.ndindex(*cells.shape) if cells[other] != cells[place]), default=math.inf
    )


def to_other(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The distance to the nearest pixel of another object."""
    others = (other for other in np.ndindex(*cells.shape) if cells[other] > 0 and cells[other] != cells[place])
    return min((math.dist(place, other) for other in others), default=math.inf)


def farthest(cells: np.ndarray, place: tuple[int, int]) -> float:
    """Within this distance of an object others count."""
    return 2 * math.sqrt(np.sum(cells == cells[place]) / math.pi) + 3


def others(cells: np.ndarray, place: tuple[int, int]) -> tuple[float, float]:
    """``to_other`` and ``reach`` of a pixel."""
    limit = farthest(cells, place)
    within = [to_other(cells, own) for own in np.ndindex(*cells.shape) if cells[own] == cells[place]]
    return (min(to_other(cells, place), limit), min(max(within), limit)) if min(within) <= limit else (math.inf, 0.0)


def largest(cells: np.ndarray, place: tuple[int, int]) -> float:
    """The largest distance to the rim within the object of a pixel."""
    return max(to_rim(cells, other) for other in np.ndindex(*cells.shape) if cells[other] == cells[place])
