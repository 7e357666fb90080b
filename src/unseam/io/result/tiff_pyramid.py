"""Writes a finished result, tile by tile, as one OME-TIFF with its pyramid, for slide viewers."""

import math
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from unseam.errors import OutputError
from unseam.io.result.array_layout import read_array_metadata
from unseam.io.result.chunked_array import ChunkedArray
from unseam.io.result.ome_metadata import ImageLayout
from unseam.io.result.ome_zarr import open_level
from unseam.io.tiff_metadata import CLASSIC_TIFF_BYTES, SOFTWARE, narrowest, ome_metadata, resolution, sample_range
from unseam.io.write import whole_file

_NUM_THREADS = max(1, min(8, os.cpu_count() or 1))


def write_tiff(
    path: Path | str,
    group: Path,
    layout: ImageLayout,
    *,
    largest: int | None = None,
    class_names: Mapping[int, str] | None = None,
    tile: int = 512,
) -> None:
    """Write an image and its levels as one file, which appears only when all of it is on the disk.

    Memory holds only a row of tiles within a chunk, so it does not grow with the image. The file is a BigTIFF where its pixels
    may need one: 4 GiB before compression.

    Parameters
    ----------
    path
        A name that ends in .tif or .tiff; .ome.tif by convention.
    group, layout
        The complete OME-Zarr image, and its layout.
    largest
        Largest value of a map, if known: the file then has the smallest unsigned type that holds it.
    class_names
        Name of each number of a class map.
    tile
        Side of a tile, px; a multiple of 16.

    Raises
    ------
    OutputError
        If the file cannot be written, or if a chunk of the image is missing or damaged.
    """
    path = Path(path)
    if not path.name.lower().endswith((".tif", ".tiff")):
        raise OutputError(f"{path}: the output is a TIFF, so its name must end in .tif or .tiff; rename it")
    assert tile >= 16
    assert tile % 16 == 0
    levels = [open_level(group, level) for level in range(layout.num_levels)]
    dtype = np.dtype(np.float32) if layout.dtype == np.float16 else layout.dtype  # OME-TIFF has no half precision
    dtype = narrowest(largest) if largest is not None and dtype.kind == "u" else dtype
    first = {
        "subifds": len(levels) - 1,
        "metadata": _metadata(group, layout, class_names),
        "extratags": [] if largest is None else sample_range(largest),
    }
    with whole_file(path) as stream, ThreadPoolExecutor(_NUM_THREADS) as pool:
        tiff = tifffile.TiffWriter(stream, bigtiff=_needs_bigtiff(levels, tile, dtype), byteorder="<", ome=True)
        for number, array in enumerate(levels):
            tiff.write(
                _in_turn(pool, _tiles(array, tile, dtype)),
                shape=array.layout.shape,
                dtype=dtype,
                tile=(tile, tile),
                photometric="minisblack",
                compression="zlib",
                software=SOFTWARE,
                **resolution(layout.calibration, number),
                **(first if number == 0 else _SMALLER),
            )
        tiff.close()  # writes the description; not in a finally, because the file of a failed run is dropped anyway


_SMALLER: dict[str, Any] = {"subfiletype": 1, "metadata": None}


def _metadata(group: Path, layout: ImageLayout, class_names: Mapping[int, str] | None) -> dict[str, Any]:
    channels = layout.channel_names if "C" in layout.axes else ("classes" if layout.kind == "classes" else "objects",)
    return ome_metadata(
        layout.axes,
        layout.shape,
        layout.calibration,
        name=layout.name,
        channels=channels,
        class_names=class_names,
        identity=repr(read_array_metadata(group)).encode(),  # the model, the image and the counts, by which results differ
    )


def _needs_bigtiff(levels: Sequence[ChunkedArray], tile: int, dtype: np.dtype) -> bool:
    """Whether a file with 32-bit offsets might be too small; its real size is known only when it is written."""
    num_tiles = 0
    for array in levels:
        *leading, height, width = array.layout.shape
        num_tiles += math.prod(leading) * -(-height // tile) * -(-width // tile)
    # Deflate may add a thousandth to what it cannot shrink; each tile has an entry in two tables.
    return num_tiles * (tile**2 * dtype.itemsize * 1.001 + 32) > CLASSIC_TIFF_BYTES


def _in_turn(pool: ThreadPoolExecutor, tiles: Iterator[np.ndarray]) -> Iterator[bytes]:
    """Yield the tiles as bytes, in order. Only a few are pending at once, so a slow disk does not fill the memory."""
    waiting: deque[Future[bytes]] = deque()
    for tile in tiles:
        waiting.append(pool.submit(_compressed, tile))
        if len(waiting) > 2 * _NUM_THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _compressed(tile: np.ndarray) -> bytes:
    """Compress as zlib does, with a library that is two to three times faster; a higher level does not shrink floats."""
    import imagecodecs

    return bytes(imagecodecs.deflate_encode(tile.tobytes(), level=1 if tile.dtype.kind == "f" else 6))


def _tiles(array: ChunkedArray, tile: int, dtype: np.dtype) -> Iterator[np.ndarray]:
    """Yield all tiles of all planes, row by row; one read covers the tiles of a row within a chunk."""
    height, width = array.layout.shape[-2:]
    step = max(1, array.layout.chunk // tile) * tile
    for leading in np.ndindex(*array.layout.shape[:-2]):
        for top in range(0, height, tile):
            for left in range(0, width, step):
                strip = array.read(leading, (slice(top, min(top + tile, height)), slice(left, min(left + step, width))))
                for at in range(0, strip.shape[1], tile):
                    part = strip[:, at : at + tile]
                    whole = np.zeros((tile, tile), dtype.newbyteorder("<"))
                    whole[: part.shape[0], : part.shape[1]] = part
                    yield whole
