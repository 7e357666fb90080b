"""Reads the metadata of an OME-Zarr image: the array of the full resolution, the meaning of its axes, the size of a pixel.

Source: the OME-NGFF specification, versions 0.1 to 0.5.
"""

import math
from dataclasses import dataclass
from typing import Any

from unseam.errors import ImageReadError
from unseam.io.axes import guess_axes
from unseam.io.calibration import UNKNOWN, Calibration
from unseam.io.large.zarr_store import Node, Store
from unseam.io.units import micrometres, seconds

_OLD_AXES = "TCZYX"  # versions 0.1 and 0.2 always have these five and do not list them
_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


@dataclass(frozen=True)
class FullResolution:
    """The array of the full resolution of an image: its key, a letter per axis, the size of a pixel, notes for the user.

    ``calibration`` holds what the file states in units of length.
    """

    path: str
    axes: str
    calibration: Calibration
    notes: tuple[str, ...] = ()


def read_full_resolution(store: Store, node: Node, wanted: str = "") -> FullResolution | None:
    """Read the metadata of a group with an image at several resolutions; None if it is not such a group.

    ``wanted`` is the key of one of its arrays, or empty for the full resolution; None if the group does not list it. Raises
    ImageReadError if the metadata are damaged or name unknown axes.
    """
    if "multiscales" not in node.ome:
        return None
    images = node.ome["multiscales"]
    try:
        datasets = [dict(one) for one in images[0]["datasets"]]
        if not datasets:
            raise ValueError("no datasets")
        paths = [store.inside(node.key, one.get("path")) for one in datasets]
        if wanted and wanted not in paths:
            return None
        axes, units = _axes(store, images[0].get("axes"))
        grids = [_grid(one, images[0], len(axes)) for one in datasets]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, ImageReadError):
            raise
        raise store.error(f"its OME metadata are damaged ({error!r:.150}); copy or export it again") from error
    notes = (f"the first of {len(images)} images of the group was read",) if len(images) > 1 else ()
    at = paths.index(wanted) if wanted else _finest([grid.scale if grid else None for grid in grids], axes)
    return FullResolution(paths[at], axes, _calibration(grids[at], units, axes), notes)


def _axes(store: Store, found: Any) -> tuple[str, list[str]]:
    """Return the letters and the units."""
    if found is None:
        return _OLD_AXES, [""] * 5
    entries = [{"name": one} if isinstance(one, str) else dict(one) for one in found]
    letters = [str(one["name"]).upper() for one in entries]
    for letter, one in zip(letters, entries, strict=True):
        if one.get("type", _TYPES.get(letter)) != _TYPES.get(letter) or letter not in _TYPES or letters.count(letter) > 1:
            axis = f"{str(one['name'])[:30]!r} of type {str(one.get('type'))[:30]!r}"
            raise store.error(f"has an axis {axis}; export it again with axes among t, c, z, y, x, each once")
    if not {"Y", "X"} <= set(letters):
        raise store.error(f"has axes {''.join(letters)}; an image needs rows (y) and columns (x): export it again with both")
    return "".join(letters), [str(one.get("unit") or "") for one in entries]


@dataclass(frozen=True)
class _Grid:
    """The size of a pixel and the place of the first one along each axis, in the units of the axes."""

    scale: list[float]
    translation: list[float]


def _grid(dataset: dict[str, Any], image: dict[str, Any], num_axes: int) -> _Grid | None:
    """Return the grid of an array: its own steps in their order, then those of the image; None without a sound scale."""
    scale, translation = [1.0] * num_axes, [0.0] * num_axes
    is_given = False
    for step in [*(dataset.get("coordinateTransformations") or []), *(image.get("coordinateTransformations") or [])]:
        if step.get("type") == "scale":
            by = _numbers(step.get("scale"), num_axes)
            if by is None or min(by) <= 0:
                return None
            scale, translation = ([a * b for a, b in zip(one, by, strict=True)] for one in (scale, translation))
            is_given = True
        elif step.get("type") == "translation":
            shift = _numbers(step.get("translation"), num_axes) or [0.0] * num_axes
            translation = [a + b for a, b in zip(translation, shift, strict=True)]
    return _Grid(scale, translation) if is_given else None


def _numbers(found: Any, count: int) -> list[float] | None:
    is_list = isinstance(found, list) and len(found) == count and all(type(n) in (int, float) for n in found)
    return [float(n) for n in found] if is_list and all(abs(n) < math.inf for n in found) else None


def _finest(scales: list[list[float] | None], axes: str) -> int:
    """Return the number of the first array, which must be the finest; or of another with smaller pixels in the metadata."""
    sizes = [scale[axes.index("Y")] * scale[axes.index("X")] if scale else math.inf for scale in scales]
    return 0 if scales[0] is None else sizes.index(min(sizes))


def _calibration(grid: _Grid | None, units: list[str], axes: str) -> Calibration:
    """Return what stands in units of length and time; a letter that the image lacks is unknown."""
    if grid is None:
        return UNKNOWN
    sizes, places = dict.fromkeys("TZYX", 0.0), dict.fromkeys("TZYX", 0.0)
    for letter, unit, size, place in zip(axes, units, grid.scale, grid.translation, strict=True):
        factor = (seconds if letter == "T" else micrometres)(unit)
        if factor is not None and letter in sizes and size * factor < math.inf:
            sizes[letter] = size * factor
            places[letter] = place * factor if abs(place * factor) < math.inf else 0.0
    pixel = (sizes["Y"], sizes["X"]) if sizes["Y"] > 0 and sizes["X"] > 0 else None
    origin = (places["Z"], places["Y"], places["X"])
    return Calibration(pixel, sizes["Z"] or None, sizes["T"] or None, origin, places["T"])


def named_axes(node: Node, shape: tuple[int, ...]) -> tuple[str, str | None]:
    """Return the axes of an array without OME metadata, and a note if they were guessed; empty if a guess is not safe."""
    names = node.metadata.get("dimension_names") if node.version == 3 else node.attributes.get("_ARRAY_DIMENSIONS")
    if isinstance(names, list) and len(names) == len(shape):
        letters = "".join(str(name).upper() for name in names)
        if len(letters) == len(set(letters)) == len(shape) and {"Y", "X"} <= set(letters) <= set(_OLD_AXES):
            return letters, None
    return guess_axes(shape)
