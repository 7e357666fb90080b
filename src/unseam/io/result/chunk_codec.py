"""Encodes and decodes chunks: little-endian pixels, Zstandard with its checksum, several chunks together in a shard.

The codecs are those of the Zarr 3 specification (``bytes``, ``zstd``, ``sharding_indexed`` with a ``crc32c`` of its index), so
any Zarr library reads these files. Bypassing the library saves about 2 ms per chunk.

A shard is one file of ``shard x shard`` chunks with its index at the end::

    chunk 0 | chunk 1 | chunk 3 | ... | (offset, bytes) of each chunk, -1 twice if it is absent | crc32c
"""

from collections.abc import Callable
from typing import IO

import numpy as np
from jaxtyping import Shaped

LEVEL = 1
"""Level of Zstandard. Level 3 saves nothing on label maps, and is up to five times slower on probabilities."""

_ABSENT = 2**64 - 1


class DamagedChunkError(Exception):
    """The bytes of a chunk were changed; the caller adds the path."""


def encode_chunk(part: Shaped[np.ndarray, "height width"], side: int, shard: int) -> bytes:
    """Encode a chunk, or a shard of ``shard x shard`` chunks; ``side`` is the side of a chunk, px.

    ``part`` has up to ``side * shard`` px per side. At the right and lower edge of a plane it has fewer, and zeros fill it up.
    """
    assert max(part.shape) <= side * shard
    if shard == 1:
        return _packed(part, side)
    blobs, index, offset = [], np.full((shard, shard, 2), _ABSENT, "<u8"), 0
    for row in range(-(-part.shape[0] // side)):
        for column in range(-(-part.shape[1] // side)):
            blob = _packed(part[row * side : (row + 1) * side, column * side : (column + 1) * side], side)
            index[row, column] = offset, len(blob)
            offset += len(blob)
            blobs.append(blob)
    tail = index.tobytes()
    return b"".join((*blobs, tail, crc32c(tail).to_bytes(4, "little")))


def chunk_decoder(stream: IO[bytes], side: int, shard: int, dtype: np.dtype) -> Callable[[int, int], np.ndarray]:
    """Return a function that reads and decodes the chunk at (row, column) of an open file.

    This function, or the returned one, raises DamagedChunkError if a checksum or a size is wrong.
    """
    if shard == 1:
        return lambda row, column: _unpacked(stream.read(), side, dtype)
    num_bytes = 16 * shard * shard + 4
    length = stream.seek(0, 2)
    if length < num_bytes:
        raise DamagedChunkError(f"{length:,} bytes are too few for a shard of {shard} x {shard} chunks")
    stream.seek(length - num_bytes)
    tail = stream.read(num_bytes)
    if crc32c(tail[:-4]).to_bytes(4, "little") != tail[-4:]:
        raise DamagedChunkError("the checksum of its index is wrong")
    index = np.frombuffer(tail[:-4], "<u8").reshape(shard, shard, 2)

    def chunk(row: int, column: int) -> np.ndarray:
        offset, size = (int(number) for number in index[row, column])
        if offset + size > length - num_bytes:
            raise DamagedChunkError(f"chunk {row}, {column} is missing from it")
        stream.seek(offset)
        return _unpacked(stream.read(size), side, dtype)

    return chunk


def crc32c(data: bytes) -> int:
    """Compute Castagnoli's checksum, which guards the index of a shard.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    import google_crc32c

    return int(google_crc32c.value(data))


def _packed(part: np.ndarray, side: int) -> bytes:
    from numcodecs.zstd import compress

    little = part.dtype.newbyteorder("<")
    if part.shape == (side, side):
        whole = np.ascontiguousarray(part, little)
    else:
        whole = np.zeros((side, side), little)
        whole[: part.shape[0], : part.shape[1]] = part
    return compress(whole.view(np.uint8).reshape(-1), LEVEL, True)


def _unpacked(data: bytes, side: int, dtype: np.dtype) -> np.ndarray:
    from numcodecs.zstd import decompress

    try:
        raw = decompress(data)
    except (RuntimeError, ValueError, MemoryError) as error:  # a damaged size may request any amount of memory
        raise DamagedChunkError(str(error)) from error
    if len(raw) != side * side * dtype.itemsize:
        raise DamagedChunkError(f"{len(raw):,} bytes do not make a chunk of {side} x {side} {dtype}")
    return np.frombuffer(raw, dtype.newbyteorder("<")).reshape(side, side)
