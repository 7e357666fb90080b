"""TIFF, OME-TIFF and ImageJ's TIFF: what microscopes and Fiji write."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.alpha import without_alpha
from unseam.io.axes import name_axes, tidy_axes
from unseam.io.calibration import Calibration
from unseam.io.coded_size import PICTURE_CODECS
from unseam.io.image_file import ImageFile
from unseam.io.label_colours import check_transparency, with_bits, with_palette
from unseam.io.lossless import check_lossless
from unseam.io.tiff_calibration import calibration_of
from unseam.io.tiff_checks import check_tiff
from unseam.io.tiff_colours import INVERTED, Colours, colours_of
from unseam.io.tiff_file import axes_of, open_tiff, walk_file
from unseam.io.tiff_labels import calibrated, check_one_palette, palette_of_labels

_NOT_INVERTED = "stored with white as zero, but not black and white only: the stored numbers are the labels, not the greys"


@dataclass(frozen=True)
class TiffReader:
    """Reads TIFF of any usual depth and codec, stacks included.

    Axes come from OME or ImageJ metadata, samples of a pixel are colours. The first series is read, at full size. An
    orientation tag is ignored, as in Fiji: annotations were drawn on the picture as Fiji shows it.
    """

    suffixes: tuple[str, ...] = (".tif", ".tiff", ".btf", ".tf8")

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(self.suffixes)

    def decoded_apart(self, path: Path) -> int | None:
        """Return the bytes that a TIFF with JPEG, JPEG 2000 or WebP inside promises; None for the other codecs."""
        walk = walk_file(path)
        return 2 * walk.num_values if walk.codecs & PICTURE_CODECS else None

    def read_image(self, path: Path) -> ImageFile:
        """Read an image or a stack; palettes become colours, "white is zero" is inverted, CMYK becomes RGB."""
        raw = _read(path)
        pixels, axes, note = raw.colours.converted(path, raw.pixels, raw.axes)
        return raw.build_file(pixels, note, axes)

    def read_labels(self, path: Path) -> ImageFile:
        """Read a label map or a stack of them.

        The numbers are the stored ones, except for a palette of greys, which gives its grey levels; for ImageJ's calibration,
        which gives the numbers that ImageJ shows; and for a black and white map with "white is zero", which is inverted, so
        that white is foreground (ImageJ's numbers already mean that). Raises LabelError for compression with loss.
        """
        raw = _read(path, is_labels=True)
        if raw.colours.is_inverted:
            white = 2**raw.colours.num_bits - 1
            if not bool(((raw.pixels == 0) | (raw.pixels == white)).all()):
                return raw.build_file(raw.pixels, _NOT_INVERTED, raw.axes)
            return with_bits(raw.build_file(raw.colours.inverted(raw.pixels), INVERTED, raw.axes), raw.colours.num_bits)
        if raw.colours.has_alpha and raw.axes.endswith("S") and raw.pixels.shape[-1] in (2, 4):
            check_transparency(path, raw.pixels)
        pixels, note = calibrated(path, raw.pixels, raw.imagej)
        palette = palette_of_labels(raw.colours, pixels)
        if palette is None:
            return with_bits(raw.build_file(pixels, note, raw.axes), raw.colours.num_bits)
        indices = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
        return with_palette(raw.build_file(indices, note, raw.axes), palette)


@dataclass(frozen=True, eq=False)
class _Raw:
    path: Path
    pixels: Shaped[np.ndarray, "..."]
    axes: str
    colours: Colours
    calibration: Calibration
    notes: tuple[str, ...]
    imagej: Mapping[str, Any]

    def build_file(self, pixels: Shaped[np.ndarray, "..."], note: str | None, axes: str) -> ImageFile:
        """Name the nameless axes, drop transparency that says nothing, and keep one axis per letter."""
        notes = (*self.notes, note) if note else self.notes
        axes, guess_note = name_axes(axes, pixels.shape)
        notes = (*notes, guess_note) if guess_note else notes
        if self.colours.is_alpha_in(pixels.shape, axes):
            pixels, alpha_note = without_alpha(pixels, axes.index("S"), may_be_plane=axes.endswith("SYX"))
            notes = (*notes, alpha_note) if alpha_note else notes
        if not {"Y", "X"} <= set(axes):
            raise ImageReadError(self.path, f"has axes {axes}; an image has rows (Y) and columns (X)")
        pixels, axes = tidy_axes(pixels, axes)
        return ImageFile(pixels, axes, self.calibration, self.path, notes)


def _read(path: Path, *, is_labels: bool = False) -> _Raw:
    with open_tiff(path) as opened:
        tiff, series = opened.tiff, opened.tiff.series[0]
        if is_labels:
            check_lossless(path, tiff, series)
        check_tiff(path, tiff, series, opened.walk)
        pixels = np.asarray(series.asarray())
        colours = colours_of(tiff, series.keyframe)
        if is_labels:
            check_one_palette(path, series, colours)
        imagej = tiff.imagej_metadata or {}
        calibration = calibration_of(tiff, opened.ome)
        return _Raw(path, pixels, axes_of(series), colours, calibration, opened.notes(1), imagej)
