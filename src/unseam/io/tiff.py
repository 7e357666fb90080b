"""TIFF, OME-TIFF and ImageJ's TIFF: what microscopes and Fiji write."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.axes import name_axes, tidy_axes
from unseam.io.calibration import Calibration
from unseam.io.coded_size import PICTURE_CODECS
from unseam.io.image_file import ImageFile
from unseam.io.tiff_calibration import calibration_of
from unseam.io.tiff_checks import check_tiff
from unseam.io.tiff_colours import INVERTED, Colours, alpha_varies, colours_of, drop_alpha
from unseam.io.tiff_file import open_tiff, walk_file


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
        """Read a label map or a stack of them: the stored numbers, whatever their display colours.

        Only a black and white map with "white is zero" is inverted, so that white is foreground; ImageJ's numbers already mean
        that.
        """
        raw = _read(path)
        if raw.colours.space == 0 and not (raw.colours.is_imagej or raw.colours.is_mask):
            white = 2**raw.colours.num_bits - 1
            if bool(((raw.pixels == 0) | (raw.pixels == white)).all()):
                return raw.build_file(raw.colours.inverted(raw.pixels), INVERTED, raw.axes)
        return raw.build_file(raw.pixels, None, raw.axes)


@dataclass(frozen=True, eq=False)
class _Raw:
    path: Path
    pixels: Shaped[np.ndarray, "..."]
    axes: str
    colours: Colours
    calibration: Calibration
    notes: tuple[str, ...]

    def build_file(self, pixels: Shaped[np.ndarray, "..."], note: str | None, axes: str) -> ImageFile:
        """Name the nameless axes, drop transparency, and keep one axis per letter."""
        notes = (*self.notes, note) if note else self.notes
        axes, guess_note = name_axes(axes, pixels.shape)
        notes = (*notes, guess_note) if guess_note else notes
        if self.colours.drops_alpha(pixels.shape, axes):
            notes = (*notes, "its transparency varies over the image and was dropped") if alpha_varies(pixels, axes) else notes
            pixels = drop_alpha(pixels, axes)
        if not {"Y", "X"} <= set(axes):
            raise ImageReadError(self.path, f"has axes {axes}; an image has rows (Y) and columns (X)")
        pixels, axes = tidy_axes(pixels, axes)
        return ImageFile(pixels, axes, self.calibration, self.path, notes)


def _read(path: Path) -> _Raw:
    with open_tiff(path) as opened:
        tiff, series = opened.tiff, opened.tiff.series[0]
        check_tiff(path, tiff, series, opened.walk)
        pixels = np.asarray(series.asarray())
        return _Raw(
            path, pixels, series.axes, colours_of(tiff, series.keyframe), calibration_of(tiff, opened.ome), opened.notes(1)
        )
