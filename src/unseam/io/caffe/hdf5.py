"""``.caffemodel.h5``: a network of Caffe in HDF5. Below ``data`` each layer is a group with its arrays ``0`` and ``1``.

h5py is an extra (``pip install 'unseam[hdf5]'``). Only this file imports it. HDF5 can do much that Caffe never writes: links to
other files, data in other files, filters that load code, objects. All of it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from unseam.errors import ModelFileError, SettingsError, UnseamError
from unseam.io.caffe.stored import Layers, StoredArray

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file."""

_MOST_LAYERS = 10_000
_MOST_ARRAYS = 64


@contextmanager
def open_hdf5(path: Path) -> Iterator[Layers]:
    """Find the arrays of each layer; they can be read as long as the context lasts.

    Raises
    ------
    ModelFileError
        If it is no network of Caffe, is damaged, or holds what Caffe never writes.
    SettingsError
        If h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise SettingsError(
            f"{path}: to read HDF5, unseam needs h5py, which is not installed here. Run pip install 'unseam[hdf5]', or give "
            "the .caffemodel."
        ) from error
    with _reading(path):
        file = h5py.File(path, "r")
    try:
        with _reading(path):
            layers = _layers(h5py, path, file)
        yield layers
    finally:
        with _reading(path):
            file.close()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever the library raises into a ModelFileError: on damaged files it raises half a dozen kinds of errors."""
    try:
        yield
    except UnseamError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path}: no .caffemodel.h5, cut short or damaged ({reason}). Copy the file again.") from error


def _layers(h5py: Any, path: Path, file: Any) -> dict[str, tuple[StoredArray, ...]]:
    data = _member(h5py, path, file, "data")
    if not isinstance(data, h5py.Group):
        raise ModelFileError(f"{path}: it has no group 'data', so it is no network of Caffe. Give a .caffemodel.h5.")
    if len(data) > _MOST_LAYERS:
        raise ModelFileError(f"{path}: it has {len(data):,} layers, and at most {_MOST_LAYERS:,} are read.")
    found: dict[str, tuple[StoredArray, ...]] = {}
    for name in data:
        layer = _member(h5py, path, data, name)
        if not isinstance(layer, h5py.Group) or len(layer) > _MOST_ARRAYS:
            raise ModelFileError(f"{path}: {f'data/{name[:200]}'!r} is no layer of Caffe. Give a .caffemodel.h5.")
        names = sorted(layer, key=lambda word: (len(word), word))
        if names != [str(number) for number in range(len(names))]:
            raise ModelFileError(f"{path}: the layer {name[:200]!r} holds other things than arrays 0, 1, ... It is damaged.")
        arrays = tuple(_array(h5py, path, layer, number, f"data/{name[:200]}/{number}") for number in names)
        if arrays:
            found[name] = arrays
    return found


def _member(h5py: Any, path: Path, group: Any, name: str) -> Any:
    """Return what has this name in a group, None if nothing has; refuse a link, which may lead to another file."""
    link = group.get(name, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise ModelFileError(f"{path}: {name[:200]!r} is a link to another place. Caffe writes none, so it is not followed.")
    return None if link is None else group[name]


def _array(h5py: Any, path: Path, layer: Any, number: str, called: str) -> StoredArray:
    array = _member(h5py, path, layer, number)
    if not isinstance(array, h5py.Dataset):
        raise ModelFileError(f"{path}: {called!r} is no array. Give a .caffemodel.h5.")
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        kind = "objects or text" if array.dtype.kind == "O" else f"the type {str(array.dtype)[:100]}"
        raise ModelFileError(f"{path}: {called!r} holds {kind}, and weights are float32 or float64. It is not read.")
    shape = tuple(int(length) for length in array.shape or ())
    # What is packed or lies elsewhere may be far larger than the file. Caffe writes plain numbers in one piece.
    is_plain = array.chunks is None and not array.is_virtual and not array.external
    if not is_plain or array.id.get_storage_size() != prod(shape) * array.dtype.itemsize:
        raise ModelFileError(f"{path}: the numbers of {called!r} do not lie in one piece in the file. It is not read.")
    return StoredArray(shape, partial(_read, path, array, shape))


def _read(path: Path, array: Any, shape: tuple[int, ...]) -> Float32[np.ndarray, "..."]:
    with _reading(path), np.errstate(over="ignore"):
        numbers: np.ndarray = array[...].astype(np.float32, copy=False)
        return numbers.reshape(shape)
