"""Reads windows of images that are larger than memory.

>>> image = open_large(Path("slide.zarr"))[0]  # doctest: +SKIP
>>> image.read(0, slice(0, 512), slice(0, 512))  # doctest: +SKIP

If :func:`unseam.io.read_image` reads the format, a window has the values that it would give there. The caller checks whether
pixels are finite. Reading takes memory only for the pieces that the window touches.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from unseam.io.large.array_image import LargeArrayReader
from unseam.io.large.image import LargeImage
from unseam.io.large.stored_image import StoredImage
from unseam.io.large.tiff_image import LargeTiffReader
from unseam.io.large.whole_image import WholeReader
from unseam.io.large.zarr_image import ZarrReader
from unseam.io.large.zarr_store import is_store

LargeReader = ZarrReader | LargeTiffReader | LargeArrayReader | WholeReader
"""The closed list of readers. The first whose ``can_read(path)`` is true reads the file; the last one accepts any path."""

LARGE_READERS: tuple[LargeReader, ...] = tuple(reader() for reader in get_args(LargeReader))

__all__ = ["LargeImage", "LargeReader", "LARGE_READERS", "open_large", "is_store"]


def open_large(path: Path, *, fill_missing: bool = False, num_channels: Sequence[int] = ()) -> tuple[StoredImage, ...]:
    """Open an image file or a Zarr store; return one image per position, in the order of the file.

    Parameters
    ----------
    path
        OME-Zarr, TIFF or .npy; or any other format of :func:`unseam.io.read_image`, which is then held in memory.
    fill_missing
        Whether missing chunks are filled with the fill value instead of being refused.
    num_channels
        Channels of each image, if an earlier call has counted them: where one may be transparency, this takes a pass over all
        pixels.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged, of an unknown kind, or does not hold numbers.
    """
    reader = next(reader for reader in LARGE_READERS if reader.can_read(path))
    return reader.images(path, fill_missing=fill_missing, num_channels=num_channels)
