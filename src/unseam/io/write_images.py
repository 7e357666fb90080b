"""Label maps, probabilities and pictures as files, each complete or absent.

All functions raise :class:`~unseam.errors.OutputError` if the file cannot be written.
"""

from collections.abc import Callable
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Float32, Integer, UInt8
from PIL import Image

from unseam.errors import LabelError, OutputError
from unseam.io.write import whole_file

_CLASSIC_TIFF_BYTES = 2**32 - 2**25


def write_label_map(
    path: Path | str,
    labels: Integer[np.ndarray, "*planes height width"],
    spacing_um: tuple[float, float] | None = None,
    plane_axes: str | None = None,
) -> None:
    """Write a class or instance map, or a stack of them, as compressed TIFF that Fiji opens.

    The type is the smallest unsigned one that holds the largest value: 8 and 16 bits as ImageJ TIFF, 32 bits as OME-TIFF.

    Parameters
    ----------
    path
        Ends in .tif or .tiff.
    labels
        (H, W), or with one or two axes of planes before them. Values 0 to 2**32 - 1; others raise LabelError.
    spacing_um
        Size of a pixel (row, column).
    plane_axes
        Meaning of the first axes: ``T``, ``Z`` or ``TZ``; the default is ``Z`` for one and ``TZ`` for two.
    """
    _check_suffix(path, (".tif", ".tiff"))
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high >= 2**32:
        raise LabelError(
            f"{path}: labels run from {low} to {high}; a file holds 0 to {2**32 - 1}. Set pixels without annotation to 0, and "
            "renumber the objects"
        )
    dtype = np.uint8 if high < 2**8 else np.uint16 if high < 2**16 else np.uint32
    _write_tiff(path, labels.astype(dtype), _axes(labels.ndim - 2, plane_axes) + "YX", spacing_um)


def write_probabilities(
    path: Path | str,
    probabilities: Float32[np.ndarray, "*planes klass height width"],
    spacing_um: tuple[float, float] | None = None,
    plane_axes: str | None = None,
) -> None:
    """Write probabilities as a 32-bit float TIFF, one channel per class; the arguments are as in :func:`write_label_map`."""
    _check_suffix(path, (".tif", ".tiff"))
    _write_tiff(path, probabilities, _axes(probabilities.ndim - 3, plane_axes) + "CYX", spacing_um)


def write_image(path: Path | str, image: UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width 3"]) -> None:
    """Write an 8-bit grey or RGB picture as PNG."""
    _check_suffix(path, (".png",))
    _encode(path, lambda stream: Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG"))


def _axes(num_plane_axes: int, plane_axes: str | None) -> str:
    axes = ("", "Z", "TZ")[num_plane_axes] if plane_axes is None else plane_axes
    assert len(axes) == num_plane_axes
    return axes


def _write_tiff(path: Path | str, pixels: np.ndarray, axes: str, spacing_um: tuple[float, float] | None) -> None:
    is_small = pixels.nbytes < _CLASSIC_TIFF_BYTES
    is_imagej = is_small and (pixels.dtype.itemsize <= 2 or pixels.dtype.kind == "f")  # ImageJ has no 32-bit integers
    if is_imagej and pixels.shape[-1] == 1:  # without a samples axis tifffile reads the only column as colours
        pixels, axes = pixels[..., np.newaxis], axes + "S"
    metadata: dict[str, object] = {"axes": axes}
    resolution = None
    if spacing_um is not None and is_imagej:
        metadata["unit"] = "um"
        resolution = (1 / spacing_um[1], 1 / spacing_um[0])
    elif spacing_um is not None:
        metadata |= {"PhysicalSizeY": spacing_um[0], "PhysicalSizeYUnit": "µm"}
        metadata |= {"PhysicalSizeX": spacing_um[1], "PhysicalSizeXUnit": "µm"}
    options: dict[str, Any] = {"imagej": is_imagej, "ome": not is_imagej, "bigtiff": not is_small, "compression": "zlib"}
    options |= {"photometric": "minisblack", "resolution": resolution, "metadata": metadata}
    _encode(path, lambda stream: tifffile.imwrite(stream, pixels, **options))


def _encode(path: Path | str, encode: Callable[[BufferedWriter], object]) -> None:
    """Encode straight into the file, so that a large one is never in memory twice."""
    try:
        with whole_file(path) as stream:
            encode(stream)
    except MemoryError as error:
        raise OutputError(f"{path}: not enough memory to encode the file; write smaller images") from error


def _check_suffix(path: Path | str, suffixes: tuple[str, ...]) -> None:
    if not str(path).lower().endswith(suffixes):
        raise OutputError(f"{path}: the name must end in {' or '.join(suffixes)}, which is the format; rename the output")
