"""Images larger than memory: windows of them, never the whole.

>>> from unseam.io.large import open_large  # doctest: +SKIP
>>> image = open_large(Path("slide.zarr"))[0]  # doctest: +SKIP
>>> image.read(0, slice(0, 512), slice(0, 512))  # doctest: +SKIP

A window has the values that :func:`unseam.io.read_image` would give there, where that can read the format; the caller checks
whether pixels are finite. Reading takes as much memory as the window touches.
"""

from pathlib import Path
from typing import get_args

from unseam.io.large.array_image import LargeArrayReader
from unseam.io.large.image import LargeImage
from unseam.io.large.tiff_image import LargeTiffReader
from unseam.io.large.whole_image import WholeReader
from unseam.io.large.zarr_image import ZarrReader
from unseam.io.large.zarr_store import is_store

LargeReader = ZarrReader | LargeTiffReader | LargeArrayReader | WholeReader
"""The closed list of readers; the first whose ``can_read(path)`` is true reads, and the last one takes what is left."""

LARGE_READERS: tuple[LargeReader, ...] = tuple(reader() for reader in get_args(LargeReader))

__all__ = ["LargeImage", "LargeReader", "LARGE_READERS", "open_large", "is_store"]


def open_large(path: Path, *, fill_missing: bool = False) -> tuple[LargeImage, ...]:
    """Open an image file or a Zarr store, to read windows of it.

    Parameters
    ----------
    path
        OME-Zarr, TIFF, .npy; or what :func:`unseam.io.read_image` reads, which is then held in memory.
    fill_missing
        Whether missing chunks count as empty (the fill value), instead of being refused.

    Returns
    -------
    tuple of LargeImage
        One for each position, in the order of the file.

    Raises
    ------
    ImageReadError
        For every fault of the file: absent, damaged, of an unknown kind, no numbers.
    """
    return next(reader for reader in LARGE_READERS if reader.can_read(path)).images(path, fill_missing=fill_missing)
