"""The calibration in the metadata of OME and ImageJ in a TIFF; bare resolution tags are about printing.

Source: the OME schemas from 2003 to 2016; ``ij.io.FileOpener`` and ``ij.measure.Calibration`` of ImageJ.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tifffile

from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.ome_xml import OmeImage
from unseam.io.units import micrometres, seconds


def calibration_of(tiff: "tifffile.TiffFile", ome: Sequence[OmeImage], number: int = 0) -> Calibration:
    """Return what the file states of the image of this number in units of length and time; ``ome`` is its OME description."""
    if tiff.is_ome:
        one = _image_of(tiff, ome, number)
        return UNKNOWN if one is None else _ome(one, tiff.filename)
    about, page = tiff.imagej_metadata if tiff.is_imagej else None, tiff.pages.first
    assert isinstance(page, tifffile.TiffPage)
    return _imagej(about, page) if about else UNKNOWN


def _image_of(tiff: "tifffile.TiffFile", ome: Sequence[OmeImage], number: int) -> OmeImage | None:
    """Return the description of an image; None unless it is clear which one is meant."""
    images = [one for one in ome if one.has_data] or list(ome)
    # of a series in several files, only those of this file were read
    images = [one for one in images if tiff.filename in one.file_names] or images
    if len(images) == len(tiff.series) and number < len(images):
        return images[number]
    sizes = {tuple(one.pixels.get(f"PhysicalSize{axis}{unit}") for axis in "XYZ" for unit in ("", "Unit")) for one in images}
    return OmeImage(images[0].image, images[0].pixels) if len(sizes) == 1 else None


def _ome(one: OmeImage, name: str) -> Calibration:
    sizes = [_measured(one.pixels, f"PhysicalSize{axis}", "µm", micrometres) for axis in "ZYX"]
    if sizes == [None, None, None]:  # the schema of 2003 has them at the image, always in micrometres
        sizes = [_number(one.image.get(f"PixelSize{axis}")) for axis in "ZYX"]
    frame = _measured(one.pixels, "TimeIncrement", "s", seconds)
    # the first plane of a series in several files may lie in another file; a place without a unit is in no unit of length
    plane = {} if one.file_names - {name} else one.first_plane
    places = [_measured(plane, f"Position{axis}", "", micrometres) for axis in "ZYX"]
    start = _measured(plane, "DeltaT", "s", seconds) if frame is not None else None
    return _calibration(sizes, frame, places, start)


def _imagej(about: Mapping[str, Any], page: "tifffile.TiffPage") -> Calibration:
    unit = str(about.get("unit", ""))
    lengths = [micrometres(str(about.get(key, unit))) for key in ("zunit", "yunit", "unit")]
    steps = [_number(about.get("spacing")), *(_per_unit(page.tags.get(name)) for name in ("YResolution", "XResolution"))]
    # ImageJ takes the distance of planes without its sign
    sizes = [None if n is None or by is None else abs(n) * by for n, by in zip(steps, lengths, strict=True)]
    # ImageJ's origin is the pixel whose place is 0
    pixels = [_number(about.get(f"{axis}origin")) for axis in "zyx"]
    places = [None if n is None or size is None else 0.0 - n * size for n, size in zip(pixels, sizes, strict=True)]
    frame, rate, tick = _number(about.get("finterval")), _number(about.get("fps")), seconds(str(about.get("tunit", "s")))
    frame = None if frame is None or tick is None else frame * tick
    if not frame and rate and (_number(about.get("frames")) or 0) > 1:  # in a stack of planes it is the speed of a display
        frame = 1 / rate
    return _calibration(sizes, frame, places, None)


def _calibration(
    sizes: list[float | None], frame: float | None, places: list[float | None], start: float | None
) -> Calibration:
    """Make a calibration of sizes and places along Z, Y, X; a size that is no positive number is unknown."""
    plane, row, column = (size if size is not None and 0 < size < math.inf else None for size in sizes)
    origin = (_finite(places[0]), _finite(places[1]), _finite(places[2]))
    return Calibration(
        None if row is None or column is None else (row, column),
        plane,
        frame if frame is not None and 0 < frame < math.inf else None,
        origin,
        start or 0.0,
    )


def _finite(place: float | None) -> float:
    return place if place is not None and math.isfinite(place) else 0.0


def _measured(about: Mapping[str, str], key: str, unit: str, factor_of: Callable[[str], float | None]) -> float | None:
    factor, value = factor_of(about.get(f"{key}Unit", unit)), _number(about.get(key))
    return None if factor is None or value is None or not math.isfinite(value * factor) else value * factor


def _number(found: object) -> float | None:
    try:
        value = float(str(found))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _per_unit(tag: "tifffile.TiffTag | None") -> float | None:
    return tag.value[1] / tag.value[0] if tag is not None and tag.value[0] and tag.value[1] else None
