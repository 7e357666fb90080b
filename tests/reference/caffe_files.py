"""Files of Caffe, written and read in the plainest way: the judge of ``unseam.io.caffe``."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Arrays = Mapping[str, Sequence[np.ndarray]]

FORMS = {"new": (100, 1, 7), "V1": (2, 4, 6)}
"""Numbers of the fields: a layer in the network, its name, its arrays."""


def varint(value: int) -> bytes:
    """A number of 64 bits, seven in each byte, the lowest first."""
    value %= 2**64
    data = bytearray()
    while value >= 128:
        data.append(value % 128 + 128)
        value //= 128
    return bytes([*data, value])


def field(number: int, content: bytes | int) -> bytes:
    """A field with a number or with bytes in it."""
    if isinstance(content, int):
        return varint(8 * number) + varint(content)
    return varint(8 * number + 2) + varint(len(content)) + content


def blob(array: np.ndarray, *, with_shape: bool = True, pieces: int = 1) -> bytes:
    """An array: its shape (of the older form: four lengths), and its numbers in one or several pieces."""
    if with_shape:
        data = field(7, field(1, b"".join(map(varint, array.shape))))
    else:
        lengths = (1,) * (4 - array.ndim) + array.shape
        data = b"".join(field(number, length) for number, length in enumerate(lengths, 1))
    number, form = (8, "<f8") if array.dtype == np.float64 else (5, "<f4")
    parts = np.array_split(array.ravel().astype(form), pieces)
    return data + b"".join(field(number, part.tobytes()) for part in parts)


def caffemodel(arrays: Arrays, form: str = "new", *, pieces: int = 1) -> bytes:
    """A whole file, with the kinds of fields round it that a real one has and that no weights need."""
    layer_number, name_number, blob_number = FORMS[form]
    is_new = form == "new"
    layers = [field(layer_number, field(name_number, b"data") + field(2, b"Data" if is_new else b"x"))]
    for name, of_layer in arrays.items():
        blobs = [field(blob_number, blob(array, with_shape=is_new, pieces=pieces)) for array in of_layer]
        kind = field(2, b"Convolution") if is_new else field(5, 4)
        layers.append(field(layer_number, field(name_number, name.encode()) + kind + b"".join(blobs) + field(200, b"unknown")))
        layers.append(field(layer_number, field(name_number, f"relu_{name}".encode())))
    return field(1, b"phseg_v5") + field(5, 1) + varint(8 * 9 + 5) + struct.pack("<f", 1.5) + b"".join(layers)


def hdf5(path: Path, arrays: Arrays, *, with_diff: bool = True) -> Path:
    """The same network as HDF5, as Caffe writes it: groups of layers below ``data``, empty ones too, and ``diff`` beside."""
    import h5py

    with h5py.File(path, "w") as file:
        for kind, factor in (("data", 1), *([("diff", 0)] if with_diff else [])):
            file.create_group(kind).create_group("relu")
            for name, of_layer in arrays.items():
                for number, array in enumerate(of_layer):
                    file[kind].create_dataset(f"{name}/{number}", data=array * array.dtype.type(factor))
    return path


def read_caffemodel(data: bytes) -> dict[str, list[np.ndarray]]:
    """The arrays of each layer, read slowly: every field of every message into a list."""
    found: dict[str, list[np.ndarray]] = {}
    for number, content in fields(data):
        for layer_number, name_number, blob_number in FORMS.values():
            if number == layer_number and isinstance(content, bytes):
                parts = fields(content)
                name = [bytes(part).decode() for key, part in parts if key == name_number and isinstance(part, bytes)]
                arrays = [_array(part) for key, part in parts if key == blob_number and isinstance(part, bytes)]
                if arrays:
                    found[name[0]] = arrays
    return found


def fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """Number and content of each field of a message."""
    found: list[tuple[int, bytes | int]] = []
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        content: bytes | int
        if key % 8 == 0:
            content, at = _number(data, at)
        else:
            length, at = (8, at) if key % 8 == 1 else (4, at) if key % 8 == 5 else _number(data, at)
            content, at = data[at : at + length], at + length
        found.append((key // 8, content))
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value, weight = 0, 1
    while data[at] >= 128:
        value, weight, at = value + weight * (data[at] - 128), weight * 128, at + 1
    return value + weight * data[at], at + 1


def _array(data: bytes) -> np.ndarray:
    shape, old, floats, doubles = [], {}, b"", b""
    for number, content in fields(data):
        if number == 7:
            for _, packed in fields(content):
                at = 0
                while at < len(packed):
                    length, at = _number(packed, at)
                    shape.append(length)
        elif number in (1, 2, 3, 4):
            old[number] = content
        elif number == 5:
            floats += content
        elif number == 8:
            doubles += content
    numbers = np.frombuffer(floats, "<f4") if floats else np.frombuffer(doubles, "<f8")
    return numbers.reshape(shape or [old.get(number, 1) for number in (1, 2, 3, 4)])
