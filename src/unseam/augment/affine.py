"""Rotation, mirroring and scaling about the centre of the crop (sec. 3.1: rotation invariance for microscopy).

Each member draws a 2 x 2 matrix from offsets in the tile to offsets in the image, both (row, column) from the centre.
Matrices multiply, so several members cost as much as one.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from unseam.augment.base import Affine
from unseam.errors import SettingsError


@dataclass(frozen=True)
class Rotate(Affine):
    """Turn the crop by a random angle, uniform in ``-max_degrees .. max_degrees``; positive is anticlockwise on screen.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: microscopy wants invariance to shift and rotation.

    **Departs:** the paper does not state the range of angles. Images seen from above have no upright pose, so the
    default is every angle.
    """

    max_degrees: float = 180.0
    """Largest angle to either side, in degrees; 0 to 180."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.max_degrees <= 180.0:
            raise SettingsError(
                f"The largest rotation is {self.max_degrees} degrees. It may be 0 to 180; 180 lets every angle occur."
            )

    def __call__(self, rng: np.random.Generator) -> Float64[np.ndarray, "2 2"]:
        return rotation(rng.uniform(-self.max_degrees, self.max_degrees))


def rotation(degrees: float) -> Float64[np.ndarray, "2 2"]:
    """Return the matrix from tile offsets to image offsets that turns the picture anticlockwise, as ``np.rot90`` does.

    >>> rotation(90.0).round().astype(int)  # the tile's rows run along the image's columns, backwards
    array([[ 0,  1],
           [-1,  0]])
    """
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, sin], [-sin, cos]])


@dataclass(frozen=True)
class QuarterTurn(Affine):
    """Turn the crop by 0, 90, 180 or 270 degrees, each with probability one quarter."""

    moves_whole_pixels: ClassVar[bool] = True

    def __call__(self, rng: np.random.Generator) -> Float64[np.ndarray, "2 2"]:
        return rotation(90.0 * rng.integers(4)).round()


@dataclass(frozen=True)
class Mirror(Affine):
    """Mirror the crop, each of its axes with probability one half.

    **Departs:** the paper does not mirror. Mirroring is exact (no pixel is interpolated) and costs nothing. Switch it
    off where handedness matters.
    """

    moves_whole_pixels: ClassVar[bool] = True

    rows: bool = True
    """Whether the order of the rows may be reversed (top becomes bottom)."""
    columns: bool = True
    """Whether the order of the columns may be reversed (left becomes right)."""

    def __call__(self, rng: np.random.Generator) -> Float64[np.ndarray, "2 2"]:
        is_mirrored = (rng.random(2) < 0.5) & (self.rows, self.columns)
        return np.diag(np.where(is_mirrored, -1.0, 1.0))


@dataclass(frozen=True)
class Scale(Affine):
    """Enlarge or shrink the picture by a random factor, uniform in its logarithm, the same along both axes.

    A factor above 1 enlarges the objects in the crop. The logarithm makes doubling as likely as halving.

    **Departs:** not in the paper. Use it where the pixel size differs a little from image to image.
    """

    low: float = 0.9
    """Smallest factor, 0.25 or more."""
    high: float = 1.1
    """Largest factor, 4 or less."""

    def __post_init__(self) -> None:
        if not 0.25 <= self.low <= self.high <= 4.0:
            raise SettingsError(
                f"The scale runs from {self.low} to {self.high}. It may run from 0.25 to 4, the lower bound first. "
                "If pixel sizes differ by more, resample the images to a common pixel size before training."
            )

    def __call__(self, rng: np.random.Generator) -> Float64[np.ndarray, "2 2"]:
        factor = np.exp(rng.uniform(np.log(self.low), np.log(self.high)))
        return np.eye(2) / factor  # the matrix maps tile to image: objects grow where it shrinks offsets
