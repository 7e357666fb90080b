"""Random elastic deformation: the paper's key to training on very few annotated images (sec. 3.1).

Only a few random vectors are drawn, on a coarse lattice; the field between them is smooth::

    *---------*---------*     * lattice point with a displacement vector, N(0, sigma px) in rows and in columns
    |         |         |     the corner points lie on the corner pixels of the input tile,
    *---------*---------*     so a 3 x 3 lattice on a 572 px tile has a grid step of 285.5 px
    |         |         |
    *---------*---------*
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64
from scipy.ndimage import map_coordinates

from unseam.augment.base import Displacement
from unseam.errors import SettingsError


@dataclass(frozen=True)
class Elastic(Displacement):
    """Smooth random displacements, drawn on a coarse lattice over the input tile.

    A bicubic spline through the lattice vectors gives the displacement of each pixel. It is SciPy's spline of order 3 with
    ``mode="mirror"``: reflection about the outer points continues the lattice, so the field is level across the tile's
    border and does not overshoot there.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: vectors on a coarse 3 x 3 grid from a Gaussian with 10 px
    standard deviation, per-pixel displacements by bicubic interpolation.

    **Departs:** the paper names neither its bicubic interpolation nor the place of the lattice; both are our choice.

    >>> Elastic()(np.random.default_rng(0)).shape
    (2, 3, 3)
    """

    grid: int = 3
    """Lattice points along each side of the input tile, 2 or more."""
    sigma: float = 10.0
    """Standard deviation of each component of each vector, in px of the image; 0 to 200."""

    def __post_init__(self) -> None:
        if not 2 <= self.grid <= 64:
            raise SettingsError(
                f"The elastic grid has {self.grid} points per side. It may have 2 to 64; the paper uses 3. To switch "
                "the deformation off, leave elastic out."
            )
        if not 0.0 <= self.sigma <= 200.0:
            raise SettingsError(
                f"The elastic displacement has a standard deviation of {self.sigma} px. It may be 0 to 200 px; "
                "the paper uses 10."
            )

    def __call__(self, rng: np.random.Generator) -> Float32[np.ndarray, "2 grid grid"]:
        return rng.normal(0.0, self.sigma, (2, self.grid, self.grid)).astype(np.float32)

    def basis(self, size: int) -> Float32[np.ndarray, "size grid"]:
        return cubic_basis(self.grid, size)


def lattice_positions(grid: int, size: int) -> Float64[np.ndarray, "size"]:
    """Return the position of each pixel of a tile, in lattice steps; the outer lattice points lie on the outer pixels.

    >>> lattice_positions(3, 5)
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    centred = np.arange(size) - (size - 1) / 2
    return centred * ((grid - 1) / max(size - 1, 1)) + (grid - 1) / 2


@lru_cache(maxsize=32)
def cubic_basis(grid: int, size: int) -> Float32[np.ndarray, "size grid"]:
    """Return, at ``size`` pixels, the splines that are 1 at one lattice point and 0 at the others (read-only).

    A bicubic spline is separable, so one cubic basis serves both axes.
    """
    positions = lattice_positions(grid, size)[None]
    columns = [map_coordinates(one, positions, order=3, mode="mirror") for one in np.eye(grid)]
    basis = np.stack(columns, axis=1).astype(np.float32)
    basis.flags.writeable = False  # all later crops of this size share it
    return basis
