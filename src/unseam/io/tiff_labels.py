"""What the numbers of a label map in a TIFF mean: ImageJ's calibration, and palettes that are more than display."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Shaped

from unseam.errors import LabelError
from unseam.io.label_colours import Palette, is_grey
from unseam.io.tiff_colours import Colours, palette_8_bit

_POLYNOMIALS = 4  # ImageJ's functions 0 to 3 are a straight line and polynomials up to the fourth degree
_NONE, _OPTICAL_DENSITY = 20, 21
_REMEDY = "If the stored numbers are the labels, choose Analyze > Calibrate > Function: None in Fiji and save the mask again"


def calibrated(
    path: Path, pixels: Shaped[np.ndarray, "..."], metadata: Mapping[str, Any]
) -> tuple[Shaped[np.ndarray, "..."], str | None]:
    """Return the numbers that ImageJ shows, and a note if they are not the stored ones.

    ImageJ stores a signed 16-bit map as 32768 + v, with the function v = -32768 + stored in its metadata.

    Raises
    ------
    LabelError
        ImageJ shows fractions or negative numbers, or a function that is no polynomial.
    """
    kind = int(_number(metadata, "cf") or 0)
    found = [_number(metadata, f"c{power}") for power in range(5)]
    factors = [factor for factor in found[: [*found, None].index(None)] if factor is not None]
    # as in ImageJ, fewer than two factors are no function, but for the one that needs none
    if pixels.dtype.kind != "u" or kind == _NONE or (len(factors) < 2 and kind != _OPTICAL_DENSITY):
        return pixels, None
    if not 0 <= kind < _POLYNOMIALS:
        raise LabelError(f"{path}: ImageJ shows its numbers through a calibration curve (function {kind}). {_REMEDY}", path)
    factors = factors[: kind + 2]
    stored, place = np.unique(pixels, return_inverse=True)
    shown = np.polynomial.polynomial.polyval(stored.astype(np.float64), factors)
    whole = np.rint(shown).astype(np.int64)
    bad = (np.abs(shown - whole) > 1e-6) | (whole < -1)
    if bad.any():
        number, value = stored[np.argmax(bad)], shown[np.argmax(bad)]
        raise LabelError(
            f"{path}: its calibration makes ImageJ show the stored number {number} as {value:g}; labels are whole numbers, "
            f"0 and up, or -1 without annotation. {_REMEDY}",
            path,
        )
    other = whole != stored
    if not other.any():
        return pixels, None
    at = int(np.argmax(other))
    words = f"numbers as ImageJ's calibration shows them: {stored[at]} is stored where {whole[at]} is meant"
    return whole.astype(np.int32)[place].reshape(pixels.shape), words


def palette_of_labels(colours: Colours, pixels: Shaped[np.ndarray, "..."]) -> Palette | None:
    """Return the palette of a label map, with a colour for each number; None without one, or if it is for display only.

    ImageJ and OME store the table that displays an image as a palette: the numbers are the map. But ImageJ's "8-bit Color"
    stores a picture that had colours, and numbers them anew in each file. Such a palette ends in black after its last colour.
    """
    if colours.space != 3 or colours.palette is None or colours.palette.ndim != 2 or pixels.dtype.kind not in "bu":
        return None
    palette = np.moveaxis(palette_8_bit(colours.palette), 0, -1)
    if not colours.is_display:
        return palette
    used = np.unique(pixels)
    last = int(used[-1])
    is_own = last < len(palette) - 1 and not palette[last + 1 :].any() and len(used) == last + 1 > 1
    return palette if is_own and not is_grey(palette) else None


def check_one_palette(path: Path, series: "tifffile.TiffPageSeries", colours: Colours) -> None:
    """Check that all pages of a stack have one palette. Raises LabelError if not."""
    if colours.space != 3 or colours.is_display or colours.palette is None:
        return
    for number, part in enumerate(series.pages):
        page = None if part is None else part.aspage()
        other = None if page is None else page.colormap
        if other is not None and not np.array_equal(other, colours.palette):
            raise LabelError(
                f"{path}: page {number} has another palette than page 0, so one number has two colours. Give each colour one "
                "number, the same in all planes, and save the stack as 8- or 16-bit grey TIFF",
                path,
            )


def _number(metadata: Mapping[str, Any], name: str) -> float | None:
    value = metadata.get(name)
    return float(value) if isinstance(value, int | float) else None
