"""Outlines of objects in files of other programs, and back to a label map."""

from pathlib import Path

import numpy as np
from jaxtyping import Int32, Integer

from unseam.data.label_evidence import whole_numbers
from unseam.errors import DataError
from unseam.measuring.hand_over import measurements_by_row
from unseam.outlines.coco import CocoImage, write_coco
from unseam.outlines.files import read_outline_file
from unseam.outlines.fill import fill_outlines
from unseam.outlines.geojson import write_geojson
from unseam.outlines.outline import Outline
from unseam.outlines.rois import write_rois
from unseam.outlines.trace import trace_outlines
from unseam.tables import Table

__all__ = ["read_outlines", "write_outlines"]


def write_outlines(labels: Integer[np.ndarray, "height width"], path: str | Path, table: Table | None = None) -> int:
    """Write the outlines of the objects of an instance map; filled they are exactly the map.

    Parameters
    ----------
    labels
        0 is background.
    path
        A name in ``.geojson`` (QuPath), ``.zip`` (the ROI manager of ImageJ) or ``.json`` (COCO).
    table
        Measurements of these objects, ``unseam.measure(labels).objects``: GeoJSON takes them along; the classes go with all.

    Returns
    -------
    int
        The number of objects.

    Raises
    ------
    DataError, OutputError
        If the name ends in something else, the table is of other objects, or the file cannot be written.
    """
    path = Path(path)
    outlines = list(trace_outlines(whole_numbers(labels, "labels")))
    rows: list[dict[str, float]] = [{} for _ in outlines]
    if table is not None:
        if table["id"].tolist() != [one.number for one in outlines]:
            raise DataError(
                f"The table has {len(table)} objects, the map {len(outlines)}, or they have other numbers. Give the table of "
                "this map."
            )
        rows = list(measurements_by_row(table))
        if "class" in table:
            named = zip(outlines, table["class"].tolist(), strict=True)
            outlines = [Outline(one.number, one.polygons, str(name)) for one, name in named]
    ending = path.suffix.lower()
    if ending == ".geojson":
        return write_geojson(path, path.stem, zip(outlines, rows, strict=True))
    if ending == ".zip":
        return write_rois(path, outlines)
    if ending == ".json":
        height, width = labels.shape
        return write_coco(path, [CocoImage(path.stem, height, width, outlines)])
    raise DataError(f"{path}: outlines are written as .geojson, .zip (ImageJ) or .json (COCO). Give a name that ends so.")


def read_outlines(path: str | Path, height: int, width: int) -> Int32[np.ndarray, "height width"]:
    """Read outlines as an instance map: a pixel belongs to an object if its middle lies inside.

    Parameters
    ----------
    path
        GeoJSON (``.geojson``, ``.json``), or regions of ImageJ (``.zip``, ``.roi``), ours or drawn by people.
    height, width
        Size of the map, px. What lies outside is left out.

    Returns
    -------
    numpy.ndarray
        0 is background. The numbers are those of the names, if all names are different numbers; otherwise they count from 1. A
        pixel of two objects belongs to the first one.

    Raises
    ------
    DataError
        If the file cannot be read, or lies in several planes.
    """
    if min(height, width) < 1:
        raise DataError(f"The map is {height} x {width} px, and has at least 1 x 1. Give the size of the image.")
    return fill_outlines(read_outline_file(Path(path)), height, width)[0]
