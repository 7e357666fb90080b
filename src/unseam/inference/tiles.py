"""The overlap-tile strategy: read the image tile by tile, mirrored beyond its border (paper: Fig. 2).

Axes of space are rows and columns; a volume has planes before them. Each axis has its own tiles.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from unseam.geometry import AxisTiles, Geometry, lay_tiles, mirrored_range


@runtime_checkable
class WindowedImage(Protocol):
    """A normalised image that is read window by window because it is larger than memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W)."""

    def window(self, rows: slice, columns: slice) -> Float[np.ndarray, "channel rows columns"]:
        """Read some rows and columns, each ``slice(start, stop)`` within the image."""


Image = Float[np.ndarray, "channel *space"] | WindowedImage
"""An image that tiles are read from: normalised, channels first."""


@dataclass(frozen=True)
class Tile:
    """One input tile and the place of its output.

    Attributes
    ----------
    input
        (C, h, w) or (C, d, h, w), with its context, mirrored where the image ends.
    place
        Place of the used part of its output along each axis, in the frame of the pixels that the plan covers.
    """

    input: Float[np.ndarray, "channel *space"]
    place: tuple[slice, ...]


@dataclass(frozen=True)
class TilePlan:
    """The tiles of an image, or of a part of it: the product of the tiles of its axes.

    Attributes
    ----------
    axes
        The tiles of each axis, in px from ``corner``.
    contexts
        Context of the network along each axis, px.
    corner
        First pixel of the part in the image along each axis, px; multiples of the phase.
    """

    axes: tuple[AxisTiles, ...]
    contexts: tuple[int, ...]
    corner: tuple[int, ...]

    def __len__(self) -> int:
        return math.prod(len(axis.origins) for axis in self.axes)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Length of the covered part along each axis, px."""
        return tuple(axis.length for axis in self.axes)

    @property
    def input_tile(self) -> tuple[int, ...]:
        """Length of an input tile along each axis, px."""
        return tuple(axis.input_tile for axis in self.axes)

    @property
    def size(self) -> str:
        """The covered part in words, columns first."""
        return in_words(self.lengths)

    def with_tiles(self, geometries: Sequence[Geometry], max_input_tile: int | tuple[int, ...]) -> "TilePlan":
        """Plan other tiles for the same pixels."""
        return plan_tiles(self.lengths, geometries, max_input_tile, corner=self.corner)


def plan_tiles(
    lengths: Sequence[int],
    geometries: Sequence[Geometry],
    max_input_tile: int | tuple[int, ...],
    *,
    corner: Sequence[int] | None = None,
) -> TilePlan:
    """Lay tiles over a part of an image; see `unseam.geometry.lay_tiles`.

    Parameters
    ----------
    lengths
        Of the part along each axis, px.
    geometries
        Of the network, one an axis.
    max_input_tile
        Largest input tile, px; one number for all axes, or one an axis.
    corner
        First pixel of the part along each axis, a multiple of the phase, so these pixels get the same result as in a plan for
        the whole image. None: that of the image.
    """
    begin = (0,) * len(lengths) if corner is None else tuple(corner)
    assert all(start % geometry.phase == 0 for start, geometry in zip(begin, geometries, strict=True))
    largest = (max_input_tile,) * len(lengths) if isinstance(max_input_tile, int) else max_input_tile
    axes = tuple(lay_tiles(*axis) for axis in zip(lengths, geometries, largest, strict=True))
    return TilePlan(axes, tuple(geometry.context for geometry in geometries), begin)


def read_tiles(image: Image, plan: TilePlan) -> Iterator[Tile]:
    """Yield every input tile of the plan, row by row; each is read from the image when it is needed."""
    lengths = image.shape[1:]
    for origins in itertools.product(*(axis.origins for axis in plan.axes)):
        indices = [
            _indices(start + origin - context, axis.input_tile, length)
            for start, origin, context, axis, length in zip(
                plan.corner, origins, plan.contexts, plan.axes, lengths, strict=True
            )
        ]
        used = (slice(origin, origin + axis.used(origin)) for origin, axis in zip(origins, plan.axes, strict=True))
        yield Tile(_read(image, indices), tuple(used))


def in_words(lengths: Sequence[int]) -> str:
    """Return lengths as they are usually told, columns first.

    >>> in_words((480, 640))
    '640 x 480'
    """
    return " x ".join(map(str, reversed(lengths)))


def _indices(start: int, count: int, length: int) -> np.ndarray:
    return mirrored_range(start, start + count, length)


def _read(image: Image, indices: Sequence[np.ndarray]) -> np.ndarray:
    """Read the pixels at the product of indices, through the smallest box that holds them."""
    box = [slice(int(along.min()), int(along.max()) + 1) for along in indices]
    window = image[:, *box] if isinstance(image, np.ndarray) else image.window(*box)
    for axis, (along, part) in enumerate(zip(indices, box, strict=True), start=1):
        if len(along) != window.shape[axis]:  # mirrored along this axis
            window = np.take(window, along - part.start, axis=axis)
    return np.ascontiguousarray(window)
