"""One tiled BigTIFF of a finished result, with its pyramid: OME-TIFF as viewers of slides read it, written tile by tile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from unseam.errors import OutputError
from unseam.io.result.chunked_array import ChunkedArray
from unseam.io.result.ome_metadata import ImageLayout
from unseam.io.result.ome_zarr import open_level
from unseam.io.write import whole_file

_BUFFER = 2**24
_MICROMETRES_A_CENTIMETRE = 10_000


def write_tiff(path: Path | str, group: Path, layout: ImageLayout, *, tile: int = 512) -> None:
    """Write an image and its levels as one file, which appears when all of it is on the disk.

    What is held is a row of tiles within a chunk, so memory does not grow with the image.

    Parameters
    ----------
    path
        Ending in .tif or .tiff; .ome.tif by custom.
    group
        The OME-Zarr image, complete.
    layout
        With which it was created.
    tile
        Side of a tile, px; a multiple of 16.

    Raises
    ------
    OutputError
        If the file cannot be written, or if a chunk of the image is absent or damaged.
    """
    path = Path(path)
    if not path.name.lower().endswith((".tif", ".tiff")):
        raise OutputError(f"{path}: the name must end in .tif or .tiff, for that is the format; rename the output")
    assert tile >= 16
    assert tile % 16 == 0
    levels = [open_level(group, level) for level in range(layout.num_levels)]
    with whole_file(path) as stream, tifffile.TiffWriter(stream, bigtiff=True, ome=True) as tiff:
        for number, array in enumerate(levels):
            resolution = _resolution(layout, number)
            tiff.write(
                _tiles(array, tile),
                shape=array.layout.shape,
                dtype=array.layout.dtype,
                tile=(tile, tile),
                photometric="minisblack",
                compression="zlib",
                buffersize=_BUFFER,
                resolution=resolution,
                resolutionunit="CENTIMETER" if resolution else None,
                **({"subifds": len(levels) - 1, "metadata": _metadata(layout)} if number == 0 else _SMALLER),
            )


_SMALLER: dict[str, Any] = {"subfiletype": 1, "metadata": None}


def _metadata(layout: ImageLayout) -> dict[str, Any]:
    about: dict[str, Any] = {"axes": layout.axes}
    if layout.name:
        about["Name"] = layout.name
    if layout.spacing_um is not None:
        about |= {"PhysicalSizeY": layout.spacing_um[0], "PhysicalSizeYUnit": "µm"}
        about |= {"PhysicalSizeX": layout.spacing_um[1], "PhysicalSizeXUnit": "µm"}
    if "C" in layout.axes and layout.channel_names:
        about["Channel"] = {"Name": list(layout.channel_names)}
    return about


def _resolution(layout: ImageLayout, level: int) -> tuple[float, float] | None:
    if layout.spacing_um is None:
        return None
    height, width = layout.spacing_um
    return _MICROMETRES_A_CENTIMETRE / (width * 2**level), _MICROMETRES_A_CENTIMETRE / (height * 2**level)


def _tiles(array: ChunkedArray, tile: int) -> Iterator[np.ndarray]:
    """All tiles of all planes, row by row; so many of a row at once as a chunk holds."""
    height, width = array.layout.shape[-2:]
    step = max(1, array.layout.chunk // tile) * tile
    for leading in np.ndindex(*array.layout.shape[:-2]):
        for top in range(0, height, tile):
            for left in range(0, width, step):
                strip = array.read(leading, (slice(top, min(top + tile, height)), slice(left, min(left + step, width))))
                for at in range(0, strip.shape[1], tile):
                    yield _whole(strip[:, at : at + tile], tile)


def _whole(part: np.ndarray, tile: int) -> np.ndarray:
    if part.shape == (tile, tile):
        return np.ascontiguousarray(part)
    whole = np.zeros((tile, tile), part.dtype)
    whole[: part.shape[0], : part.shape[1]] = part
    return whole
