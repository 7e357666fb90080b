"""Sizes, tiles, chunks and distances: integers and arrays only, without torch."""

from unseam.geometry.sizes import AxisTiles, Geometry, lay_tiles, mirrored_range, path_geometry

__all__ = ["AxisTiles", "Geometry", "lay_tiles", "mirrored_range", "path_geometry"]
