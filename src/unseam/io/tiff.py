"""TIFF, OME-TIFF and ImageJ's TIFF: what microscopes and Fiji write."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from jaxtyping import Integer, Shaped

from unseam.errors import ImageReadError
from unseam.io.axes import guess_axes, tidy_axes
from unseam.io.coded_size import PICTURE_CODECS
from unseam.io.guard import decoding
from unseam.io.image_file import ImageFile
from unseam.io.tiff_checks import check_text, check_tiff
from unseam.io.tiff_walk import walk_directories

_MICROMETRES = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "\\u00b5m": 1.0,
    "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "å": 1e-4, "pm": 1e-6, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0, "in": 25400.0,
}  # fmt: skip


@dataclass(frozen=True)
class TiffReader:
    """Reads TIFF of any usual depth and codec, stacks included.

    Axes come from OME or ImageJ metadata, samples of a pixel are colours. The first series is read, at full
    size. An orientation tag is left alone, as Fiji does: annotations were drawn on the picture so shown.
    """

    suffixes: tuple[str, ...] = (".tif", ".tiff", ".btf", ".tf8")

    def can_read(self, path: Path) -> bool:
        """Whether the name is that of a TIFF."""
        return path.name.lower().endswith(self.suffixes)

    def decoded_apart(self, path: Path) -> int | None:
        """Bytes that it promises, if it has to be decoded in a process of its own: JPEG, JPEG 2000 or WebP inside.

        Raises
        ------
        ImageReadError
            If its directories are damaged.
        """
        with decoding(path, "TIFF"), path.open("rb") as stream:
            walk = walk_directories(path, stream, path.stat().st_size)
        return 2 * walk.num_values if walk.codecs & PICTURE_CODECS else None

    def read_image(self, path: Path) -> ImageFile:
        """Read an image or a stack; palettes become colours, "white is zero" is inverted, CMYK becomes RGB.

        Raises
        ------
        ImageReadError
            If it is damaged, cut short, too large or of a kind that is not supported.
        """
        raw = _read(path)
        if raw.colour_space == 0 and not raw.is_tifffile_mask:
            return raw.file(_inverted(raw.pixels, raw.num_bits), "stored with white as zero: inverted")
        if raw.colour_space == 3 and raw.palette is not None:
            if raw.is_imagej:
                return raw.file(raw.pixels, "its display colours (lookup table) are left aside")
            colours = _from_palette(path, raw.pixels, raw.palette)
            colours = (colours >> 8).astype(np.uint8) if raw.pixels.dtype == np.uint8 else colours
            return raw.file(colours, "palette replaced by its colours", more_axes="S")
        if raw.colour_space == 5 and raw.axes.endswith("S"):
            return raw.file(_rgb_from_cmyk(path, raw.pixels), "CMYK colours converted to RGB")
        return raw.file(raw.pixels)

    def read_labels(self, path: Path) -> ImageFile:
        """Read a label map or a stack of them: the stored numbers, whatever colours they are shown in.

        Only a black and white map that says "white is zero" is inverted, so that white is foreground; not so where
        ImageJ wrote it, whose numbers already mean that.

        Raises
        ------
        ImageReadError
            As for an image.
        """
        raw = _read(path)
        if raw.colour_space == 0 and not (raw.is_imagej or raw.is_tifffile_mask):
            white = 2**raw.num_bits - 1
            if bool(((raw.pixels == 0) | (raw.pixels == white)).all()):
                return raw.file(_inverted(raw.pixels, raw.num_bits), "stored with white as zero: inverted")
        return raw.file(raw.pixels)


@dataclass(frozen=True, eq=False)
class _Raw:
    path: Path
    pixels: Shaped[np.ndarray, "..."]
    axes: str
    colour_space: int
    num_bits: int
    palette: Integer[np.ndarray, "..."] | None
    has_alpha: bool
    is_imagej: bool
    is_tifffile_mask: bool
    spacing_um: tuple[float, float] | None
    notes: tuple[str, ...]

    def file(self, pixels: Shaped[np.ndarray, "..."], note: str | None = None, more_axes: str = "") -> ImageFile:
        """Finish: names for nameless axes, transparency off, one letter a meaning."""
        notes = (*self.notes, note) if note else self.notes
        axes = self.axes + more_axes
        if "Q" in axes and "S" not in axes:
            guessed, guess_note = guess_axes(pixels.shape)
            axes = guessed or axes
            notes = (*notes, guess_note) if guess_note else notes
        pixels, axes, notes = _without_alpha(pixels, axes, notes) if self.has_alpha else (pixels, axes, notes)
        if not {"Y", "X"} <= set(axes):
            raise ImageReadError(self.path, f"has axes {axes}; an image has rows (Y) and columns (X)")
        pixels, axes = tidy_axes(pixels, axes)
        return ImageFile(pixels, axes, self.spacing_um, self.path, notes)


def _read(path: Path) -> _Raw:
    with decoding(path, "TIFF"):
        file_size = path.stat().st_size
        with path.open("rb") as stream:
            walk = walk_directories(path, stream, file_size)
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            note = check_text(path, tiff, walk)
            if not tiff.series:
                raise ImageReadError(path, "the TIFF holds no image")
            series = tiff.series[0]
            check_tiff(path, tiff, series, walk)
            notes = (note,) if note else ()
            if len(tiff.series) > 1:
                notes = (
                    *notes,
                    f"the first of {len(tiff.series)} images in the file was read, {series.name or 'without a name'}",
                )
            page = series.keyframe
            colour_space = int(page.photometric)
            return _Raw(
                path,
                np.asarray(series.asarray()),
                series.axes,
                colour_space,
                page.bitspersample,
                None if page.colormap is None else np.asarray(page.colormap),
                bool(page.extrasamples) and int(page.extrasamples[-1]) in (1, 2) and colour_space in (0, 1, 2),
                bool(tiff.is_imagej),
                bool(tiff.is_shaped) and page.bitspersample == 1,
                _spacing(tiff),
                notes,
            )


def _from_palette(
    path: Path, pixels: Shaped[np.ndarray, "..."], palette: Integer[np.ndarray, "..."]
) -> Integer[np.ndarray, "... 3"]:
    if palette.ndim != 2 or pixels.dtype.kind != "u" or (pixels.size and pixels.max() >= palette.shape[1]):
        raise ImageReadError(path, "its palette has no colour for some of its pixels; the TIFF is damaged: copy it again")
    return np.moveaxis(palette, 0, -1)[pixels]


def _inverted(pixels: Shaped[np.ndarray, "..."], bits: int) -> Shaped[np.ndarray, "..."]:
    if pixels.dtype.kind == "b":
        return ~pixels
    if pixels.dtype.kind != "u":
        return pixels.max() - pixels + pixels.min() if pixels.size else pixels
    return pixels.dtype.type(2**bits - 1) - pixels


def _rgb_from_cmyk(path: Path, pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    if pixels.dtype.kind != "u" or pixels.shape[-1] < 4:
        raise ImageReadError(path, f"CMYK colours of type {pixels.dtype} are not read; save it as RGB")
    full = float(np.iinfo(pixels.dtype).max)
    ink = pixels[..., :4].astype(np.float64) / full
    return np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * full).astype(pixels.dtype)


def _without_alpha(
    pixels: Shaped[np.ndarray, "..."], axes: str, notes: tuple[str, ...]
) -> tuple[Shaped[np.ndarray, "..."], str, tuple[str, ...]]:
    at = axes.find("S")
    if at < 0 or pixels.shape[at] not in (2, 4):
        return pixels, axes, notes
    alpha = pixels.take(-1, axis=at)
    if (alpha != alpha.flat[0]).any():
        notes = (*notes, "its transparency varies over the image and was dropped")
    return pixels.take(range(pixels.shape[at] - 1), axis=at), axes, notes


def _spacing(tiff: "tifffile.TiffFile") -> tuple[float, float] | None:
    """Pixel size in um (row, column), from OME or ImageJ metadata only: bare resolution tags are about print."""
    if tiff.is_ome and tiff.ome_metadata:
        rows, columns = _ome_size(tiff.ome_metadata, "Y"), _ome_size(tiff.ome_metadata, "X")
    elif tiff.is_imagej and tiff.imagej_metadata:
        unit = _MICROMETRES.get(str(tiff.imagej_metadata.get("unit", "")).strip().lower())
        page = tiff.pages.first
        rows, columns = (_imagej_size(page.tags.get(name), unit) for name in ("YResolution", "XResolution"))
    else:
        return None
    return None if rows is None or columns is None else (rows, columns)


def _ome_size(xml: str, axis: str) -> float | None:
    size = re.search(rf'PhysicalSize{axis}="([0-9.eE+-]+)"', xml)
    unit = re.search(rf'PhysicalSize{axis}Unit="([^"]*)"', xml)
    factor = _MICROMETRES.get(unit.group(1).strip().lower() if unit else "µm")
    try:
        value = float(size.group(1)) * factor if size and factor else 0.0
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _imagej_size(tag: "tifffile.TiffTag | None", unit: float | None) -> float | None:
    if tag is None or unit is None or not tag.value[0] or not tag.value[1]:
        return None
    return unit * tag.value[1] / tag.value[0]
