"""The layout of an array on disk, and its ``zarr.json``."""

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
REMEDY = "Remove the result and compute it again."
TYPES = (*("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"), *("float16", "float32", "float64"))
_MAX_METADATA_BYTES = 2**24


@dataclass(frozen=True)
class ArrayLayout:
    """The layout of an array on disk.

    Attributes
    ----------
    shape
        Any number of leading axes, cut into single planes, then height and width.
    dtype
        Any integer or float type of Zarr.
    chunk, shard
        Side of a chunk, px; chunks along a side of a shard, the file that one writer writes (1: each chunk is a file).
    axes
        One letter per axis, or empty.
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
        """The work chunks of a plane: one writer writes each as one file."""
        return ChunkGrid(self.shape[-2], self.shape[-1], side=self.chunk * self.shard)

    @property
    def num_chunks(self) -> int:
        return math.prod(self.shape[:-2]) * len(self.grid)

    def metadata(self) -> dict[str, Any]:
        """Return the content of ``zarr.json``."""
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


def render_metadata(metadata: Any) -> bytes:
    """Write metadata as JSON."""
    return (json.dumps(metadata, indent=1, allow_nan=False) + "\n").encode()


def read_array_metadata(path: Path) -> dict[str, Any]:
    """Read the ``zarr.json`` of an array or a group. Raises OutputError if it is missing, too long or not a JSON object."""
    file = path / METADATA
    try:
        if file.stat().st_size > _MAX_METADATA_BYTES:
            raise ValueError
        metadata = json.loads(disk.read(file))
        if isinstance(metadata, dict):
            return metadata
        raise ValueError
    except OSError as error:
        raise OutputError(f"{file} cannot be read ({error.strerror}). {REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{file} is damaged: its content was changed. {REMEDY}") from error
