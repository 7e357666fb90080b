"""Decodes a chunk of a Zarr array within a known amount of memory.

The decoders come from well-maintained libraries: numcodecs, imagecodecs and Python. The code around them never lets one make
more bytes than the chunk has: streams state their own length, and a few kilobytes may claim gigabytes. Codecs that could run
code (pickle) or change values are not on the list.
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
"""Reverses one codec: takes its bytes and the number of bytes to produce (for a compression), returns the bytes before it."""

_MAX_LZMA_MEMORY = 2**28


class UnknownCodecError(Exception):
    """A codec that is not on the list, or has unknown settings."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The codecs of the chunks of an array.

    Attributes
    ----------
    shape, dtype
        Shape of a chunk; type of the stored numbers with their byte order.
    order
        Axes in their stored order, slowest first.
    steps
        Decoders of the codecs, in the order in which the codecs were applied.
    sizes
        Bytes before each codec; 0 where a compression before it makes them unknown.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    order: tuple[int, ...]
    steps: tuple[DecodeStep, ...]
    sizes: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def max_encoded(self) -> int:
        """Bytes that an honest encoder needs in the worst case."""
        return self.num_bytes + self.num_bytes // 8 + 65_536

    def decode(self, data: bytes) -> Shaped[np.ndarray, "..."]:
        """Decode a chunk as a view of the decoded bytes; raises what its decoders raise."""
        for step, size in zip(reversed(self.steps), reversed(self.sizes), strict=True):
            data = step(data, size)
        _check_length(data, self.num_bytes)  # not every step checks its length
        stored = np.frombuffer(data, self.dtype).reshape([self.shape[axis] for axis in self.order])
        return stored.transpose(np.argsort(self.order))


def build_chain(
    shape: tuple[int, ...], dtype: np.dtype, order: tuple[int, ...], codecs: list[tuple[str, dict[str, Any]]]
) -> Chain:
    """Make a chain from the names and settings of its codecs, in the order in which they were applied.

    Raises UnknownCodecError for an unknown codec, and for a compression of compressed data.
    """
    size, is_compressed = math.prod(shape) * dtype.itemsize, False
    steps, sizes = [], []
    for name, settings in codecs:
        size_before = size
        if name in _COMPRESSIONS:
            # The length between two compressions is unknown, so nothing would bound the memory of the outer one.
            if is_compressed:
                raise UnknownCodecError(f"{name} over another compression")
            step, size, is_compressed = _COMPRESSIONS[name], 0, True
        elif name == "crc32c" and settings.get("location", "end") == "end":
            step, size = _crc32c, size + (0 if is_compressed else 4)
        elif name == "shuffle" and type(width := settings.get("elementsize", 4)) is int and 0 < width <= 64:
            step = _unshuffle(width)
        elif name == "delta" and not is_compressed:  # its check of the length needs a known size
            step, size = _undelta(settings, size)
        else:
            raise UnknownCodecError(name)
        steps.append(step)
        sizes.append(size_before)
    return Chain(shape, dtype, order, tuple(steps), tuple(sizes))


def _check_length(data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise ValueError(f"{len(data):,} bytes instead of {expected:,}")


def _blosc(data: bytes, size: int) -> bytes:
    from numcodecs import blosc

    # The library trusts the header and allocates what it states, so the header is checked first. After 4 bytes of versions and
    # flags it has three lengths: of the decoded data, of a block, and of the whole stream.
    stated = int.from_bytes(data[4:8], "little"), int.from_bytes(data[12:16], "little")
    if len(data) < 16 or stated != (size, len(data)):
        raise ValueError(
            f"a Blosc stream of {len(data):,} bytes states {stated[1]:,} bytes, and {stated[0]:,} decoded instead of {size:,}"
        )
    return blosc.decompress(data)


def _zstd(data: bytes, size: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.zstd_decode(data, out=size))  # a fixed buffer: a longer stream fails instead of growing


def _lz4(data: bytes, size: int) -> bytes:
    from numcodecs import lz4

    if len(data) < 4 or int.from_bytes(data[:4], "little") != size:
        raise ValueError(f"an LZ4 stream states another length than {size:,} bytes")
    return lz4.decompress(data)


def _streamed(make: Callable[[], Any]) -> DecodeStep:
    def step(data: bytes, size: int) -> bytes:
        stream = make()
        # One byte more than belongs there: enough to notice that a stream is too long, whatever it would expand to.
        decoded = stream.decompress(data, size + 1)
        _check_length(decoded, size)
        # All bytes can come out before the checksum at the end is read; without ``eof`` nothing has compared it.
        if not stream.eof:
            raise ValueError("the stream is cut short")
        return decoded

    return step


def _crc32c(data: bytes, size: int) -> bytes:
    import google_crc32c

    body, stated = data[:-4], int.from_bytes(data[-4:], "little")
    if len(data) < 4 or google_crc32c.value(body) != stated:
        raise ValueError("its checksum is wrong")
    return body


def _unshuffle(width: int) -> DecodeStep:
    def step(data: bytes, size: int) -> bytes:
        from numcodecs import Shuffle

        return bytes(Shuffle(width).decode(data))

    return step


def _undelta(settings: dict[str, Any], size: int) -> tuple[DecodeStep, int]:
    """Return a decoder of differences between neighbours, and the number of bytes that the differences take."""
    try:
        plain, stored = np.dtype(str(settings["dtype"])), np.dtype(str(settings.get("astype") or settings["dtype"]))
    except (TypeError, ValueError, KeyError) as error:
        raise UnknownCodecError("delta without a number type") from error
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
    "gzip": _streamed(lambda: zlib.decompressobj(31)),  # 31 makes zlib expect the header of gzip
    "bz2": _streamed(bz2.BZ2Decompressor),
    "lzma": _streamed(lambda: lzma.LZMADecompressor(memlimit=_MAX_LZMA_MEMORY)),  # its dictionary may ask for 4 GiB
}
KNOWN_CODECS = (*_COMPRESSIONS, "crc32c", "shuffle", "delta")
