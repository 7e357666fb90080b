"""Parts of a Zarr array, chunk by chunk: each is there, whole and of the right size, or the read is refused with its place.

Zarr itself takes a chunk that is not there for an empty one. Half a copy would so become an image with black squares, and
nobody would know; so it is refused, unless the user says that the program that wrote it leaves empty chunks out.
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
_INDEXES = 16


@dataclass(eq=False)
class ZarrArray:
    """Reads parts of an array.

    Attributes
    ----------
    axes
        Meaning of its axes, for messages.
    fill_missing
        Whether a missing chunk counts as one of fill values.
    recent
        Chunks that were decoded last, of all arrays of the store.
    """

    store: Store
    key: str
    metadata: ZarrMetadata
    axes: StoredAxes
    fill_missing: bool
    recent: Recent

    def __post_init__(self) -> None:
        self._index_of = lru_cache(_INDEXES)(self._index)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.metadata.shape

    @property
    def dtype(self) -> np.dtype:
        """Of its numbers, in native byte order."""
        return self.metadata.chain.dtype.newbyteorder("=")

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read the chunks that a part touches, one after the other. Raises ImageReadError if one is missing or damaged."""
        part = np.empty([stop - start for start, stop in bounds], self.dtype)
        sides = self.metadata.chain.shape
        ranges = [range(start // side, -(-stop // side)) for (start, stop), side in zip(bounds, sides, strict=True)]
        for index in itertools.product(*ranges):
            chunk = self.recent.get((self.key, *index), lambda index=index: self._chunk(index))  # type: ignore[misc]
            into, of = [], []
            for i, side, (start, stop) in zip(index, sides, bounds, strict=True):
                first, last = max(start, i * side), min(stop, (i + 1) * side)
                into.append(slice(first - start, last - start))
                of.append(slice(first - i * side, last - i * side))
            part[tuple(into)] = self.metadata.fill if chunk is None else chunk[tuple(of)]
        return part

    def _chunk(self, index: tuple[int, ...]) -> Shaped[np.ndarray, "..."] | None:
        """A decoded chunk; None for one of fill values."""
        data = self._encoded(index)
        if data is None:
            if self.fill_missing:
                return None
            raise self.store.error(
                f"the chunk of {self._place(index)} is missing: the copy may be incomplete, so copy it again; if the program "
                f"that wrote it leaves empty chunks out, --missing-chunks fill takes them for {self.metadata.fill}"
            )
        with decoding(self.store.path, f"Zarr chunk at {self._place(index)}"):
            return self.metadata.chain.decode(data)

    def _place(self, index: tuple[int, ...]) -> str:
        sides = self.metadata.chain.shape
        return self.axes.place(tuple((i * side, (i + 1) * side) for i, side in zip(index, sides, strict=True)))

    def _encoded(self, index: tuple[int, ...]) -> bytes | None:
        """The bytes of a chunk; None if it is not there."""
        shard, most = self.metadata.shard, self.metadata.chain.most_encoded
        outer = tuple(i // n for i, n in zip(index, shard, strict=True))
        name = join_path(self.key, self.metadata.prefix + self.metadata.separator.join(map(str, outer)))
        found = self.store.file(name)
        if found is None:
            return None
        start, num_bytes = 0, found[1]
        if self.metadata.index is not None:
            table = self._index_of(name)
            within = np.ravel_multi_index(tuple(i % n for i, n in zip(index, shard, strict=True)), shard)
            start, num_bytes = map(int, table[within])
            if start == num_bytes == _ABSENT:
                return None
        if num_bytes > most or start + num_bytes > found[1]:
            raise self.store.error(
                f"the chunk at {self._place(index)} has {num_bytes:,} bytes at {start:,} of {name}, where at most {most:,} of "
                f"{found[1]:,} can be; the store is damaged: copy it again"
            )
        with decoding(self.store.path, f"Zarr chunk at {self._place(index)}"), open(found[0], "rb") as stream:
            stream.seek(start)
            return stream.read(num_bytes)

    def _index(self, name: str) -> Shaped[np.ndarray, "chunks 2"]:
        """The table of a shard: where in the file each chunk begins, and its bytes."""
        found = self.store.file(name)
        assert self.metadata.index is not None
        size = self.metadata.index.num_bytes + 4 * len(self.metadata.index.steps)
        if found is None or found[1] < size:
            raise self.store.error(f"{name} is shorter than its table of {size:,} bytes; the store is cut short: copy it again")
        with decoding(self.store.path, f"shard {name}"), open(found[0], "rb") as stream:
            stream.seek(found[1] - size if self.metadata.index_at_end else 0)
            return self.metadata.index.decode(stream.read(size))
