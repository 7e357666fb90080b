"""Read an image and its labels once, through one map of coordinates.

All geometry of a crop (place, rotation, mirroring, scale, elastic deformation) becomes one place in the image for each
pixel of the tile. A single interpolation keeps the image as sharp as possible and reads memory once::

    image frame (may be 20 000 px a side)             window frame (cut out, mirrored border, some 850 px a side)
    +-----------------------------------+             +----------------+
    |        centre                     |    cut      |   .-------.    |    sample
    |          x  <- tile pixels lie    |   ----->    |  /  tile   |   |   ------->   tile (input_size, input_size)
    |             round it              |             |  `---------'   |              maps (output_size, output_size)
    +-----------------------------------+             +----------------+

Coordinates are float32 offsets from a whole pixel near the centre, so they are as exact in a large image as in a small
one. They are computed where they are used: on the CPU, or on the GPU that holds the image. The drawn numbers alone bound
the size of the window, so the CPU never waits for a GPU.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32, Float64, Shaped
from torch import Tensor

from unseam.augment.cut import cut_window, tensor_type

_ROUNDING = 0.01
"""Px; rounding to float32 moves coordinates by less than this."""


@dataclass(frozen=True)
class Coordinates:
    """For each pixel of a tile, the place in the image that it is read from, relative to the pixel ``base``."""

    base: tuple[int, int]
    """Whole pixel (row, column) of the image."""
    half: int
    """Unit of ``grid``, px: a power of two, so that scaling is exact, and larger than any offset."""
    grid: Float32[Tensor, "2 size size"]
    """Column offset (first) and row offset of each pixel of the tile, in units of ``half`` px: within -1..1."""
    reach: "Reach"

    @property
    def offsets(self) -> Float32[Tensor, "2 size size"]:
        """Row and column offset of each pixel of the tile, px."""
        return self.grid.flip(0) * self.half

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Top and left (offsets, px), height and width of a window with every pixel that interpolation reads."""
        lowest, highest = self.reach.bounds(self.grid.shape[1])
        # A 4 x 4 kernel reads one pixel before the pixel at floor(offset) and two after it.
        top, left = (math.floor(low) - 1 for low in lowest)
        bottom, right = (math.floor(high) + 3 for high in highest)
        return top, left, bottom - top, right - left

    def centred(self, size: int) -> "Coordinates":
        """Return the coordinates of the middle ``size`` x ``size`` pixels of the tile."""
        skip = (self.grid.shape[1] - size) // 2
        return replace(self, grid=self.grid[:, skip : skip + size, skip : skip + size])


@dataclass(frozen=True)
class Reach:
    """Bounds on the offsets of a tile, from the drawn numbers alone: reading the field would wait for the GPU."""

    middle: tuple[float, float]
    """Offset (row, column) of the middle of the tile, px."""
    slope: tuple[float, float]
    """Largest change of an offset (row, column), px, per px of distance from the middle along both axes."""
    displacement: tuple[float, float]
    """Largest displacement (row, column), px."""

    def bounds(self, size: int) -> tuple[list[float], list[float]]:
        """Return the lowest and highest (row, column) offset of the middle ``size`` x ``size`` pixels, px."""
        pairs = zip(self.slope, self.displacement, strict=True)
        radii = [slope * (size - 1) / 2 + displacement + _ROUNDING for slope, displacement in pairs]
        lowest = [middle - radius for middle, radius in zip(self.middle, radii, strict=True)]
        return lowest, [middle + radius for middle, radius in zip(self.middle, radii, strict=True)]


def coordinates(
    centre: tuple[float, float],
    matrix: Float64[np.ndarray, "2 2"],
    vectors: Float32[np.ndarray, "2 grid grid"],
    basis: Float32[np.ndarray, "size grid"],
    device: torch.device | None = None,
) -> Coordinates:
    """Fuse place, affine map and deformation: ``centre + matrix @ offset in tile + displacement``.

    Splines, offset and constant are the columns of one small matrix per axis, so two matrix products give the whole map:
    ``side (size, grid + 2) @ core (grid + 2, grid + 2) @ side.T (grid + 2, size)``, once for columns and once for rows.

    Parameters
    ----------
    centre
        Middle of the tile, (row, column) in px of the image; pixel centres are whole numbers.
    matrix
        From (row, column) offsets in the tile to offsets in the image, px.
    vectors, basis
        Displacements in px of the image at the points of a lattice, and the weight of each point at each pixel. A
        lattice of 0 points deforms nothing.
    device
        Where to compute the coordinates; None: the CPU.
    """
    size, grid = basis.shape
    base = np.floor(centre)
    # Between lattice points a spline may exceed the vectors at the points: without this factor the window could be too small.
    overshoot = float(np.abs(basis).sum(axis=1).max()) ** 2
    reach = Reach(
        middle=tuple((centre - base).tolist()),
        slope=tuple(np.abs(matrix).sum(axis=1).tolist()),
        displacement=tuple((overshoot * np.abs(vectors).max(axis=(1, 2), initial=0.0)).tolist()),
    )
    lowest, highest = reach.bounds(size)
    # grid_sample wants -1..1 and scales back. Dividing by a power of two loses no bit, so whole coordinates stay whole. 3 px
    # of slack keep the kernel's outer pixels inside.
    half = 2 ** math.ceil(math.log2(max(*highest, -min(lowest)) + 3))
    device = device or torch.device("cpu")
    # A GPU may be set to multiply float32 with 10 bits only, which errs by a third of a px. float64 keeps its precision.
    dtype = np.float32 if device.type == "cpu" else np.float64
    side = np.empty((size, grid + 2), dtype)
    side[:, :grid] = basis
    side[:, grid] = np.arange(size) - (size - 1) / 2
    side[:, grid + 1] = 1.0
    core = np.zeros((2, grid + 2, grid + 2), dtype)
    core[:, :grid, :grid] = vectors[::-1]  # reversed, here and below: grid_sample wants columns before rows
    core[:, grid, grid + 1] = matrix[::-1, 0]
    core[:, grid + 1, grid] = matrix[::-1, 1]
    core[:, grid + 1, grid + 1] = (centre - base)[::-1]
    core /= half
    sides, cores = (torch.from_numpy(part).to(device, non_blocking=True) for part in (side, core))
    return Coordinates((int(base[0]), int(base[1])), half, (sides @ (cores @ sides.T)).float(), reach)


def sample_cubic(
    image: Float32[np.ndarray, "channel image_height image_width"] | Float32[Tensor, "channel image_height image_width"],
    at: Coordinates,
) -> Float32[Tensor, "channel size size"]:
    """Interpolate an image at each coordinate, by cubic convolution over 4 x 4 pixels.

    The kernel is Keys' with a = -0.75, as in PyTorch and OpenCV. It passes through the pixels, so a whole coordinate
    returns its pixel to the bit. Beyond the border the image is mirrored about its outer pixels.
    """
    top, left, height, width = at.window
    # grid_sample scales -1..1 to the whole of its image. Scaling to the window would round, so the window poses as part of an
    # image of 2 * half + 1 px per side with ``base`` in its middle. That image is never allocated: its rows overlap in memory,
    # and grid_sample reads only pixels of the window.
    side = 2 * at.half + 1
    memory = torch.empty((side - 1) * width + side, dtype=torch.float32, device=at.grid.device)
    large_image = memory.as_strided((1, 1, side, side), (memory.numel(), memory.numel(), width, 1))
    window = memory.as_strided((height, width), (width, 1), (at.half + top) * width + at.half + left)
    grid_NHWX = at.grid.permute(1, 2, 0)[None]
    sampled = []
    for plane in image:  # on a CPU, one call for all channels takes 1.5 times as long
        cut_window(plane, at.base[0] + top, at.base[1] + left, window)
        sampled.append(torch.nn.functional.grid_sample(large_image, grid_NHWX, mode="bicubic", align_corners=True)[0])
    return sampled[0] if len(sampled) == 1 else torch.cat(sampled)


def sample_nearest(
    maps: Sequence[Shaped[np.ndarray, "image_height image_width"] | Shaped[Tensor, "image_height image_width"]], at: Coordinates
) -> list[Shaped[Tensor, "size size"]]:
    """Read each map at the pixel nearest to each coordinate, so that no value is invented.

    Halfway between two pixels the later one is read. Beyond the border the maps are mirrored, like the image.
    """
    top, left, height, width = at.window
    # int() truncates towards zero. Relative to the first pixel of the window all places are positive, so it rounds down.
    columns, rows = (axis.mul(at.half).add_(0.5 - first).int() for axis, first in zip(at.grid, (left, top), strict=True))
    index = rows.mul_(width).add_(columns).view(-1)
    read = []
    for plane in maps:  # a small window stays in the cache; reading from the map itself is slower
        window = torch.empty((height, width), dtype=tensor_type(plane), device=at.grid.device)
        cut_window(plane, at.base[0] + top, at.base[1] + left, window)
        read.append(window.view(-1).index_select(0, index).view(at.grid.shape[1:]))
    return read
