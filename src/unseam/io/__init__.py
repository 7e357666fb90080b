"""Images and label maps, in and out.

>>> from unseam.io import read_image, read_labels, write_label_map  # doctest: +SKIP
>>> read_image("cells.tif").planes()  # doctest: +SKIP

A new format is one new file with a reader, and one line in the union :data:`Reader`. A file that cannot be read raises
:class:`~unseam.errors.ImageReadError`; a label map whose meaning is unclear raises :class:`~unseam.errors.LabelError`. Both
name the file.
"""

from contextlib import suppress
from pathlib import Path
from typing import get_args

from unseam.errors import ImageReadError
from unseam.io.arrays import ArrayReader
from unseam.io.decoder_process import DecoderDidNotStart, shared_decoder
from unseam.io.guard import check_regular, status_of
from unseam.io.image_file import ImageFile
from unseam.io.pictures import PictureReader
from unseam.io.settle import settle_image, settle_labels
from unseam.io.tiff import TiffReader
from unseam.io.unfinished import remove_unfinished
from unseam.io.write import make_folders, whole_file, write_bytes_whole, write_text_whole
from unseam.io.write_images import write_image, write_label_map, write_probabilities

Reader = TiffReader | PictureReader | ArrayReader
"""The closed list of readers; the first whose ``can_read(path)`` accepts the name reads the file.

``decoded_apart(path)`` returns the number of bytes that the header promises if the file must be decoded in a separate process
(:mod:`unseam.io.decoder_process`), else None. All methods but ``can_read`` raise ImageReadError for a damaged file.
"""

READERS: tuple[Reader, ...] = tuple(reader() for reader in get_args(Reader))

SUFFIXES: tuple[str, ...] = tuple(suffix for reader in READERS for suffix in reader.suffixes)
"""The suffixes that can be read, in the order of the readers."""

READ_BY_FIJI = (
    ".czi", ".nd2", ".lif", ".lof", ".xlif", ".lsm", ".oib", ".oif", ".oir", ".vsi", ".ets", ".svs", ".scn", ".ndpi", ".mrxs",
    ".bif", ".ims", ".zvi", ".stk", ".nd", ".sld", ".sldy", ".flex", ".dv", ".r3d", ".ics", ".ids", ".mvd2", ".lei", ".xdce",
    ".c01", ".pic", ".dm2", ".dm3", ".dm4", ".mrc", ".mrcs", ".rec", ".ser", ".emi", ".emd", ".spe", ".sif", ".ipl", ".ipw",
    ".al3d", ".fits", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".img", ".dcm", ".dicom", ".ima", ".zarr", ".n5",
    ".h5", ".hdf5", ".qptiff", ".obf", ".msr", ".klb", ".mnc", ".ome", ".b16", ".afi",
)  # fmt: skip
"""Endings of microscopes' and scanners' formats that Fiji opens and this package does not read as files."""

__all__ = [
    "ImageFile", "read_image", "read_labels", "can_read", "Reader", "READERS", "SUFFIXES", "READ_BY_FIJI",
    "write_label_map", "write_probabilities", "write_image", "write_bytes_whole", "write_text_whole", "whole_file",
    "make_folders", "remove_unfinished",
]  # fmt: skip


def can_read(path: Path | str) -> bool:
    """Whether a file of this name can be read; the file is not opened.

    >>> can_read("cells.ome.tif"), can_read("cells.csv")
    (True, False)
    """
    return any(reader.can_read(Path(path)) for reader in READERS)


def read_image(path: Path | str) -> ImageFile:
    """Read an image or a stack.

    Parameters
    ----------
    path
        TIFF, PNG, JPEG, BMP, GIF, .npy or .npz.

    Returns
    -------
    ImageFile
        Pixels as stored, their axes, spacing and notes; ``planes()`` splits it into 2-D images.

    Raises
    ------
    ImageReadError
        If the file is absent, cut short, damaged or too large, or holds NaN or anything but numbers.
    """
    return settle_image(_read(Path(path), False))


def read_labels(path: Path | str) -> ImageFile:
    """Read a label map or a stack of them: one integer per pixel, 0 and up, or -1 for a pixel without annotation.

    Raises
    ------
    ImageReadError
        As :func:`read_image`.
    LabelError
        If the file holds colours, fractions, negative numbers or JPEG.
    """
    return settle_labels(_read(Path(path), True))


def _read(path: Path, is_labels: bool) -> ImageFile:
    reader = _choose_reader(path)
    promised = reader.decoded_apart(path)
    if promised is not None:
        with suppress(DecoderDidNotStart):
            return shared_decoder().read(path, is_labels, promised)
    return reader.read_labels(path) if is_labels else reader.read_image(path)


def _choose_reader(path: Path) -> Reader:
    """Choose the reader by the name, after a check that the file is regular: a pipe or a device could hang or never end."""
    status = status_of(path)
    reader = next((reader for reader in READERS if reader.can_read(path)), None)
    if reader is None and path.name.lower().endswith(READ_BY_FIJI):
        raise ImageReadError(path, "this format is not read; open it in Fiji (Bio-Formats) and save it as OME-TIFF")
    check_regular(path, status)
    if reader is not None:
        return reader
    ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
    raise ImageReadError(path, f"the name {ending}; images may end in {', '.join(SUFFIXES)}")
