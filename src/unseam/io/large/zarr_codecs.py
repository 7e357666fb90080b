"""Decodes a chunk of a Zarr array, in memory that is known beforehand.

The decoders are those of well-kept libraries: numcodecs, imagecodecs and Python's own. The code around them lets none make
more bytes than the chunk has: streams state their own length, and a few kilobytes may state gigabytes. Codecs that could run
code (pickle) or that change values are not on the list.
"""

import bz2
import lzma
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

DecodeStep = Callable[[bytes, int], bytes]
"""Undoes one codec: its bytes, and how many have to come out (for a compression), give the bytes before it."""

_MOST_LZMA_MEMORY = 2**28


class UnknownCodecError(Exception):
    """A codec that is not on the list, or in an unknown form."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Codecs of the chunks of an array.

    Attributes
    ----------
    shape, dtype
        Of a chunk, and of the stored numbers with their byte order.
    order
        Axes in the order in which they are stored, slowest first.
    steps
        Undo the codecs, in the order in which the codecs were applied.
    sizes
        Bytes before each of these codecs; 0 where a compression before it makes that unknown.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    order: tuple[int, ...]
    steps: tuple[DecodeStep, ...]
    sizes: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of a decoded chunk."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def most_encoded(self) -> int:
        """Bytes that an honest encoder may need at worst."""
        return self.num_bytes + self.num_bytes // 8 + 65_536

    def decode(self, data: bytes) -> Shaped[np.ndarray, "..."]:
        """Decode a chunk, as a view of the decoded bytes; raises whatever its decoders raise."""
        for step, size in zip(reversed(self.steps), reversed(self.sizes), strict=True):
            data = step(data, size)
        _check_length(data, self.num_bytes)
        stored = np.frombuffer(data, self.dtype).reshape([self.shape[axis] for axis in self.order])
        return stored.transpose(np.argsort(self.order))


def build_chain(
    shape: tuple[int, ...], dtype: np.dtype, order: tuple[int, ...], codecs: list[tuple[str, dict[str, Any]]]
) -> Chain:
    """Make a chain from the names and settings of its codecs, in the order in which they were applied.

    Raises
    ------
    UnknownCodecError
        For an unknown codec, and for two compressions one after the other.
    """
    size, is_packed = math.prod(shape) * dtype.itemsize, False
    steps, sizes = [], []
    for name, settings in codecs:
        if name in _COMPRESSIONS:
            if is_packed:
                raise UnknownCodecError(f"{name} over another compression")
            steps.append(_COMPRESSIONS[name])
            sizes.append(size)
            size, is_packed = 0, True
        elif name == "crc32c" and settings.get("location", "end") == "end":
            steps.append(_crc32c)
            sizes.append(size)
            size += 0 if is_packed else 4
        elif name == "shuffle" and _is_count(width := settings.get("elementsize", 4), 64):
            steps.append(_unshuffle(width))
            sizes.append(size)
        elif name == "delta" and not is_packed:
            step, size_after = _undelta(settings, size)
            steps.append(step)
            sizes.append(size)
            size = size_after
        else:
            raise UnknownCodecError(name)
    return Chain(shape, dtype, order, tuple(steps), tuple(sizes))


def _is_count(value: object, most: int) -> bool:
    return type(value) is int and 0 < value <= most


def _check_length(data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise ValueError(f"{len(data):,} bytes where {expected:,} belong")


def _blosc(data: bytes, size: int) -> bytes:
    from numcodecs import blosc

    # its header: 4 bytes of versions and flags, then the lengths of what comes out, of a block and of all this
    stated = int.from_bytes(data[4:8], "little"), int.from_bytes(data[12:16], "little")
    if len(data) < 16 or stated != (size, len(data)):
        raise ValueError(f"a Blosc stream of {len(data):,} bytes that states {stated[1]:,}, for {stated[0]:,} of {size:,}")
    return blosc.decompress(data)


def _zstd(data: bytes, size: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.zstd_decode(data, out=size))


def _lz4(data: bytes, size: int) -> bytes:
    from numcodecs import lz4

    if len(data) < 4 or int.from_bytes(data[:4], "little") != size:
        raise ValueError(f"an LZ4 stream that does not state {size:,} bytes")
    return lz4.decompress(data)


def _streamed(make: Callable[[], Any]) -> DecodeStep:
    def step(data: bytes, size: int) -> bytes:
        stream = make()
        found = stream.decompress(data, size + 1)
        _check_length(found, size)
        if not stream.eof:
            raise ValueError("the stream is cut short")
        return found

    return step


def _crc32c(data: bytes, size: int) -> bytes:
    import google_crc32c

    body, stated = data[:-4], int.from_bytes(data[-4:], "little")
    if len(data) < 4 or google_crc32c.value(body) != stated:
        raise ValueError("its check sum does not fit")
    return body


def _unshuffle(width: int) -> DecodeStep:
    def step(data: bytes, size: int) -> bytes:
        from numcodecs import Shuffle

        return bytes(Shuffle(width).decode(data))

    return step


def _undelta(settings: dict[str, Any], size: int) -> tuple[DecodeStep, int]:
    """Undo differences between neighbours; also return the bytes that they take."""
    try:
        plain, stored = np.dtype(str(settings["dtype"])), np.dtype(str(settings.get("astype") or settings["dtype"]))
    except (TypeError, ValueError, KeyError) as error:
        raise UnknownCodecError("delta without a type of number") from error
    if plain.kind not in "iuf" or stored.kind not in "iuf" or size % plain.itemsize:
        raise UnknownCodecError(f"delta of {plain}")
    size_after = size // plain.itemsize * stored.itemsize

    def step(data: bytes, size: int) -> bytes:
        from numcodecs import Delta

        _check_length(data, size_after)
        return np.asarray(Delta(plain, stored).decode(np.frombuffer(data, stored))).tobytes()

    return step, size_after


_COMPRESSIONS: dict[str, DecodeStep] = {
    "blosc": _blosc,
    "zstd": _zstd,
    "lz4": _lz4,
    "zlib": _streamed(zlib.decompressobj),
    "gzip": _streamed(lambda: zlib.decompressobj(31)),  # with the header of gzip
    "bz2": _streamed(bz2.BZ2Decompressor),
    "lzma": _streamed(lambda: lzma.LZMADecompressor(memlimit=_MOST_LZMA_MEMORY)),
}
KNOWN_CODECS = (*_COMPRESSIONS, "crc32c", "shuffle", "delta")
"""Names of what can be undone here."""
