"""Files damaged in every way that bytes can be: the same from the same seed, so that one that does harm can be made again."""

import struct
from collections.abc import Callable
from typing import Any

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


_LEAVES: tuple[Callable[[np.random.Generator], Any], ...] = (
    lambda rng: int(rng.integers(-5, 2**40)),
    lambda rng: int(rng.integers(0, 10)),
    lambda rng: float(rng.normal()),
    lambda rng: 10**400,
    lambda rng: float("nan"),
    lambda rng: None,
    lambda rng: True,
    lambda rng: "",
    lambda rng: "../../x" * 50,
    lambda rng: [],
    lambda rng: {},
    lambda rng: [[[[]]]] * 1000,
    lambda rng: {"unet": {"depth": int(rng.integers(0, 100)), "first_width": int(rng.integers(0, 10**6))}},
)


def other_tree(tree: Any, rng: np.random.Generator) -> Any:
    """The tree with one leaf or branch replaced, taken out, or joined by another."""
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    if not keys or rng.random() < 0.15:
        return _LEAVES[int(rng.integers(len(_LEAVES)))](rng)
    key = keys[int(rng.integers(len(keys)))]
    new = tree.copy()
    dice = rng.random()
    if dice < 0.15:
        del new[key]
    elif dice < 0.3 and isinstance(new, dict):
        new[str(key) + "x"] = new[key]
    else:
        new[key] = other_tree(tree[key], rng)
    return new
