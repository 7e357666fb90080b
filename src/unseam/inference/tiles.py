"""The overlap-tile strategy: a window of the image, mirrored beyond the border, tile after tile (paper: Fig. 2)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from unseam.geometry import AxisTiles, Geometry, lay_tiles, mirrored_range


@dataclass(frozen=True)
class Tile:
    """One input tile and the part of the output that it gives.

    Attributes
    ----------
    input
        (C, h, w), with its context, mirrored where the image ends.
    rows, columns
        Where the used part of its output lies, in the frame of the image.
    """

    input: Float[np.ndarray, "channel height width"]
    rows: slice
    columns: slice


@dataclass(frozen=True)
class TilePlan:
    """The tiles of an image: the product of the tiles of its two axes."""

    rows: AxisTiles
    columns: AxisTiles
    context: int

    def __len__(self) -> int:
        return len(self.rows.origins) * len(self.columns.origins)


def plan_tiles(height: int, width: int, geometry: Geometry, max_input_tile: int) -> TilePlan:
    """Lay tiles over an image of ``height`` x ``width`` px; see :func:`unseam.geometry.lay_tiles`."""
    return TilePlan(
        lay_tiles(height, geometry, max_input_tile), lay_tiles(width, geometry, max_input_tile), geometry.context
    )


def read_tiles(image: Float[np.ndarray, "channel height width"], plan: TilePlan) -> Iterator[Tile]:
    """Every input tile of the plan, row by row, read from the image as it is needed."""
    for top in plan.rows.origins:
        row_indices = _indices(top, plan.rows, plan.context)
        for left in plan.columns.origins:
            column_indices = _indices(left, plan.columns, plan.context)
            yield Tile(
                input=_read(image, row_indices, column_indices),
                rows=slice(top, top + plan.rows.used(top)),
                columns=slice(left, left + plan.columns.used(left)),
            )


def _indices(origin: int, axis: AxisTiles, context: int) -> np.ndarray:
    start = origin - context
    return np.asarray(mirrored_range(start, start + axis.input_tile, axis.length))


def _read(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The pixels at rows x columns; only the rectangle that holds them is touched."""
    top, left = rows.min(), columns.min()
    window = image[:, top : rows.max() + 1, left : columns.max() + 1]
    return np.ascontiguousarray(window[:, rows - top][:, :, columns - left])
