"""Files damaged in every way that bytes can be: the same from the same seed, so that one that does harm can be made again."""

import struct

import numpy as np

_ODD = (0, 1, 2, 3, 7, 8, 255, 256, 65_535, 65_536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_HEAD = 600  # most of what steers a decoder stands in front


def mutated(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One to three kinds of damage, one after the other; ``others`` are files that a piece may be taken from."""
    for _ in range(int(rng.integers(1, 4))):
        if data:
            data = _one(data, others[int(rng.integers(len(others)))], rng)
    return data


def _one(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    new = bytearray(data)
    at = _place(len(data), rng)
    kind = int(rng.integers(10))
    if kind == 0:
        new[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        new[at] = int(rng.integers(256))
    elif kind in (2, 3):  # a number of 2, 4 or 8 bytes, in either order, that no writer would write
        form = str(rng.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"]))
        number = int(_ODD[int(rng.integers(len(_ODD)))]) if rng.random() < 0.7 else int(rng.integers(0, 2**32))
        piece = struct.pack(form, number % 2 ** (8 * struct.calcsize(form)))
        new[at : at + len(piece)] = piece
    elif kind == 4:
        del new[int(rng.integers(len(data))) :]
    elif kind == 5:
        del new[at : at + int(rng.integers(1, 65))]
    elif kind == 6:
        new[at:at] = rng.bytes(int(rng.integers(1, 65)))
    elif kind == 7:  # a sector that was never written
        new[at : at + 512] = bytes(len(new[at : at + 512]))
    elif kind == 8:  # a piece of another file, or of this one
        start = _place(len(other), rng)
        piece = other[start : start + int(rng.integers(1, 257))]
        new[at : at + len(piece)] = piece
    else:
        _other_digits(new, rng)
    return bytes(new)


def _place(length: int, rng: np.random.Generator) -> int:
    return int(rng.integers(min(length, _HEAD) if rng.random() < 0.7 else length))


def _other_digits(new: bytearray, rng: np.random.Generator) -> None:
    """Another number in a text (XML, JSON, ImageJ's lines), as long as the one that stood there."""
    digits = [at for at, byte in enumerate(new) if 48 <= byte <= 57]
    if digits:
        at = digits[int(rng.integers(len(digits)))]
        while at < len(new) and 48 <= new[at] <= 57:
            new[at] = 48 + int(rng.integers(10))
            at += 1
