"""The calibration in the metadata of OME and ImageJ in a TIFF; bare resolution tags are about printing."""

import re

import tifffile

from unseam.io.calibration import Calibration
from unseam.io.units import micrometres


def calibration_of(tiff: "tifffile.TiffFile", number: int = 0) -> Calibration:
    """Return what the file states of the image of this number in units of length and time."""
    return Calibration(_pixel_size(tiff, number))


def _pixel_size(tiff: "tifffile.TiffFile", number: int) -> tuple[float, float] | None:
    if tiff.is_ome and tiff.ome_metadata:
        images = re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", tiff.ome_metadata)
        if number >= len(images):
            return None
        rows, columns = _ome_size(images[number], "Y"), _ome_size(images[number], "X")
    elif tiff.is_imagej and tiff.imagej_metadata:
        unit = micrometres(str(tiff.imagej_metadata.get("unit", "")))
        page = tiff.pages.first
        rows, columns = (_imagej_size(page.tags.get(name), unit) for name in ("YResolution", "XResolution"))
    else:
        return None
    return None if rows is None or columns is None else (rows, columns)


def _ome_size(xml: str, axis: str) -> float | None:
    size = re.search(rf'PhysicalSize{axis}="([0-9.eE+-]+)"', xml)
    unit = re.search(rf'PhysicalSize{axis}Unit="([^"]*)"', xml)
    factor = micrometres(unit.group(1) if unit else "µm")
    try:
        value = float(size.group(1)) * factor if size and factor else 0.0
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _imagej_size(tag: "tifffile.TiffTag | None", unit: float | None) -> float | None:
    if tag is None or unit is None or not tag.value[0] or not tag.value[1]:
        return None
    return unit * tag.value[1] / tag.value[0]
