"""The last step of every reader: check what an image and a label map may hold, whatever the format."""

from dataclasses import replace

import numpy as np

from unseam.errors import ImageReadError, LabelError
from unseam.io.image_file import ImageFile, describe_place, first_place
from unseam.io.label_colours import with_bits


def settle_image(file: ImageFile) -> ImageFile:
    """Check that the pixels of an image are real numbers, at least one, all finite, and bring them to native byte order.

    Raises
    ------
    ImageReadError
        For empty images, complex numbers, text or records, and for NaN or infinite pixels (with the place of the first).
    """
    file = _settle_type(file)
    if file.pixels.dtype.kind == "f":
        bad = ~np.isfinite(file.pixels)
        if bad.any():
            at = first_place(bad)
            raise ImageReadError(
                file.path,
                f"the pixel at {describe_place(file.axes, at)} is {file.pixels[at]}; {int(bad.sum()) - 1:,} others are NaN or "
                "infinite, too. Every pixel must be a finite number: replace these, for instance by 0",
            )
    return file


def settle_labels(file: ImageFile) -> ImageFile:
    """Check the pixels of a label map and convert them to integers, one number per pixel.

    Values stay as they are: 0 and up, and -1 for pixels without annotation. A colour picture whose colours are all grey is
    taken as grey; channels before the rows are taken as planes, because labels have no channels.

    Raises
    ------
    LabelError
        For colours, fractions, NaN and negative values other than -1, with the first such pixel's place.
    """
    if file.pixels.dtype == bool and file.palette is None:
        file = with_bits(file, 1)
    file = _settle_type(file)
    if "C" in file.axes:
        file = _colours_to_grey(file) if file.axes.endswith("C") else _channels_to_planes(file)
    if file.pixels.dtype.kind == "f":
        file = _floats_to_integers(file)
    if file.pixels.dtype.kind == "i":
        bad = file.pixels < -1
        if bad.any():
            at = first_place(bad)
            raise LabelError(
                f"{file.path}: the label at {describe_place(file.axes, at)} is {file.pixels[at]}; labels are 0 and up, or -1 "
                "without annotation. Was the map saved with a signed type that is too small? Save it as unsigned 16-bit TIFF",
                file.path,
            )
    return file


def _settle_type(file: ImageFile) -> ImageFile:
    pixels = file.pixels
    if pixels.size == 0:
        raise ImageReadError(file.path, f"holds no pixels (shape {pixels.shape}); an image has at least 1 x 1")
    if pixels.dtype.kind == "b":
        return replace(file, pixels=pixels.astype(np.uint8))
    if pixels.dtype.kind not in "uif":
        remedy = " Save its magnitude or its real part" if pixels.dtype.kind == "c" else ""
        raise ImageReadError(file.path, f"pixels are of type {pixels.dtype}; they may be integers or real numbers.{remedy}")
    if not pixels.dtype.isnative:
        return replace(file, pixels=pixels.astype(pixels.dtype.newbyteorder("=")))
    return file


def _colours_to_grey(file: ImageFile) -> ImageFile:
    grey = file.pixels[..., 0]
    coloured = (file.pixels != grey[..., np.newaxis]).any(axis=-1)
    axes = file.axes.removesuffix("C")
    if coloured.any():
        at = first_place(coloured)
        colour = ", ".join(str(value) for value in file.pixels[at])
        raise LabelError(
            f"{file.path}: the pixel at {describe_place(axes, at)} has the colour ({colour}); a label map has one number per "
            "pixel, of a class or an object. Give each colour one number, the same in all masks, and save them as 8- or 16-bit "
            'grey TIFF or PNG; "Masks in colours" in docs/data-formats.md has a short program for that',
            file.path,
        )
    note = "a colour picture whose colours are all grey: taken as one number per pixel"
    return replace(file, pixels=grey, axes=axes, notes=(*file.notes, note))


def _channels_to_planes(file: ImageFile) -> ImageFile:
    if "Z" not in file.axes:
        return file.channels_as_planes("a label map has no channels")
    raise LabelError(
        f"{file.path}: a label map with axes {file.axes} has several numbers per pixel; it may have planes but no "
        "channels: save one channel, or, if these are planes over time, save it with the axes TZYX",
        file.path,
    )


def _floats_to_integers(file: ImageFile) -> ImageFile:
    with np.errstate(invalid="ignore"):  # NaN and infinity become 0, which differs from them below
        wide = file.pixels.astype(np.float64, copy=False)  # half precision cannot hold 2**62
        whole = np.where(np.abs(wide) < 2.0**62, wide, 0).astype(np.int64)
    bad = whole != file.pixels
    if bad.any():
        at = first_place(bad)
        raise LabelError(
            f"{file.path}: the label at {describe_place(file.axes, at)} is {file.pixels[at]}; labels are whole numbers. Is "
            "this a probability map or the image itself? Save the label map as 8- or 16-bit integers",
            file.path,
        )
    if np.abs(whole).max() < 2**31:
        whole = whole.astype(np.int32)
    note = f"labels stored as {file.pixels.dtype} are all whole numbers: taken as integers"
    return replace(file, pixels=whole, notes=(*file.notes, note))
