"""Reads parts of a Zarr array, and refuses a missing, truncated or wrongly sized chunk with its place.

Zarr itself reads a missing chunk as an empty one, so an incomplete copy would silently become an image with black squares. It
is refused, unless the user states that the program that wrote the store omits empty chunks.
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Shaped

from unseam.io.guard import decoding
from unseam.io.large.recent import Recent
from unseam.io.large.stored_axes import Bounds, StoredAxes
from unseam.io.large.zarr_metadata import ZarrMetadata
from unseam.io.large.zarr_store import Store, join_path

_ABSENT = 2**64 - 1
_NUM_KEPT_INDEXES = 16


@dataclass(eq=False)
class ZarrArray:
    """Reads parts of an array. ``axes`` are for messages; all arrays of a store share ``recent``."""

    store: Store
    key: str
    metadata: ZarrMetadata
    axes: StoredAxes
    fill_missing: bool
    recent: Recent

    def __post_init__(self) -> None:
        self._kept_index = lru_cache(_NUM_KEPT_INDEXES)(self._read_index)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.metadata.shape

    @property
    def dtype(self) -> np.dtype:
        return self.metadata.chain.dtype.newbyteorder("=")

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part chunk by chunk. Raises ImageReadError if a chunk is missing or damaged."""
        part = np.empty([stop - start for start, stop in bounds], self.dtype)
        sides = self.metadata.chain.shape
        ranges = [range(start // side, -(-stop // side)) for (start, stop), side in zip(bounds, sides, strict=True)]
        for index in itertools.product(*ranges):
            chunk = self.recent.get((self.key, *index), lambda index=index: self._chunk(index))  # type: ignore[misc]
            target, source = [], []
            for i, side, (start, stop) in zip(index, sides, bounds, strict=True):
                first, last = max(start, i * side), min(stop, (i + 1) * side)
                target.append(slice(first - start, last - start))
                source.append(slice(first - i * side, last - i * side))
            part[tuple(target)] = self.metadata.fill if chunk is None else chunk[tuple(source)]
        return part

    def _chunk(self, index: tuple[int, ...]) -> Shaped[np.ndarray, "..."] | None:
        """Read and decode a chunk; None for an omitted chunk of fill values."""
        data = self._encoded(index)
        if data is None:
            if self.fill_missing:
                return None
            raise self.store.error(
                f"the chunk of {self._place(index)} is missing: the copy may be incomplete, so copy it again. If the program "
                f"that wrote it omits empty chunks, --missing-chunks fill reads them as {self.metadata.fill}"
            )
        with decoding(self.store.path, f"Zarr chunk at {self._place(index)}"):
            return self.metadata.chain.decode(data)

    def _place(self, index: tuple[int, ...]) -> str:
        sides = self.metadata.chain.shape
        return self.axes.place(tuple((i * side, (i + 1) * side) for i, side in zip(index, sides, strict=True)))

    def _encoded(self, index: tuple[int, ...]) -> bytes | None:
        """Read the bytes of a chunk; None if it is missing."""
        shard, most = self.metadata.shard, self.metadata.chain.max_encoded
        outer = tuple(i // n for i, n in zip(index, shard, strict=True))
        name = join_path(self.key, self.metadata.prefix + self.metadata.separator.join(map(str, outer)))
        file = self.store.file(name)
        if file is None:
            return None
        start, num_bytes = 0, file[1]
        if self.metadata.index is not None:
            table = self._kept_index(name)
            within = np.ravel_multi_index(tuple(i % n for i, n in zip(index, shard, strict=True)), shard)
            start, num_bytes = map(int, table[within])
            if start == num_bytes == _ABSENT:
                return None
        if num_bytes > most or start + num_bytes > file[1]:
            raise self.store.error(
                f"the chunk at {self._place(index)} claims {num_bytes:,} bytes at {start:,} of {name}, which has {file[1]:,} "
                f"bytes, with at most {most:,} per chunk; the store is damaged: copy it again"
            )
        with decoding(self.store.path, f"Zarr chunk at {self._place(index)}"), open(file[0], "rb") as stream:
            stream.seek(start)
            return stream.read(num_bytes)

    def _read_index(self, name: str) -> Shaped[np.ndarray, "chunks 2"]:
        """Read the table of a shard: the offset of each chunk in the file, and its number of bytes."""
        file = self.store.file(name)
        assert self.metadata.index is not None
        size = self.metadata.index.num_bytes + 4 * len(self.metadata.index.steps)
        if file is None or file[1] < size:
            raise self.store.error(f"{name} is shorter than its table of {size:,} bytes; the store is damaged: copy it again")
        with decoding(self.store.path, f"shard {name}"), open(file[0], "rb") as stream:
            stream.seek(file[1] - size if self.metadata.index_at_end else 0)
            return self.metadata.index.decode(stream.read(size))
