"""The meaning of the numbers in a TIFF: palettes, white as zero, ink, transparency; for a whole image or a window of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from jaxtyping import Integer, Shaped, UInt8

from unseam.errors import ImageReadError

INVERTED = "stored with white as zero: inverted"
_DISPLAY = "its display colours (lookup table) are ignored"


@dataclass(frozen=True, eq=False)
class Colours:
    """How stored numbers become an image."""

    space: int
    """TIFF's photometric tag: 0 white is zero, 3 palette, 5 ink."""
    num_bits: int
    """Bits per stored number."""
    palette: Integer[np.ndarray, "..."] | None
    """Colours by number, (3, N)."""
    has_alpha: bool
    """Whether the last sample is transparency."""
    is_imagej: bool
    is_display: bool
    """Whether the palette only displays the numbers, as those of ImageJ and OME do."""
    is_mask: bool
    """Whether tifffile wrote it with 1 bit per pixel: it says "white is zero" of True and False, and means 1 and 0."""

    def needs_all(self, dtype: np.dtype) -> bool:
        """Whether a window cannot be converted alone: its numbers are inverted around the middle of the whole image."""
        return self.is_inverted and dtype.kind not in "bu"

    @property
    def is_inverted(self) -> bool:
        """Whether the numbers of an image are the reverse of its greys; for ImageJ an inverting lookup table is display."""
        return self.space == 0 and not (self.is_mask or self.is_imagej)

    def converted(
        self, path: Path, pixels: Shaped[np.ndarray, "..."], axes: str
    ) -> tuple[Shaped[np.ndarray, "..."], str, str | None]:
        """Return the numbers as colours; the axes, which may end in samples (``S``) now; and a note.

        Raises ImageReadError if the palette has no colour for a number, and for ink in fractions.
        """
        if self.is_inverted:
            return self.inverted(pixels), axes, INVERTED
        if self.space == 0 and self.is_imagej:
            return pixels, axes, _DISPLAY
        if self.space == 3 and self.palette is not None:
            if self.is_display:
                return pixels, axes, _DISPLAY
            # the colours of a palette have 16 bits, of which numbers of 8 bits or less need the upper half
            palette, numbers = (self.palette, pixels) if self.num_bits > 8 else (palette_8_bit(self.palette), _as_bytes(pixels))
            colours = _from_palette(path, numbers, palette)
            return colours, axes + "S", "palette replaced by its colours"
        if self.space == 5 and axes.endswith("S"):
            return _rgb_from_cmyk(path, pixels), axes, "CMYK colours converted to RGB"
        return pixels, axes, None

    def inverted(self, pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Exchange white and black; numbers with a sign or a fraction turn around the middle of the image's values."""
        if pixels.dtype.kind == "b":
            return ~pixels
        if pixels.dtype.kind != "u":
            return pixels.max() - pixels + pixels.min() if pixels.size else pixels
        return pixels.dtype.type(2**self.num_bits - 1) - pixels

    def is_alpha_in(self, shape: tuple[int, ...], axes: str) -> bool:
        """Return whether the last sample of an array is marked as transparency."""
        return self.has_alpha and "S" in axes and shape[axes.index("S")] in (2, 4)


def colours_of(tiff: "tifffile.TiffFile", page: "tifffile.TiffPage") -> Colours:
    """Return the colours of a page."""
    space = int(page.photometric)
    return Colours(
        space,
        page.bitspersample,
        None if page.colormap is None else np.asarray(page.colormap),
        bool(page.extrasamples) and int(page.extrasamples[-1]) in (1, 2) and space in (0, 1, 2),
        bool(tiff.is_imagej),
        bool(tiff.is_imagej or tiff.is_ome),
        page.bitspersample == 1 and (bool(tiff.is_shaped) or page.software == "tifffile.py"),
    )


def palette_8_bit(palette: Integer[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Return a palette with 8 bits per colour; some writers store these in 16 bits as they are."""
    return (palette if palette.size and palette.max() < 256 else palette >> 8).astype(np.uint8)


def _as_bytes(pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    return pixels.astype(np.uint8) if pixels.dtype.kind == "b" else pixels


def _from_palette(
    path: Path, pixels: Shaped[np.ndarray, "..."], palette: Integer[np.ndarray, "..."]
) -> Integer[np.ndarray, "... 3"]:
    if palette.ndim != 2 or pixels.dtype.kind != "u" or (pixels.size and pixels.max() >= palette.shape[1]):
        raise ImageReadError(path, "its palette has no colour for some of its pixels; the TIFF is damaged: copy it again")
    return np.moveaxis(palette, 0, -1)[pixels]


def _rgb_from_cmyk(path: Path, pixels: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    if pixels.dtype.kind != "u" or pixels.shape[-1] < 4:
        raise ImageReadError(path, f"CMYK colours of type {pixels.dtype} are not read; save it as RGB")
    full = float(np.iinfo(pixels.dtype).max)
    ink = pixels[..., :4].astype(np.float64) / full
    return np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * full).astype(pixels.dtype)
