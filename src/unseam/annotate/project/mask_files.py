"""Masks as files: PNG for classes, TIFF for objects and for large images; each whole or absent.

A mask is first written to ``.annotate/kept``, which no other program touches: so what the user painted can be told from what
another program did to ``masks``, and given back.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from jaxtyping import Integer, Shaped
from PIL import Image

from unseam.annotate.ops import TILE, LabelMap
from unseam.data.declaration import DeclaredKind, declares_objects
from unseam.errors import LabelError
from unseam.io import disk, read_labels, whole_file, write_bytes_whole
from unseam.io.large import open_large
from unseam.io.write import naming

LARGE_PIXELS = 64_000_000
LARGE_SIDE = 8192
_BLOCK = 2**20


def is_large(height: int, width: int) -> bool:
    """Return whether an image is not held in memory as a whole."""
    return height * width > LARGE_PIXELS or max(height, width) > LARGE_SIDE


def mask_suffix(kind: DeclaredKind, height: int, width: int) -> str:
    """Return how the name of a mask ends."""
    return ".tif" if declares_objects(kind) or is_large(height, width) else ".png"


def write_mask(path: Path, labels: LabelMap) -> None:
    """Write a mask whole; the type is that of the label map. Raises OutputError if that fails."""
    if path.suffix == ".png":
        data = BytesIO()
        Image.fromarray(labels.read(0, 0, labels.height, labels.width)).save(data, "png", compress_level=3)
        write_bytes_whole(path, data.getvalue())
        return
    with (
        naming(path),
        whole_file(path) as stream,
        tifffile.TiffWriter(stream, bigtiff=labels.height * labels.width > 2**29) as tiff,
    ):
        tiff.write(
            _tiles(labels),
            shape=(labels.height, labels.width),
            dtype=labels.dtype,
            tile=(TILE, TILE),
            compression="zlib",
            maxworkers=1,
            metadata=None,
            photometric="minisblack",
        )


def read_foreign_mask(path: Path, height: int, width: int) -> Integer[np.ndarray, "height width"]:
    """Read a mask that another program may have written.

    Raises
    ------
    ImageReadError, LabelError
        If it cannot be read, or has another size than its image.
    """
    labels = read_labels(path).pixels
    check_mask_size(path, labels.shape, height, width)
    return labels


def check_mask_size(path: Path, shape: tuple[int, ...], height: int, width: int) -> None:
    """Raise LabelError unless a mask has the size of its image."""
    if shape != (height, width):
        raise LabelError(f"{path} has the shape {shape}; its image is {height} x {width} px. Save the mask at that size.", path)


def tile_loader(path: Path) -> Callable[[int, int], Shaped[np.ndarray, "h w"] | None]:
    """Return a function that reads a tile of a mask that this program wrote.

    A large mask is read tile by tile, another one at once. Raises ImageReadError if the file is damaged.
    """
    if path.suffix == ".png":
        whole = np.asarray(read_labels(path).pixels)
        return lambda row, column: whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
    (image,) = open_large(path)

    def load(row: int, column: int) -> Shaped[np.ndarray, "h w"]:
        rows = slice(row * TILE, min(image.height, (row + 1) * TILE))
        return image.read(0, rows, slice(column * TILE, min(image.width, (column + 1) * TILE)))

    return load


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file; the copy is complete or absent. Raises OutputError if it cannot be written."""
    with naming(target), whole_file(target) as stream, source.open("rb") as original:
        while block := original.read(_BLOCK):
            stream.write(block)


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file; empty if there is none."""
    total = hashlib.sha256()
    try:
        with naming(path), path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                total.update(block)
    except OSError:
        if path.exists():
            raise
        return ""
    return total.hexdigest()


def remove_if_there(path: Path) -> None:
    """Remove a file. Raises OutputError if it is there and stays."""
    if path.is_file():
        with naming(path):
            disk.remove_file(path)


def _tiles(labels: LabelMap) -> Iterator[bytes]:
    """Yield all tiles in full size and compressed, as TIFF wants them; most of a large map is the same empty tile."""
    empty = np.full((TILE, TILE), labels.none, labels.dtype)
    packed_empty = zlib.compress(empty.tobytes(), 1)
    for row in range(-(-labels.height // TILE)):
        for column in range(-(-labels.width // TILE)):
            tile = labels.tile(row, column)
            if tile is None:
                yield packed_empty
                continue
            full = empty.copy()
            full[: tile.shape[0], : tile.shape[1]] = tile
            yield zlib.compress(full.tobytes(), 1)
