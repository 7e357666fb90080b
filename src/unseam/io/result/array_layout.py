"""Layout of an array on the disk, and its ``zarr.json``."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unseam.errors import OutputError
from unseam.geometry.chunk_grid import ChunkGrid
from unseam.io import disk
from unseam.io.result.chunk_codec import LEVEL

METADATA = "zarr.json"
AGAIN = "Remove the result and compute it again."
TYPES = (*("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"), *("float16", "float32", "float64"))
_LARGEST_METADATA = 2**24


@dataclass(frozen=True)
class ArrayLayout:
    """Layout of an array on the disk.

    Attributes
    ----------
    shape
        Ends in height and width; before them any number of leading axes, cut into single planes.
    dtype
        Any integer or float that Zarr knows.
    chunk, shard
        Side of a chunk, px; chunks along a side of a shard, the file that one writer writes (1: each chunk is a file).
    axes
        One letter for each axis, or empty.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    chunk: int
    shard: int = 1
    axes: str = ""

    def __post_init__(self) -> None:
        assert len(self.shape) >= 2
        assert min(*self.shape, self.chunk, self.shard) >= 1
        assert np.dtype(self.dtype).name in TYPES
        assert len(self.axes) in (0, len(self.shape))

    @property
    def grid(self) -> ChunkGrid:
        """Work chunks of a plane: each is one file, written at once by one writer."""
        return ChunkGrid(self.shape[-2], self.shape[-1], side=self.chunk * self.shard)

    @property
    def num_chunks(self) -> int:
        """Work chunks of all planes."""
        return math.prod(self.shape[:-2]) * len(self.grid)

    def metadata(self) -> dict[str, Any]:
        """Content of ``zarr.json``."""
        ones = [1] * (len(self.shape) - 2)
        little = {"name": "bytes", "configuration": {"endian": "little"}}
        codecs = [little, {"name": "zstd", "configuration": {"level": LEVEL, "checksum": True}}]
        if self.shard > 1:
            inside = {"chunk_shape": [*ones, self.chunk, self.chunk], "codecs": codecs, "index_location": "end"}
            inside["index_codecs"] = [little, {"name": "crc32c"}]
            codecs = [{"name": "sharding_indexed", "configuration": inside}]
        side = self.chunk * self.shard
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": np.dtype(self.dtype).name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [*ones, side, side]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0.0 if np.dtype(self.dtype).kind == "f" else 0,
            "codecs": codecs,
            "attributes": {},
            **({"dimension_names": list(self.axes.lower())} if self.axes else {}),
        }


def render_metadata(about: Any) -> bytes:
    """Metadata as bytes."""
    return (json.dumps(about, indent=1, allow_nan=False) + "\n").encode()


def read_array_metadata(path: Path) -> dict[str, Any]:
    """What the ``zarr.json`` of an array or a group says. Raises OutputError if it is not there or is no JSON."""
    file = path / METADATA
    try:
        if file.stat().st_size > _LARGEST_METADATA:
            raise ValueError
        about = json.loads(disk.read(file))
        if isinstance(about, dict):
            return about
        raise ValueError
    except OSError as error:
        raise OutputError(f"{file}: cannot be read ({error.strerror}). {AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{file}: damaged: not what was written. {AGAIN}") from error
