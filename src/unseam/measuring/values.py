"""Facts about objects -> numbers with a name in scikit-image: :func:`skimage.measure.regionprops_table`, for all at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from unseam.measuring.facts import Facts
from unseam.measuring.hulls import hull_areas, hull_rows, longest_diameters
from unseam.measuring.outside import PERIMETER_STEPS

Spacing = tuple[float, float]
_AT_ONCE = 4096  # objects whose hulls are drawn: the rows of all of them would take more memory than all else


@dataclass(frozen=True)
class ObjectValues:
    """The values of the objects of one plane.

    Parameters
    ----------
    facts
        About whole objects.
    height, width
        Of the plane, px.
    spacing_um
        Size of a pixel (row, column); None if unknown.
    """

    facts: Facts
    height: int
    width: int
    spacing_um: Spacing | None = None

    @property
    def areas(self) -> Int64[np.ndarray, "objects"]:
        return self.facts.areas

    @property
    def is_square(self) -> bool:
        """Whether a pixel is known to be as high as wide: only then has a perimeter in um a meaning."""
        return self.spacing_um is not None and bool(np.isclose(*self.spacing_um, rtol=1e-6))

    @cached_property
    def centroids(self) -> Float64[np.ndarray, "objects 2"]:
        """Row and column of the middle."""
        return self.facts.boxes[:, :2] + self.facts.sums[:, :2] / self.areas[:, np.newaxis]

    @cached_property
    def variances(self) -> Float64[np.ndarray, "objects 3"]:
        """Mean of row^2, column^2 and row * column about the middle."""
        number = self.areas.astype(np.float64)
        row, column, rows, columns, both = self.facts.sums.T
        about = (rows - row * row / number, columns - column * column / number, both - row * column / number)
        return np.stack(about, axis=1) / number[:, np.newaxis]

    def axis_lengths(self, spacing: Spacing = (1.0, 1.0)) -> Float64[np.ndarray, "objects 2"]:
        """Return the long and the short axis of the ellipse with the same second moments."""
        rows, columns, both = self._scaled(spacing)
        middle, half = (rows + columns) / 2, np.hypot((rows - columns) / 2, both)
        return 4 * np.sqrt(np.stack([middle + half, np.maximum(middle - half, 0)], axis=1))

    def _scaled(self, spacing: Spacing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows, columns, both = self.variances.T
        return rows * spacing[0] ** 2, columns * spacing[1] ** 2, both * spacing[0] * spacing[1]

    @cached_property
    def orientations(self) -> Float64[np.ndarray, "objects"]:
        """Angle from the rows' axis to the long axis, -pi/2 to pi/2, of the shape in um where the pixel size is known."""
        rows, columns, both = self._scaled(self.spacing_um or (1.0, 1.0))
        angles = 0.5 * np.arctan2(2 * both, rows - columns)
        return np.where(rows == columns, np.where(both > 0, np.pi / 4, -np.pi / 4), angles)

    @cached_property
    def eccentricities(self) -> Float64[np.ndarray, "objects"]:
        """Of the same ellipse: 0 for a circle, near 1 for a line."""
        long, short = self.axis_lengths(self.spacing_um or (1.0, 1.0)).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(long == 0, 0.0, np.sqrt(np.maximum(1 - (short / long) ** 2, 0)))

    @cached_property
    def perimeters(self) -> Float64[np.ndarray, "objects"]:
        return self.facts.steps @ PERIMETER_STEPS

    @cached_property
    def hull_areas(self) -> Int64[np.ndarray, "objects"]:
        parts = self.facts.hulls.parts(len(self.areas), _AT_ONCE)
        return np.concatenate([np.zeros(0, np.int64), *(hull_areas(hull_rows(hulls), number) for hulls, number in parts)])

    def longest_diameters(self, spacing: Spacing = (1.0, 1.0)) -> Float64[np.ndarray, "objects"]:
        parts = self.facts.hulls.parts(len(self.areas), _AT_ONCE)
        return np.concatenate([np.zeros(0), *(longest_diameters(hull_rows(hulls), number, spacing) for hulls, number in parts)])

    @cached_property
    def touches_border(self) -> Bool[np.ndarray, "objects"]:
        """Whether a pixel lies on the border of the plane, so that the object may go on beyond it."""
        top, left, bottom, right = self.facts.boxes.T
        return (top == 0) | (left == 0) | (bottom == self.height) | (right == self.width)

    @cached_property
    def num_neighbours(self) -> Int64[np.ndarray, "objects"]:
        """Number of objects with which a side or a corner of a pixel is in common."""
        places = np.searchsorted(self.facts.ids, self.facts.touching.ravel())
        return np.bincount(places, minlength=len(self.areas)).astype(np.int64)
