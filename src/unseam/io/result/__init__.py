"""Results written chunk by chunk as they are computed: OME-Zarr with a pyramid, and one tiled OME-TIFF made from it.

A run calls :func:`create_image`, then :meth:`ChunkedArray.write` for every work chunk, :func:`build_level_chunk` for every
work chunk of each smaller level, :meth:`ChunkFiles.settle` and :func:`mark_complete`. An interruption leaves no partial chunk.
"""

from unseam.io.result.array_layout import ArrayLayout
from unseam.io.result.chunk_files import ChunkFiles
from unseam.io.result.chunked_array import ChunkedArray, create_array, open_array
from unseam.io.result.ome_metadata import ImageLayout
from unseam.io.result.ome_zarr import (
    build_level_chunk,
    check_complete,
    create_image,
    link_labels,
    link_series,
    mark_complete,
    open_level,
    read_facts,
    sweep_image,
)
from unseam.io.result.pyramid import ResultKind, downsample, level_shape, num_levels
from unseam.io.result.tiff_pyramid import write_tiff

__all__ = [
    "ImageLayout", "ResultKind", "create_image", "link_labels", "link_series", "ChunkedArray", "ChunkFiles", "open_level",
    "num_levels", "level_shape", "downsample", "build_level_chunk", "check_complete", "mark_complete", "read_facts",
    "sweep_image", "ArrayLayout", "create_array", "open_array", "write_tiff",
]  # fmt: skip
