"""The OME-XML of a store of several images, without which napari-ome-zarr does not open it. Source: the OME schema, 2016-06."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from unseam._version import __version__
from unseam.io.result.ome_metadata import ImageLayout
from unseam.io.write import plain_text

_NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def series_xml(layouts: Mapping[str, ImageLayout]) -> bytes:
    """Describe the images of a store, in order, by position."""
    root = ElementTree.Element("OME", xmlns=_NAMESPACE, Creator=f"unseam {__version__}")
    for number, (position, layout) in enumerate(layouts.items()):
        image = ElementTree.SubElement(root, "Image", ID=f"Image:{number}", Name=plain_text(layout.name or position))
        pixels = ElementTree.SubElement(image, "Pixels", {"ID": f"Pixels:{number}", **_pixels(layout)})
        names = layout.channel_names if "C" in layout.axes else (layout.name or position,)
        for channel in range(int(pixels.attrib["SizeC"])):
            name = names[channel] if channel < len(names) else f"class {channel}"
            about = {"ID": f"Channel:{number}:{channel}", "Name": plain_text(name), "SamplesPerPixel": "1"}
            ElementTree.SubElement(pixels, "Channel", about)
        ElementTree.SubElement(pixels, "MetadataOnly")
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _pixels(layout: ImageLayout) -> dict[str, Any]:
    lengths = dict(zip(layout.axes, layout.shape, strict=True))
    about = {"DimensionOrder": "XYZCT", "Type": "float" if layout.dtype.kind == "f" else layout.dtype.name}
    about |= {f"Size{axis}": str(lengths.get(axis, 1)) for axis in "XYZCT"}
    known = layout.calibration
    height, width = known.pixel_um or (None, None)
    for axis, step in (("X", width), ("Y", height), ("Z", known.plane_um)):
        if step is not None:
            about |= {f"PhysicalSize{axis}": repr(float(step)), f"PhysicalSize{axis}Unit": "µm"}
    if known.frame_s is not None:
        about |= {"TimeIncrement": repr(float(known.frame_s)), "TimeIncrementUnit": "s"}
    return about
