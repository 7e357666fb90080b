"""What a written TIFF says of itself: who made it, where it lies, what its numbers mean. In the words of OME and of ImageJ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from unseam._version import __version__
from unseam.io.calibration import Calibration

SOFTWARE = f"unseam {__version__}"

CLASSIC_TIFF_BYTES = 2**32 - 2**25
"""Pixels up to this size fit into a TIFF with 32-bit offsets, next to its tables and descriptions."""

_UM_PER_CM = 10_000
_CLASSES = "unseam.classes"
_MIN_SAMPLE, _MAX_SAMPLE = 280, 281


def narrowest(largest: int) -> np.dtype:
    """Return the smallest unsigned type that holds a number.

    >>> narrowest(255), narrowest(256), narrowest(65536)
    (dtype('uint8'), dtype('uint16'), dtype('uint32'))
    """
    return np.dtype(np.uint8 if largest < 2**8 else np.uint16 if largest < 2**16 else np.uint32)


def ome_metadata(
    axes: str,
    shape: tuple[int, ...],
    calibration: Calibration,
    *,
    name: str = "",
    channels: Sequence[str] = (),
    class_names: Mapping[int, str] | None = None,
    identity: bytes = b"",
) -> dict[str, Any]:
    """Return the OME description of an image, as tifffile takes it.

    Parameters
    ----------
    axes, shape
        Letters of TZC, then YX; one length per axis.
    channels
        Names of the channels; one without an axis C.
    class_names
        Name of each number of a class map.
    identity
        What makes the file unlike others. Equal files get an equal UUID; by default it would tell the time.
    """
    about: dict[str, Any] = {"axes": axes, "Creator": SOFTWARE}
    about["UUID"] = f"urn:uuid:{uuid5(NAMESPACE_OID, repr((axes, shape, calibration, identity)))}"
    if name:
        about["Name"] = legible(name)
    sizes = zip("YXZ", (*(calibration.pixel_um or (None, None)), calibration.plane_um), strict=True)
    for axis, size in sizes:
        if size is not None:
            about |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if calibration.frame_s is not None:
        about |= {"TimeIncrement": calibration.frame_s, "TimeIncrementUnit": "s"}
    if channels:
        about["Channel"] = {"Name": [legible(channel) for channel in channels]}
    if class_names:
        about["MapAnnotation"] = {"Namespace": _CLASSES, "Value": {str(at): legible(n) for at, n in class_names.items()}}
    places = _places(axes, shape, calibration)
    return about | ({"Plane": places} if places else {})


def _places(axes: str, shape: tuple[int, ...], calibration: Calibration) -> dict[str, list[float] | list[str]]:
    """Return the place of each page; nothing where the file would state only zeros."""
    leading = axes[:-2]
    pages = [dict(zip(leading, index, strict=True)) for index in np.ndindex(*shape[:-2])]
    places: dict[str, list[float] | list[str]] = {}
    if any(calibration.origin_um):
        z, y, x = calibration.origin_um
        step = calibration.plane_um or 0.0
        for axis, values in zip(
            "XYZ", ([x] * len(pages), [y] * len(pages), [z + step * p.get("Z", 0) for p in pages]), strict=True
        ):
            places |= {f"Position{axis}": values, f"Position{axis}Unit": ["µm"] * len(pages)}
    num_frames = shape[axes.index("T")] if "T" in axes else 1
    if calibration.start_s and (calibration.frame_s is not None or num_frames == 1):  # else all but the first would be wrong
        times = [calibration.start_s + (calibration.frame_s or 0.0) * page.get("T", 0) for page in pages]
        places |= {"DeltaT": times, "DeltaTUnit": ["s"] * len(pages)}
    return places


def resolution(calibration: Calibration, level: int = 0) -> dict[str, Any]:
    """Return the size of a pixel as the tags that ImageJ, libvips and GDAL read in an OME-TIFF: pixels per cm."""
    tags = _per(_UM_PER_CM / 2**level, calibration)
    return {"resolution": tags, "resolutionunit": "CENTIMETER"} if tags else {}


def imagej_resolution(calibration: Calibration) -> dict[str, Any]:
    """Return the size of a pixel as the tags of an ImageJ TIFF: pixels per um."""
    tags = _per(1, calibration)
    return {"resolution": tags} if tags else {}


def _per(length_um: float, calibration: Calibration) -> tuple[float, float] | None:
    """Return pixels per length (column, row); None if unknown, or beyond what a ratio of 32-bit numbers holds."""
    if calibration.pixel_um is None:
        return None
    height, width = (length_um / size for size in calibration.pixel_um)
    return (width, height) if all(2**-31 < number < 2**31 for number in (width, height)) else None


def sample_range(largest: int) -> list[tuple[int, str, int, int, bool]]:
    """Return the tags of the least and the largest value, which hold 16 bits."""
    return [(_MIN_SAMPLE, "H", 1, 0, True), (_MAX_SAMPLE, "H", 1, largest, True)] if largest < 2**16 else []


def imagej_metadata(
    axes: str, calibration: Calibration, largest: float, info: Mapping[str, str], labels: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the ImageJ description of an image, as tifffile takes it.

    Parameters
    ----------
    axes
        Letters of the axes.
    largest
        What ImageJ shows in white: without it, a map of the classes 0, 1 and 2 looks black.
    info
        Lines for ``Image > Show Info``.
    labels
        Names of the pages; ImageJ ignores them where pages are compressed.
    """
    about: dict[str, Any] = {"axes": axes, "min": 0.0, "max": float(largest)}
    if imagej_resolution(calibration):  # ImageJ has one unit for all lengths, so without a size of a pixel it has none
        about |= {"unit": "um", **_imagej_depth(axes, calibration)}
        about |= {name: value for name, value in _imagej_origin(calibration) if value}
    if calibration.frame_s is not None:
        about["finterval"] = calibration.frame_s
    lines = {"made by": SOFTWARE, **info}
    if calibration.start_s:
        lines["time of the first frame"] = f"{calibration.start_s:g} s"
    about["Info"] = "".join(f"{key}: {legible(value)}\n" for key, value in lines.items())
    return about | ({"Labels": [legible(label) for label in labels]} if labels else {})


def _imagej_depth(axes: str, calibration: Calibration) -> dict[str, Any]:
    if calibration.plane_um is not None:
        return {"spacing": calibration.plane_um}
    return {"zunit": "pixel"} if "Z" in axes else {}  # ImageJ would take the unit of a pixel, and claim a distance of 1 um


def _imagej_origin(calibration: Calibration) -> Iterator[tuple[str, float]]:
    """Yield the pixel (which need not exist) that lies at 0 um."""
    assert calibration.pixel_um is not None
    steps = (calibration.plane_um, *calibration.pixel_um)
    for axis, place, step in zip("zyx", calibration.origin_um, steps, strict=True):
        if step is not None:
            yield f"{axis}origin", -place / step


def legible(name: str) -> str:
    """Return a name as one line without what XML cannot hold: control characters, halves of surrogates.

    >>> legible("axon \\x00 of\\nrat \\udce9")
    'axon ? of rat ?'
    """
    return "".join(c if c.isprintable() or c == " " else "?" for c in " ".join(name.split()))
