"""Reads parts of the pages of a TIFF: only the strips and tiles that a window touches are read and decoded."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.coded_size import PICTURE_CODECS
from unseam.io.guard import decoding
from unseam.io.large.raw_array import RawArray
from unseam.io.large.recent import Recent
from unseam.io.large.stored_axes import Bounds
from unseam.io.tiff_checks import check_stream
from unseam.io.tiff_colours import Colours


@dataclass(frozen=True, eq=False)
class Page:
    """Offsets and byte counts of the strips or tiles of a page, and their common JPEG tables."""

    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    tables: bytes | None


@dataclass(frozen=True, eq=False)
class TiffPages:
    """A series of alike pages as one array: the axes that count pages, then those of a page.

    Attributes
    ----------
    page_axes
        Axes of a page: rows and columns, with samples (``S``) before or after them.
    key
        The page that represents all ``pages``; ``decode`` decodes its strips and tiles.
    raw_dtype
        Type of the numbers in the file if pages are not compressed and their strips follow each other; else None.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    page_axes: str
    pages: tuple[Page, ...]
    key: "tifffile.TiffPage"
    decode: Callable[..., Any]
    raw_dtype: np.dtype | None
    recent: Recent

    @property
    def piece(self) -> tuple[int, int]:
        """Rows and columns of a strip or tile; (1, 1) without compression."""
        if self.raw_dtype is not None:
            return 1, 1
        key = self.key
        if key.is_tiled:
            return min(key.tilelength, key.imagelength), min(key.tilewidth, key.imagewidth)
        return min(key.rowsperstrip, key.imagelength), key.imagewidth

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part of the series. Raises ImageReadError if a strip or tile is damaged."""
        num_leading = len(self.shape) - len(self.page_axes)
        leading, within = bounds[:num_leading], bounds[num_leading:]
        part = np.empty([stop - start for start, stop in bounds], self.dtype)
        for index in itertools.product(*(range(start, stop) for start, stop in leading)):
            number = int(np.ravel_multi_index(index, self.shape[:num_leading])) if index else 0
            target = tuple(i - start for i, (start, _) in zip(index, leading, strict=True))
            part[target] = self._read_page(number, within)
        return part

    def _read_page(self, number: int, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        if self.raw_dtype is not None:
            shape = self.shape[len(self.shape) - len(self.page_axes) :]
            return RawArray(self.path, self.pages[number].offsets[0], shape, self.raw_dtype).read(bounds)
        by_axis = dict(zip(self.page_axes, bounds, strict=True))
        planes, samples = (0, 1), by_axis.get("S", (0, 1))
        if self.page_axes.startswith("S"):  # TIFF's separate planes: each strip or tile holds one sample
            planes, samples = samples, planes
        block = self._decode(number, (planes, by_axis["Y"], by_axis["X"], samples))
        return block.reshape([stop - start for start, stop in bounds])

    def _decode(self, number: int, bounds: Bounds) -> Shaped[np.ndarray, "planes height width samples"]:
        planes, rows, columns, samples = bounds
        # Not ``piece`` for tiles: it is clipped to the image, but a file stores even its edge tiles in full size.
        high, wide = self.piece if not self.key.is_tiled else (self.key.tilelength, self.key.tilewidth)
        down, across = math.ceil(self.key.imagelength / high), math.ceil(self.key.imagewidth / wide)
        block = np.empty([stop - start for start, stop in bounds], self.dtype)
        tile_rows, tile_columns = (range(a // n, -(-b // n)) for (a, b), n in ((rows, high), (columns, wide)))
        for plane, row, column in itertools.product(range(*planes), tile_rows, tile_columns):
            part = (plane * down + row) * across + column  # TIFF counts strips and tiles plane by plane, then row by row
            # ``id(self)``: the images of a file share this cache, and their pages have the same numbers.
            tile = self.recent.get((id(self), number, part), lambda part=part: self._tile(number, part))  # type: ignore[misc]
            assert tile is not None
            top, bottom = max(rows[0], row * high), min(rows[1], (row + 1) * high)
            left, right = max(columns[0], column * wide), min(columns[1], (column + 1) * wide)
            block[plane - planes[0], top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = tile[
                top - row * high : bottom - row * high, left - column * wide : right - column * wide, slice(*samples)
            ]
        return block

    def _tile(self, number: int, part: int) -> Shaped[np.ndarray, "height width samples"]:
        page = self.pages[number]
        place = f"page {number}, strip or tile {part}"
        with decoding(self.path, f"TIFF at {place}"):
            # A new handle per tile: threads share this object, and one position in the file would mix up their reads.
            with self.path.open("rb", buffering=0) as stream:
                stream.seek(page.offsets[part])
                data = stream.read(page.counts[part])
            if len(data) < page.counts[part]:
                raise ImageReadError(self.path, f"the file is cut short at {place}; copy it again")
            # These libraries take the size from the stream, not from the page: a small tile could ask for gigabytes.
            if int(self.key.compression) in PICTURE_CODECS:
                check_stream(self.path, (number, part), self.key, data)
            tile = self.decode(data, part, jpegtables=page.tables, jpegheader=self.key.jpegheader)[0]
        if tile is None:
            raise ImageReadError(self.path, f"nothing is stored at {place}; copy it again")
        return tile[0]


class InColours:
    """A stored TIFF whose numbers become grey values or colours window by window, as in a whole image.

    ``axes``, ``shape`` and ``dtype`` are those after the conversion (a palette adds samples); ``note`` describes it for users.
    """

    def __init__(self, path: Path, stored: RawArray | TiffPages, stored_axes: str, colours: Colours) -> None:
        self._path, self._stored, self._stored_axes, self._colours = path, stored, stored_axes, colours
        sides = [n if a == "S" else 1 for a, n in zip(stored_axes, stored.shape, strict=True)]
        # Axes and type after the conversion depend on the palette: converting one pixel shows them.
        pixel, self.axes, self.note = colours.converted(path, np.zeros(sides, stored.dtype), stored_axes)
        self.dtype = pixel.dtype
        self.shape = tuple(pixel.shape[i] if a == "S" else stored.shape[i] for i, a in enumerate(self.axes))

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part. Raises ImageReadError if a piece is damaged or has a number without a colour."""
        stored = bounds[: len(self._stored_axes)]
        if self.note:  # a colour needs every sample of its pixel
            stored = tuple(
                (0, n) if a == "S" else part for a, n, part in zip(self._stored_axes, self._stored.shape, stored, strict=True)
            )
        pixels = self._colours.converted(self._path, self._stored.read(stored), self._stored_axes)[0]
        return pixels[
            tuple(slice(*b) if a == "S" and self.note else slice(None) for a, b in zip(self.axes, bounds, strict=True))
        ]
