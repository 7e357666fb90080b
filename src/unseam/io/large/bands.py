"""Cuts a plane into bands: each is read at once, and together they read each piece of the file once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from unseam.geometry.chunk_grid import Window
from unseam.io.large.image import LargeImage

_BAND_BYTES = 32 * 2**20  # read at once, about


@dataclass(frozen=True)
class Bands:
    """Cuts a plane into whole rows if the file stores whole rows, otherwise into whole pieces of the file."""

    height: int
    width: int
    rows: int
    columns: int

    def __len__(self) -> int:
        return -(-self.height // self.rows) * -(-self.width // self.columns)

    def window(self, band: int) -> Window:
        row, column = divmod(band, -(-self.width // self.columns))
        top, left = row * self.rows, column * self.columns
        return slice(top, min(self.height, top + self.rows)), slice(left, min(self.width, left + self.columns))


def bands_of(image: LargeImage) -> Bands:
    """Cut a plane such that each piece of the file is read once."""
    pixels = max(1, _BAND_BYTES // (image.dtype.itemsize * image.num_channels))
    rows, columns = (min(piece, length) for piece, length in zip(image.piece, (image.height, image.width), strict=True))
    columns = min(image.width, max(1, round(pixels**0.5) // columns) * columns)
    rows = min(image.height, max(1, pixels // (columns * rows)) * rows)
    return Bands(image.height, image.width, rows, columns)


def read_bands(image: LargeImage) -> Iterator[Shaped[np.ndarray, "height width *channel"]]:
    """Read all planes of an image, band by band. Raises ImageReadError if a piece is damaged."""
    bands = bands_of(image)
    for plane in range(image.num_planes):
        for band in range(len(bands)):
            yield image.read(plane, *bands.window(band))
