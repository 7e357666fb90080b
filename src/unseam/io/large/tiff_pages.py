"""Parts of the pages of a TIFF: only the strips and tiles that a window touches are read and decoded."""

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
from unseam.io.tiff_colours import Colours, drop_alpha


@dataclass(frozen=True, eq=False)
class Page:
    """Offsets and lengths of the strips or tiles of a page, and the JPEG tables that they share."""

    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    tables: bytes | None


@dataclass(frozen=True, eq=False)
class TiffPages:
    """A series of pages of one kind as one array: the axes that count pages, then those of a page.

    Attributes
    ----------
    page_axes
        Axes of a page: rows and columns, and samples (``S``) before or behind them.
    key
        The page that all ``pages`` are like.
    decode
        Its decoder of a strip or tile.
    raw_dtype
        Type of the numbers in the file, if pages are not compressed and their strips follow each other; else None.
    recent
        Strips and tiles that were decoded last.
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
        """Rows and columns of a strip or tile."""
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
            here = tuple(i - start for i, (start, _) in zip(index, leading, strict=True))
            part[here] = self._of_page(number, within)
        return part

    def _of_page(self, number: int, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        if self.raw_dtype is not None:
            shape = self.shape[len(self.shape) - len(self.page_axes) :]
            return RawArray(self.path, self.pages[number].offsets[0], shape, self.raw_dtype).read(bounds)
        at = dict(zip(self.page_axes, bounds, strict=True))
        is_apart = self.page_axes.startswith("S")
        planes, samples = at.get("S", (0, 1)) if is_apart else (0, 1), (0, 1) if is_apart else at.get("S", (0, 1))
        block = self._decoded(number, (planes, at["Y"], at["X"], samples))
        return block.reshape([stop - start for start, stop in bounds])

    def _decoded(self, number: int, bounds: Bounds) -> Shaped[np.ndarray, "planes height width samples"]:
        planes, rows, columns, samples = bounds
        high, wide = self.piece if not self.key.is_tiled else (self.key.tilelength, self.key.tilewidth)
        down, across = math.ceil(self.key.imagelength / high), math.ceil(self.key.imagewidth / wide)
        block = np.empty([stop - start for start, stop in bounds], self.dtype)
        of_rows, of_columns = (range(a // n, -(-b // n)) for (a, b), n in ((rows, high), (columns, wide)))
        for plane, row, column in itertools.product(range(*planes), of_rows, of_columns):
            part = (plane * down + row) * across + column
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
            with self.path.open("rb", buffering=0) as stream:
                stream.seek(page.offsets[part])
                data = stream.read(page.counts[part])
            if len(data) < page.counts[part]:
                raise ImageReadError(self.path, f"is cut short at {place}; copy it again")
            if int(self.key.compression) in PICTURE_CODECS:
                check_stream(self.path, (number, part), self.key, data)
            tile = self.decode(data, part, jpegtables=page.tables, jpegheader=self.key.jpegheader)[0]
        if tile is None:
            raise ImageReadError(self.path, f"has nothing at {place}; copy it again")
        return tile[0]


class InColours:
    """A stored TIFF with its numbers turned into an image, window by window, as a whole image would be.

    Attributes
    ----------
    axes, shape, dtype
        Of the image; a palette adds samples.
    note
        What is converted, for the user.
    """

    def __init__(self, path: Path, stored: RawArray | TiffPages, stored_axes: str, colours: Colours) -> None:
        self._path, self._stored, self._stored_axes, self._colours = path, stored, stored_axes, colours
        sides = [n if a == "S" else 1 for a, n in zip(stored_axes, stored.shape, strict=True)]
        pixel, self.axes, self.note = self._converted(np.zeros(sides, stored.dtype))  # one pixel shows what becomes of all
        self.dtype = pixel.dtype
        self.shape = tuple(pixel.shape[i] if a == "S" else stored.shape[i] for i, a in enumerate(self.axes))

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part of the image, with all of its samples.

        Raises
        ------
        ImageReadError
            If a strip or tile is damaged, or has numbers for which there is no colour.
        """
        stored = zip(self._stored_axes, self._stored.shape, bounds[: len(self._stored_axes)], strict=True)
        return self._converted(self._stored.read(tuple((0, n) if a == "S" else part for a, n, part in stored)))[0]

    def _converted(self, block: Shaped[np.ndarray, "..."]) -> tuple[Shaped[np.ndarray, "..."], str, str | None]:
        pixels, axes, note = self._colours.converted(self._path, block, self._stored_axes)
        if self._colours.drops_alpha(pixels.shape, axes):
            pixels = drop_alpha(pixels, axes)
        return pixels, axes, note
