"""What the colours of a picture say about the numbers of a label map.

A palette is part of a mask: its greys are the numbers that were painted, and its colours tell whether number 1 means the same
in two files (:mod:`unseam.data.mask_colours`).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Shaped, UInt8

from unseam.errors import LabelError
from unseam.io.image_file import ImageFile, first_place

Palette = UInt8[np.ndarray, "number 3"]
"""The colour (red, green, blue) of each number."""

GREYS: Palette = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
"""The palette of numbers that are grey levels."""


def is_grey(palette: Palette) -> bool:
    """Whether a palette has no colour but greys."""
    return bool((palette == palette[:, :1]).all())


def check_transparency(path: Path, pixels: Shaped[np.ndarray, "... sample"]) -> None:
    """Refuse a mask whose last sample, its transparency, varies: what is drawn in it would be lost. Raises LabelError."""
    alpha, colours = pixels[..., -1], pixels[..., :-1]
    first = (0,) * alpha.ndim
    varies = alpha != alpha[first]
    if not varies.any():
        return
    *planes, row, column = first_place(varies)
    plane = f" (plane {', '.join(map(str, planes))})" if planes else ""
    found = (
        f"{path}: the pixel at row {row}, column {column}{plane} has the transparency (alpha) {alpha[(*planes, row, column)]}, "
        f"the first pixel has {alpha[first]}"
    )
    if (colours == colours[first]).all():
        raise LabelError(
            f"{found}, and all pixels have one colour: all the drawing is in the transparency. A label map has one number per "
            "pixel: save the transparency as a grey picture (in Python: "
            'Image.open(FILE).convert("RGBA").getchannel("A").save(NEW))',
            path,
        )
    raise LabelError(
        f"{found}; a label map has one number per pixel, and transparency is not part of it. Draw the mask on a background of "
        "one colour without transparency, and save it as 8- or 16-bit grey TIFF or PNG",
        path,
    )


def with_bits(file: ImageFile, num_bits: int) -> ImageFile:
    """Give a label map of 1 to 4 bits per pixel its palette, of as many greys from black to white; others stay."""
    return replace(file, palette=GREYS[:: 255 // (2**num_bits - 1)]) if num_bits in (1, 2, 4) else file


def with_palette(file: ImageFile, palette: Palette) -> ImageFile:
    """Give a label map its palette; where that has greys only, replace the indices by their grey levels.

    Raises
    ------
    LabelError
        The palette has no colour for a number, or one grey for several numbers.
    """
    used = np.unique(file.pixels)
    if used.size and int(used[-1]) >= len(palette):
        raise LabelError(
            f"{file.path}: its palette has {len(palette)} colours and none for the number {used[-1]}; the file is damaged: "
            "copy or export it again",
            file.path,
        )
    if not is_grey(palette):
        return replace(file, palette=palette)
    levels, counts = np.unique(palette[used, 0], return_counts=True)
    if (counts > 1).any():
        level = int(levels[np.argmax(counts > 1)])
        same = [int(number) for number in used if palette[number, 0] == level]
        raise LabelError(
            f"{file.path}: its palette shows the numbers {same[0]} and {same[1]} in one grey, {level}: they may be one thing "
            "or two. Save the mask as 8- or 16-bit grey without a palette (in Python, "
            "Image.fromarray(numpy.asarray(Image.open(FILE))).save(NEW) keeps the numbers)",
            file.path,
        )
    pixels = palette[:, 0][file.pixels]
    if not (pixels != file.pixels).any():
        return replace(file, palette=GREYS)
    return replace(file, pixels=pixels, palette=GREYS, notes=(*file.notes, "palette of greys: its grey levels are the numbers"))
