"""``.caffemodel``: a network of Caffe as one protocol buffer, in its present and its older (V1) form.

Only names and arrays of layers are read; every other field is skipped. The numbers of the fields are those of Caffe's public
description of the format.
"""

from collections.abc import Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float32

from unseam.io.caffe.stored import Layers, StoredArray
from unseam.io.caffe.wire import BYTES, EIGHT_BYTES, FOUR_BYTES, VARINT, Field, WireFile


class _Form(NamedTuple):
    """Numbers of the fields of a layer."""

    name: int
    arrays: int


_LAYERS = {100: _Form(name=1, arrays=7), 2: _Form(name=4, arrays=6)}
"""By the number of the field that holds a layer: the present form, and V1."""

_SHAPE, _DIMENSIONS = 7, 1
_FLOATS, _DOUBLES = 5, 8
_LENGTHS_OF_V1 = (1, 2, 3, 4)  # num, channels, height, width
_MOST_AXES = 32
_MOST_ARRAYS = 64
_LONGEST_NAME = 1000
_MOST_SHOWN = 8


def open_caffemodel(path: Path, file: BinaryIO, num_bytes: int) -> Layers:
    """Find the arrays of each layer in an open file, which must stay open as long as they are read. Raises ModelFileError."""
    wire = WireFile(path, file, num_bytes)
    layers: dict[str, tuple[StoredArray, ...]] = {}
    for field in wire.fields():
        form = _LAYERS.get(field.number)
        if form is None or field.wire_type != BYTES:
            continue
        name, arrays = _layer(wire, field, form)
        if arrays and name in layers:
            raise wire.damage(f"two layers with weights have the name {name[:200]!r}")
        if arrays:
            layers[name] = arrays
    return layers


def _layer(wire: WireFile, layer: Field, form: _Form) -> tuple[str, tuple[StoredArray, ...]]:
    name, found = "", []
    for field in wire.fields(layer):
        if field.wire_type != BYTES:
            continue
        if field.number == form.name:
            name = wire.content(field, _LONGEST_NAME).decode(errors="replace")
        elif field.number == form.arrays:
            found.append(field)
        if len(found) > _MOST_ARRAYS:
            raise wire.damage(f"the layer {name[:200]!r} has more than {_MOST_ARRAYS} arrays")
    return name, tuple(_array(wire, field, f"array {number} of the layer {name[:200]!r}") for number, field in enumerate(found))


def _array(wire: WireFile, blob: Field, called: str) -> StoredArray:
    """Find where the numbers of an array lie, and compare their count with its shape."""
    lengths: list[int] = []
    lengths_of_v1: dict[int, int] = {}
    floats: list[Field] = []
    doubles: list[Field] = []
    for field in wire.fields(blob):
        if field.number == _SHAPE and field.wire_type == BYTES:
            for part in wire.fields(field):
                if part.number == _DIMENSIONS and part.wire_type in (VARINT, BYTES):
                    lengths += wire.numbers(part, _MOST_AXES)
        elif field.number in _LENGTHS_OF_V1 and field.wire_type == VARINT:
            lengths_of_v1[field.number] = field.value
        elif field.number == _FLOATS and field.wire_type in (BYTES, FOUR_BYTES):
            floats.append(field)  # a writer may split an array into several fields
        elif field.number == _DOUBLES and field.wire_type in (BYTES, EIGHT_BYTES):
            doubles.append(field)
    if floats and doubles:
        raise wire.damage(f"{called} is there twice, in single and in double precision")
    number_format = np.dtype("<f8" if doubles else "<f4")
    num_bytes = sum(field.length for field in floats + doubles)
    if not lengths and lengths_of_v1:
        lengths = [lengths_of_v1.get(number, 1) for number in _LENGTHS_OF_V1]
    shape = tuple(lengths) or (num_bytes // number_format.itemsize,)
    if len(shape) > _MOST_AXES or min(shape) < 0 or prod(shape) * number_format.itemsize != num_bytes:
        stated = " x ".join(map(str, shape[:_MOST_SHOWN]))
        raise wire.damage(
            f"{called} has the shape {stated}, and {num_bytes:,} bytes of numbers of {number_format.itemsize} bytes"
        )
    return StoredArray(shape, partial(_read, wire, floats + doubles, number_format, shape))


def _read(
    wire: WireFile, parts: Sequence[Field], number_format: np.dtype, shape: tuple[int, ...]
) -> Float32[np.ndarray, "..."]:
    numbers = np.empty(prod(shape), number_format)
    target, at = numbers.view(np.uint8).data, 0
    for part in parts:
        wire.read_into(target[at : at + part.length], part.start)
        at += part.length
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and the caller refuses that
        return numbers.astype(np.float32, copy=False).reshape(shape)
