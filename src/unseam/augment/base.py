"""The three kinds of augmentation. A member of the family is a frozen dataclass of exactly one kind.

A member draws all random numbers from the generator passed to it, and keeps no state.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Float64
from torch import Tensor


class Affine(ABC):
    """Moves the image and its labels together, by a matrix about the middle of the tile."""

    moves_whole_pixels: ClassVar[bool] = False
    """Whether the entries of the matrix are always 0, 1 and -1, so that no pixel needs interpolation."""

    @abstractmethod
    def __call__(self, rng: np.random.Generator) -> Float64[np.ndarray, "2 2"]:
        """Draw a matrix from (row, column) offsets in the tile to offsets in the image, px."""


class Displacement(ABC):
    """Moves the image and its labels together, by a smooth displacement field."""

    @abstractmethod
    def __call__(self, rng: np.random.Generator) -> Float32[np.ndarray, "2 grid grid"]:
        """Draw displacements (row, column) at the points of a lattice, in px of the image."""

    @abstractmethod
    def basis(self, size: int) -> Float32[np.ndarray, "size grid"]:
        """Return the weight of each lattice point along one axis, for each of ``size`` pixels of the input tile.

        The displacement field is ``basis @ vectors @ basis.T``.
        """


class Appearance(ABC):
    """Changes the grey values of the image and leaves its labels alone."""

    @abstractmethod
    def __call__(self, image: Float32[Tensor, "channel height width"], rng: np.random.Generator) -> None:
        """Change an image in place, on the device that holds it, without waiting for that device."""
