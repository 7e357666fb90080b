"""Label maps, probabilities and pictures as files, each complete or absent.

All functions raise :class:`~unseam.errors.OutputError` if the file cannot be written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import tifffile
from jaxtyping import Float32, Integer, UInt8
from PIL import Image

from unseam.errors import LabelError, OutputError
from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.tiff_metadata import (
    CLASSIC_TIFF_BYTES,
    SOFTWARE,
    imagej_metadata,
    imagej_resolution,
    narrowest,
    ome_metadata,
    resolution,
    sample_range,
)
from unseam.io.write import whole_file

_UNCOMPRESSED_BYTES = 2**25


def write_label_map(
    path: Path | str,
    labels: Integer[np.ndarray, "*planes height width"],
    spacing_um: Calibration | tuple[float, float] | None = None,
    plane_axes: str | None = None,
    class_names: Mapping[int, str] | None = None,
) -> None:
    """Write a class or instance map, or a stack of them, as compressed TIFF that Fiji opens.

    The type is the smallest unsigned one that holds the largest value: 8 and 16 bits as ImageJ TIFF, 32 bits as OME-TIFF. The
    file states from where to where ImageJ shows the numbers, so that a map of few classes or objects does not look black.

    Parameters
    ----------
    path
        Ends in .tif or .tiff.
    labels
        (H, W), or with one or two axes of planes before them. Values 0 to 2**32 - 1; others raise LabelError.
    spacing_um
        Size of a pixel (row, column), or all that is known of the size and place of the image.
    plane_axes
        Meaning of the first axes: ``T``, ``Z`` or ``TZ``; the default is ``Z`` for one and ``TZ`` for two.
    class_names
        Name of each number of a class map, in the file for readers; None for an instance map.
    """
    _check_suffix(path, (".tif", ".tiff"))
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high >= 2**32:
        raise LabelError(
            f"{path}: labels run from {low} to {high}; a file holds 0 to {2**32 - 1}. Set pixels without annotation to 0, and "
            "renumber the objects"
        )
    pixels, names = labels.astype(narrowest(high)), class_names or {}
    channel = "classes" if names else "objects"
    # Maps of one model are shown alike, whichever classes an image has.
    about = _About(_calibration(spacing_um), max(high, 1, *names), class_names=names, channels=(channel,))
    _write_tiff(path, pixels, _axes(labels.ndim - 2, plane_axes) + "YX", about)


def write_probabilities(
    path: Path | str,
    probabilities: Float32[np.ndarray, "*planes klass height width"],
    spacing_um: Calibration | tuple[float, float] | None = None,
    plane_axes: str | None = None,
    channel_names: Sequence[str] = (),
) -> None:
    """Write probabilities as a 32-bit float TIFF, one channel per class; the arguments are as in :func:`write_label_map`.

    ``channel_names`` has one name for each class.
    """
    _check_suffix(path, (".tif", ".tiff"))
    assert len(channel_names) in (0, probabilities.shape[-3])
    about = _About(_calibration(spacing_um), 1, channels=tuple(channel_names))
    _write_tiff(path, probabilities, _axes(probabilities.ndim - 3, plane_axes) + "CYX", about)


def write_image(path: Path | str, image: UInt8[np.ndarray, "height width"] | UInt8[np.ndarray, "height width 3"]) -> None:
    """Write an 8-bit grey or RGB picture as PNG."""
    _check_suffix(path, (".png",))
    _encode(path, lambda stream: Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG"))


def _axes(num_plane_axes: int, plane_axes: str | None) -> str:
    axes = ("", "Z", "TZ")[num_plane_axes] if plane_axes is None else plane_axes
    assert len(axes) == num_plane_axes
    return axes


@dataclass(frozen=True)
class _About:
    """What a file says besides its pixels; ``largest`` is the value that viewers show in white."""

    calibration: Calibration
    largest: int
    channels: tuple[str, ...]
    class_names: Mapping[int, str] = field(default_factory=dict)


def _calibration(given: Calibration | tuple[float, float] | None) -> Calibration:
    return given if isinstance(given, Calibration) else UNKNOWN if given is None else Calibration(given)


def _write_tiff(path: Path | str, pixels: np.ndarray, axes: str, about: _About) -> None:
    is_small = pixels.nbytes < CLASSIC_TIFF_BYTES
    if is_small and (pixels.dtype.itemsize <= 2 or pixels.dtype.kind == "f"):  # ImageJ has no 32-bit integers
        pixels, options = _imagej(pixels, axes, about)
    else:
        options = _ome(pixels, axes, about)
    options |= {"photometric": "minisblack", "bigtiff": not is_small, "software": SOFTWARE}
    _encode(path, lambda stream: tifffile.imwrite(stream, pixels, **options))


def _imagej(pixels: np.ndarray, axes: str, about: _About) -> tuple[np.ndarray, dict[str, Any]]:
    calibration, info = about.calibration, {f"class {at}": name for at, name in about.class_names.items()}
    labels: tuple[str, ...] = ()
    if "C" in axes:
        info = {f"channel {number}": name for number, name in enumerate(about.channels, 1)}
        if about.channels and pixels.nbytes <= _UNCOMPRESSED_BYTES:
            at = axes.index("C")
            labels = tuple(about.channels[page[at]] for page in np.ndindex(*pixels.shape[:-2]))
    # ImageJ drops the names of pages that are compressed.
    options = {"imagej": True, "compression": None if labels else "zlib", **imagej_resolution(calibration)}
    if pixels.shape[-1] == 1:  # without a samples axis tifffile reads the only column as colours
        pixels, axes = pixels[..., np.newaxis], axes + "S"
    description = imagej_metadata(axes, calibration, about.largest, info, labels)
    return pixels, options | {"metadata": description}


def _ome(pixels: np.ndarray, axes: str, about: _About) -> dict[str, Any]:
    description = ome_metadata(
        axes,
        pixels.shape,
        about.calibration,
        channels=about.channels,
        class_names=about.class_names,
        identity=crc32(np.ascontiguousarray(pixels).data).to_bytes(4, "big"),
    )
    options = {"ome": True, "compression": "zlib", "metadata": description, **resolution(about.calibration)}
    return options | {"extratags": sample_range(about.largest)} if pixels.dtype.kind == "u" else options


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
