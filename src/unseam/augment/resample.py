"""Read an image and its labels once, through one map of coordinates.

All geometry of a crop (place, rotation, mirroring, scale, elastic deformation) becomes, for each pixel of the tile,
one place in the image. Interpolating once keeps the image as sharp as one interpolation can, and reads memory once::

    image frame (may be 20 000 px a side)             window frame (cut out, mirrored border, some 850 px a side)
    +-----------------------------------+             +----------------+
    |        centre                     |    cut      |   .-------.    |    sample
    |          x  <- tile pixels lie    |   ----->    |  /  tile   |   |   ------->   tile (input_size, input_size)
    |             round it              |             |  `---------'   |              maps (output_size, output_size)
    +-----------------------------------+             +----------------+

Coordinates are float32 px from a whole pixel near the centre, so they are as exact in a large image as in a small one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Shaped

from unseam.geometry import mirrored_range


@dataclass(frozen=True)
class Coordinates:
    """For each pixel of a tile, the place in the image that it is read from, in px from the pixel ``base``."""

    base: tuple[int, int]
    """The whole pixel (row, column) of the image that offsets count from."""
    offsets: Float32[np.ndarray, "2 size size"]
    """Row and column offset for each pixel of the tile."""

    def centred(self, size: int) -> "Coordinates":
        """Return the coordinates of the middle ``size`` x ``size`` pixels of the tile."""
        skip = (self.offsets.shape[1] - size) // 2
        return Coordinates(self.base, self.offsets[:, skip : skip + size, skip : skip + size])


def coordinates(
    centre: tuple[float, float],
    matrix: Float64[np.ndarray, "2 2"],
    vectors: Float32[np.ndarray, "2 grid grid"],
    basis: Float32[np.ndarray, "size grid"],
) -> Coordinates:
    """Fuse place, affine map and deformation: ``centre + matrix @ offset in tile + displacement``.

    Offset, constant and splines are all columns of one small matrix per axis, so the whole map is two matrix products:
    ``left (size, grid + 2) @ core (grid + 2, grid + 2) @ right (grid + 2, size)``, once for rows, once for columns.

    Parameters
    ----------
    centre
        Where the middle of the tile lies, (row, column) in px of the image. Pixel centres are whole numbers: the middle
        of an even tile lies half-way between two pixels.
    matrix
        From (row, column) offsets in the tile to offsets in the image, px.
    vectors, basis
        Displacements in px of the image at the points of a lattice, and the weight of each point at each pixel. A
        lattice of 0 points deforms nothing.
    """
    size, grid = basis.shape
    base = np.floor(centre)
    side = np.empty((size, grid + 2), np.float32)
    side[:, :grid] = basis
    side[:, grid] = np.arange(size) - (size - 1) / 2
    side[:, grid + 1] = 1.0
    core = np.zeros((2, grid + 2, grid + 2), np.float32)
    core[:, :grid, :grid] = vectors
    core[:, grid, grid + 1] = matrix[:, 0]
    core[:, grid + 1, grid] = matrix[:, 1]
    core[:, grid + 1, grid + 1] = centre - base
    sides = torch.from_numpy(side)
    offsets = sides @ (torch.from_numpy(core) @ sides.T)
    return Coordinates((int(base[0]), int(base[1])), offsets.numpy())


def cut(
    plane: Shaped[np.ndarray, "image_height image_width"],
    top: int,
    left: int,
    window: Shaped[np.ndarray, "height width"],
) -> Shaped[np.ndarray, "height width"]:
    """Fill ``window`` from the image, its first pixel from (top, left); beyond the image's border it is mirrored."""
    (image_height, image_width), (height, width) = plane.shape, window.shape
    if top >= 0 and left >= 0 and top + height <= image_height and left + width <= image_width:
        window[:] = plane[top : top + height, left : left + width]
        return window
    rows = mirrored_range(top, top + height, image_height)
    columns = mirrored_range(left, left + width, image_width)
    first, stop = int(columns.min()), int(columns.max()) + 1
    # Whole rows first, then columns out of what is near: four times as fast as picking pixel by pixel from the image.
    return np.take(plane[rows, first:stop], columns - first, axis=1, out=window, mode="clip")


def sample_cubic(
    image: Float32[np.ndarray, "channel image_height image_width"], at: Coordinates
) -> Float32[np.ndarray, "channel size size"]:
    """Interpolate an image at each coordinate, by cubic convolution over 4 x 4 pixels.

    The kernel is Keys' with a = -0.75, as in PyTorch and OpenCV: it passes through the pixels, so a whole-numbered
    coordinate returns its pixel to the bit. Beyond the border the image is mirrored about its outer pixels.
    """
    rows, columns = at.offsets
    top, left = int(np.floor(rows.min())) - 1, int(np.floor(columns.min())) - 1
    height, width = int(np.floor(rows.max())) + 3 - top, int(np.floor(columns.max())) + 3 - left
    # grid_sample wants coordinates from -1 to 1 over the window. A window that poses as 2 * half + 1 px a side, half
    # a power of two, makes that scaling exact. The pixels beyond the true window are never read, nor even written.
    half = 2 ** int(np.ceil(np.log2(max(height, width)))) // 2
    side = 2 * half + 1
    memory = torch.empty((side - 1) * width + side, dtype=torch.float32, device="cpu")
    posing = memory.as_strided((1, 1, side, side), (memory.numel(), memory.numel(), width, 1))
    window = memory.numpy()[: height * width].reshape(height, width)
    grid = torch.empty((2, *rows.shape), dtype=torch.float32, device="cpu")
    torch.sub(torch.from_numpy(columns), left + half, out=grid[0])
    torch.sub(torch.from_numpy(rows), top + half, out=grid[1])
    grid.mul_(1.0 / half)
    grid_NHWX = grid.permute(1, 2, 0)[None]
    tile = np.empty((len(image), *rows.shape), np.float32)
    for plane, out in zip(image, tile, strict=True):  # all channels in one call would take twice as long
        cut(plane, at.base[0] + top, at.base[1] + left, window)
        out[:] = torch.nn.functional.grid_sample(posing, grid_NHWX, mode="bicubic", align_corners=True)[0, 0].numpy()
    return tile


def sample_nearest(
    maps: Sequence[Shaped[np.ndarray, "image_height image_width"]], at: Coordinates
) -> list[Shaped[np.ndarray, "size size"]]:
    """Read each map at the pixel nearest to each coordinate: no new value arises, and the maps stay together.

    Half-way between two pixels the later one is taken. Beyond the border the maps are mirrored, as the image is.
    """
    rows, columns = at.offsets
    top, left = int(np.floor(rows.min())), int(np.floor(columns.min()))
    height, width = int(np.floor(rows.max())) + 2 - top, int(np.floor(columns.max())) + 2 - left
    # Offsets from the window's first pixel are positive, so that cutting off the fraction is rounding down.
    index = (rows + np.float32(0.5 - top)).astype(np.int64)
    index *= width
    index += (columns + np.float32(0.5 - left)).astype(np.int64)
    windows = [cut(m, at.base[0] + top, at.base[1] + left, np.empty((height, width), m.dtype)) for m in maps]
    return [window.ravel()[index] for window in windows]
