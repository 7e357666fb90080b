"""Weights in files of Caffe: ``.caffemodel`` and ``.caffemodel.h5``, without Caffe, and without trusting them.

Opening a file finds where the arrays of each layer lie, and reads none of them. So a caller compares shapes first, and a file
that does not fit costs no memory. Nothing in these files can hold code.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unseam.errors import ModelFileError
from unseam.io.caffe.caffemodel import open_caffemodel
from unseam.io.caffe.hdf5 import SIGNATURE, open_hdf5
from unseam.io.caffe.stored import Layers, StoredArray

__all__ = ["Layers", "StoredArray", "open_caffe"]

_MOST_BYTES = 2**31
"""Protocol buffers, and so Caffe, cannot hold more in one file."""


@contextmanager
def open_caffe(path: Path) -> Iterator[Layers]:
    """Open a file of Caffe of either form, told apart by its first bytes: for each layer with arrays, its arrays in order.

    The arrays can be read as long as the context lasts.

    Raises
    ------
    ModelFileError
        If there is no such file, it is no file of Caffe, is damaged or larger than 2 GB. Also from reading an array.
    SettingsError
        If it is an HDF5 file and h5py is not installed.
    """
    num_bytes = _size_of(path)
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                yield open_caffemodel(path, file, num_bytes)
                return
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror or error}). Check the name and the rights.") from error
    with open_hdf5(path) as layers:
        yield layers


def _size_of(path: Path) -> int:
    """Return the bytes of an ordinary file that is not too large; raise ModelFileError for anything else."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: cannot be read ({reason}). Check the name and the rights.") from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError(f"{path}: not an ordinary file. Give a file that ends in .caffemodel or .caffemodel.h5.")
    if status.st_size > _MOST_BYTES:
        raise ModelFileError(f"{path}: it has {status.st_size:,} bytes, and files of Caffe have at most {_MOST_BYTES:,}.")
    return status.st_size
