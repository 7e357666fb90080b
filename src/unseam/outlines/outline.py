"""The outline of one object."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

Ring = Shaped[np.ndarray, "_corners 2"]
"""Corners (row, column) of a closed line, the first one once; whole numbers where we traced it, any where others drew it."""

Polygon = tuple[Ring, ...]
"""The line around a piece, then those around its holes."""


class At(NamedTuple):
    """The frame and the plane that an outline lies in, from 0."""

    frame: int = 0
    plane: int = 0


FIRST = At()


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of the object with a number: one polygon for each piece whose pixels join at their sides.

    Attributes
    ----------
    class_name
        Its class in words or as a number; empty without one.
    """

    number: int
    polygons: tuple[Polygon, ...]
    class_name: str = ""
    at: At = FIRST

    @property
    def rings(self) -> tuple[Ring, ...]:
        return tuple(ring for polygon in self.polygons for ring in polygon)


def signed_area(ring: Ring) -> float:
    """Return the area, above 0 where the line runs clockwise on the screen, as around a piece; below 0 around a hole.

    >>> signed_area(np.array([[0, 0], [0, 3], [2, 3], [2, 0]]))
    6.0
    """
    y, x = ring.T.astype(np.float64)
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
