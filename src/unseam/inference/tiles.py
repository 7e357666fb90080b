"""The overlap-tile strategy: read the image tile by tile, mirrored beyond its border (paper: Fig. 2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from unseam.geometry import AxisTiles, Geometry, lay_tiles, mirrored_range


@runtime_checkable
class WindowedImage(Protocol):
    """A normalised image that is read window by window because it is larger than memory."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""

    def window(self, rows: slice, columns: slice) -> Float[np.ndarray, "channel rows columns"]:
        """Read some rows and columns, each ``slice(start, stop)`` within the image."""


Image = Float[np.ndarray, "channel height width"] | WindowedImage
"""An image that tiles are read from: normalised, channels first."""


@dataclass(frozen=True)
class Tile:
    """One input tile and the place of its output.

    Attributes
    ----------
    input
        (C, h, w), with its context, mirrored where the image ends.
    rows, columns
        Place of the used part of its output, in the frame of the pixels that the plan covers.
    """

    input: Float[np.ndarray, "channel height width"]
    rows: slice
    columns: slice


@dataclass(frozen=True)
class TilePlan:
    """The tiles of an image, or of a part of it: the product of the tiles of its two axes.

    Attributes
    ----------
    rows, columns
        The tiles of each axis, in px from ``top`` and ``left``.
    context
        Context of the network, px.
    top, left
        Upper left corner of the part in the image, px; multiples of the phase.
    """

    rows: AxisTiles
    columns: AxisTiles
    context: int
    top: int = 0
    left: int = 0

    def __len__(self) -> int:
        return len(self.rows.origins) * len(self.columns.origins)

    def with_tiles(self, geometry: Geometry, max_input_tile: int) -> "TilePlan":
        """Plan other tiles for the same pixels."""
        rows, columns = self.rows.length, self.columns.length
        return plan_tiles(rows, columns, geometry, max_input_tile, top=self.top, left=self.left)


def plan_tiles(height: int, width: int, geometry: Geometry, max_input_tile: int, *, top: int = 0, left: int = 0) -> TilePlan:
    """Lay tiles over ``height`` x ``width`` px of an image, from (``top``, ``left``); see `unseam.geometry.lay_tiles`.

    ``top`` and ``left`` are multiples of the phase, so these pixels get the same result as in a plan for the whole image.
    """
    assert top % geometry.phase == left % geometry.phase == 0
    rows, columns = (lay_tiles(length, geometry, max_input_tile) for length in (height, width))
    return TilePlan(rows, columns, geometry.context, top, left)


def read_tiles(image: Image, plan: TilePlan) -> Iterator[Tile]:
    """Yield every input tile of the plan, row by row; each is read from the image when it is needed."""
    height, width = image.shape[1:]
    for row in plan.rows.origins:
        row_indices = _indices(plan.top + row - plan.context, plan.rows.input_tile, height)
        for column in plan.columns.origins:
            column_indices = _indices(plan.left + column - plan.context, plan.columns.input_tile, width)
            yield Tile(
                input=_read(image, row_indices, column_indices),
                rows=slice(row, row + plan.rows.used(row)),
                columns=slice(column, column + plan.columns.used(column)),
            )


def _indices(start: int, count: int, length: int) -> np.ndarray:
    return mirrored_range(start, start + count, length)


def _read(image: Image, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Read the pixels at rows x columns, through the smallest rectangle that holds them."""
    top, left = int(rows.min()), int(columns.min())
    down, across = slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1)
    window = image[:, down, across] if isinstance(image, np.ndarray) else image.window(down, across)
    if len(rows) == window.shape[1] and len(columns) == window.shape[2]:  # nothing is mirrored
        return np.ascontiguousarray(window)
    return np.ascontiguousarray(window[:, rows - top][:, :, columns - left])
