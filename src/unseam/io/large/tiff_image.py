"""Reads TIFF of any size: tiles, strips, BigTIFF, OME-TIFF, ImageJ's long stacks, the full resolution of pyramids."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import tifffile

from unseam.errors import ImageReadError
from unseam.io import read_image
from unseam.io.axes import name_axes
from unseam.io.guard import check_regular, most_decoded_bytes, status_of
from unseam.io.large.raw_array import RawArray
from unseam.io.large.recent import Recent
from unseam.io.large.some_channels import drop_alpha
from unseam.io.large.stored_image import StoredImage, held_image
from unseam.io.large.tiff_pages import InColours, Page, TiffPages
from unseam.io.tiff import TiffReader
from unseam.io.tiff_calibration import calibration_of
from unseam.io.tiff_checks import check_kind, check_lzw, check_parts
from unseam.io.tiff_colours import colours_of
from unseam.io.tiff_file import OpenTiff, axes_of, open_tiff

_MAX_PART_BYTES = 2**28
_PAGE_AXES = ("YX", "YXS", "SYX")


@dataclass(frozen=True)
class LargeTiffReader:
    """Reads windows of TIFF with the checks and conversions of :class:`unseam.io.tiff.TiffReader`.

    The images of an OME-TIFF that share axes and type are positions; of other files it reads the first image.

    JPEG, JPEG 2000 and WebP tiles are decoded in this process, after a check that their stated size fits. **What remains:** a
    fault in one of these libraries kills the process, where :mod:`unseam.io.decoder_process` would lose one file.
    """

    def can_read(self, path: Path) -> bool:
        return TiffReader().can_read(path)

    def images(self, path: Path, *, fill_missing: bool, num_channels: Sequence[int]) -> tuple[StoredImage, ...]:
        """Read the directories of the pages, and all pixels if some may be transparency.

        Raises ImageReadError if they are damaged, or of a kind that is not read.
        """
        check_regular(path, status_of(path))
        with open_tiff(path) as opened:
            tiff, every = opened.tiff, opened.tiff.series
            alike = [pages for pages in every if (pages.axes, pages.dtype) == (every[0].axes, every[0].dtype)]
            chosen = alike if tiff.is_ome else every[:1]
            notes, recent = opened.notes(len(chosen)), Recent()
            series = [_Series(path, opened, pages, every.index(pages), len(chosen) > 1) for pages in chosen]
            counts: Sequence[int | None] = num_channels or [None] * len(series)
            return tuple(_image(one, notes, recent, n) for one, n in zip(series, counts, strict=True))


@dataclass(frozen=True, eq=False)
class _Series:
    path: Path
    opened: OpenTiff
    pages: "tifffile.TiffPageSeries"
    number: int
    is_one_of_many: bool

    @property
    def tiff(self) -> "tifffile.TiffFile":
        return self.opened.tiff

    @property
    def position(self) -> str:
        return str(self.number) if self.is_one_of_many else ""


def _image(one: _Series, notes: tuple[str, ...], recent: Recent, num_channels: int | None) -> StoredImage:
    check_kind(one.path, one.tiff, one.pages)
    part_bytes = _part_bytes(one.pages)
    if part_bytes > max(_MAX_PART_BYTES, most_decoded_bytes()):
        raise ImageReadError(
            one.path,
            f"its strips or tiles have {part_bytes / 2**30:,.1f} GiB each, and each must be decoded as a whole; save it as "
            "TIFF with tiles (512 x 512), or as OME-Zarr",
        )
    check_parts(one.path, one.tiff, one.pages, one.opened.walk)
    check_lzw(one.path, one.tiff, one.pages)
    colours = colours_of(one.tiff, one.pages.keyframe)
    stored = None if colours.needs_all(one.pages.dtype) else _stored(one, recent)
    if stored is None:
        if one.is_one_of_many:
            raise ImageReadError(one.path, f"image {one.number} is stored unlike the others; save it as a separate file")
        return held_image(read_image(one.path))
    source = InColours(one.path, stored, axes_of(one.pages), colours)
    notes = (*notes, source.note) if source.note else notes
    axes, guess_note = name_axes(source.axes, source.shape)
    notes = (*notes, guess_note) if guess_note else notes
    if part_bytes > _MAX_PART_BYTES:
        notes = (*notes, f"stored in pieces of {part_bytes / 2**20:,.0f} MiB, each decoded as a whole; tiles would be faster")
    piece = stored.piece if isinstance(stored, TiffPages) else (1, 1)
    image = StoredImage(
        one.path, axes, source, calibration_of(one.tiff, one.opened.ome, one.number), piece, notes, one.position
    )
    if colours.is_alpha_in(source.shape, axes):
        return drop_alpha(image, axes.index("S"), may_be_plane=axes.endswith("SYX"), num_channels=num_channels)
    return image


def _stored(one: _Series, recent: Recent) -> RawArray | TiffPages | None:
    """Return a reader of the numbers of a series; None if their layout allows only to read the whole."""
    series, key = one.pages, one.pages.keyframe
    raw_dtype = np.dtype(one.tiff.byteorder + series.dtype.char)
    if series.dataoffset is not None:
        return RawArray(one.path, series.dataoffset, series.shape, raw_dtype)
    axes = key.axes
    within = series.shape[len(series.shape) - len(axes) :]
    num_values = math.prod(series.shape)
    if axes not in _PAGE_AXES or within != key.shape or num_values != len(series.pages) * math.prod(key.shape):
        return None
    if key.is_tiled and key.tiledepth > 1:
        return None
    pages = tuple(
        Page(tuple(page.dataoffsets), tuple(page.databytecounts), page.jpegtables) for page in series.pages if page is not None
    )
    dtype = series.dtype.newbyteorder("=")
    raw = raw_dtype if _is_raw(series) else None
    return TiffPages(one.path, series.shape, dtype, axes, pages, key, key.decode, raw, recent)


def _is_raw(series: "tifffile.TiffPageSeries") -> bool:
    """Whether the numbers of each page are uncompressed and follow each other without gaps."""
    return series.keyframe.is_final and all(
        page is not None and all(a + n == b for (a, b), n in zip(pairwise(page.dataoffsets), page.databytecounts, strict=False))
        for page in series.pages
    )


def _part_bytes(series: "tifffile.TiffPageSeries") -> int:
    """Return the bytes of a decoded strip or tile; 0 where nothing needs decoding."""
    key = series.keyframe
    if series.dataoffset is not None or _is_raw(series):
        return 0
    samples = key.samplesperpixel if int(key.planarconfig) == 1 else 1
    rows = key.tilelength if key.is_tiled else min(key.rowsperstrip, key.imagelength)
    columns = key.tilewidth if key.is_tiled else key.imagewidth
    return rows * columns * samples * series.dtype.itemsize
