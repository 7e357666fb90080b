"""Images and label maps, in and out.

>>> from unseam.io import read_image, read_labels, write_label_map  # doctest: +SKIP
>>> read_image("cells.tif").planes()  # doctest: +SKIP

A new format is one new file with a reader and one line, in the union :data:`Reader`. Every fault of a file becomes an
:class:`~unseam.errors.ImageReadError` or, where a label map does not say what it means, a
:class:`~unseam.errors.LabelError`; both name the file.
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
"""The closed list of readers; the first whose ``can_read(path)`` is true reads a file."""

READERS: tuple[Reader, ...] = tuple(reader() for reader in get_args(Reader))

SUFFIXES: tuple[str, ...] = tuple(suffix for reader in READERS for suffix in reader.suffixes)
"""The endings of names that can be read, longest-standing formats first."""

_BY_WAY_OF_FIJI = (
    ".czi", ".nd2", ".lif", ".lsm", ".oib", ".oif", ".vsi", ".svs", ".ims", ".nii", ".nii.gz", ".dcm", ".zarr", ".h5",
)  # fmt: skip

__all__ = [
    "ImageFile",
    "read_image",
    "read_labels",
    "can_read",
    "Reader",
    "READERS",
    "SUFFIXES",
    "write_label_map",
    "write_probabilities",
    "write_image",
    "write_bytes_whole",
    "write_text_whole",
    "whole_file",
    "make_folders",
    "remove_unfinished",
]


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
        Whatever is wrong with the file, among it: absent, cut short, damaged, too large, no numbers, NaN.
    """
    path = Path(path)
    return settle_image(_read(path, False))


def read_labels(path: Path | str) -> ImageFile:
    """Read a label map or a stack of them: integers, one a pixel, 0 and up, or -1 where nobody annotated.

    Raises
    ------
    ImageReadError
        As :func:`read_image`.
    LabelError
        If the file holds colours, fractions, negative numbers or JPEG.
    """
    path = Path(path)
    return settle_labels(_read(path, True))


def _read(path: Path, is_labels: bool) -> ImageFile:
    reader = _reader(path)
    promised = reader.decoded_apart(path)
    if promised is not None:
        with suppress(DecoderDidNotStart):
            return shared_decoder().read(path, is_labels, promised)
    return reader.read_labels(path) if is_labels else reader.read_image(path)


def _reader(path: Path) -> Reader:
    """Find the reader, after seeing that there is a regular file (a pipe or a device could hang or never end)."""
    status = status_of(path)
    reader = next((reader for reader in READERS if reader.can_read(path)), None)
    if reader is None and path.name.lower().endswith(_BY_WAY_OF_FIJI):
        raise ImageReadError(path, "this format is not read; open it in Fiji (Bio-Formats) and save it as OME-TIFF")
    check_regular(path, status)
    if reader is not None:
        return reader
    ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
    raise ImageReadError(path, f"the name {ending}; images may end in {', '.join(SUFFIXES)}")
