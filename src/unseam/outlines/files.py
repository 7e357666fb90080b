"""Outlines from a file of another program, by the ending of its name."""

from pathlib import Path

from unseam.errors import DataError
from unseam.outlines.geojson import read_geojson
from unseam.outlines.outline import Outline
from unseam.outlines.rois import read_rois

OUTLINE_SUFFIXES = (".geojson", ".zip", ".roi")
"""Files that hold outlines, in a folder of other files; a ``.json`` may hold anything."""


def read_outline_file(path: Path) -> list[Outline]:
    """Read the outlines of one plane from GeoJSON or from regions of ImageJ.

    Raises
    ------
    DataError
        If the name ends in something else, the file cannot be read, or its outlines lie in several planes.
    """
    if path.suffix.lower() not in (*OUTLINE_SUFFIXES, ".json"):
        raise DataError(f"{path}: outlines are read from .geojson, .json, .zip and .roi. Give such a file.")
    outlines = read_rois(path) if path.suffix.lower() in (".zip", ".roi") else read_geojson(path)
    if len({one.at for one in outlines}) > 1:
        raise DataError(f"{path} has outlines in several planes of a stack. Export the planes one by one.")
    return outlines
