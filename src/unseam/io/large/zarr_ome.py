"""Reads the metadata of an OME-Zarr image: the array of the full resolution, the meaning of its axes, the size of a pixel.

Source: the OME-NGFF specification, versions 0.1 to 0.5.
"""

import math
from dataclasses import dataclass
from typing import Any

from unseam.errors import ImageReadError
from unseam.io.axes import guess_axes
from unseam.io.calibration import Calibration
from unseam.io.large.zarr_store import Node, Store
from unseam.io.units import micrometres

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
        scales = [_scale(one, images[0], len(axes)) for one in datasets]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, ImageReadError):
            raise
        raise store.error(f"its OME metadata are damaged ({error!r:.150}); copy or export it again") from error
    notes = (f"the first of {len(images)} images of the group was read",) if len(images) > 1 else ()
    at = paths.index(wanted) if wanted else _finest(scales, axes)
    return FullResolution(paths[at], axes, Calibration(_spacing(scales[at], units, axes)), notes)


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


def _scale(dataset: dict[str, Any], image: dict[str, Any], num_axes: int) -> list[float] | None:
    """Return the size of a pixel along each axis; None if it is missing or not a number."""
    factors = [1.0] * num_axes
    is_given = False
    for step in [*(dataset.get("coordinateTransformations") or []), *(image.get("coordinateTransformations") or [])]:
        if step.get("type") == "scale":
            scale = step.get("scale")
            numbers = isinstance(scale, list) and len(scale) == num_axes and all(type(n) in (int, float) for n in scale)
            if not numbers or not all(0 < n < math.inf for n in scale):
                return None
            factors, is_given = [a * float(b) for a, b in zip(factors, scale, strict=True)], True
    return factors if is_given else None


def _finest(scales: list[list[float] | None], axes: str) -> int:
    """Return the number of the first array, which must be the finest; or of another with smaller pixels in the metadata."""
    sizes = [scale[axes.index("Y")] * scale[axes.index("X")] if scale else math.inf for scale in scales]
    return 0 if scales[0] is None else sizes.index(min(sizes))


def _spacing(scale: list[float] | None, units: list[str], axes: str) -> tuple[float, float] | None:
    factors = [micrometres(units[axes.index(letter)]) for letter in "YX"]
    if scale is None or factors[0] is None or factors[1] is None:
        return None
    rows, columns = scale[axes.index("Y")] * factors[0], scale[axes.index("X")] * factors[1]
    return (rows, columns) if min(rows, columns) > 0 and max(rows, columns) < math.inf else None


def named_axes(node: Node, shape: tuple[int, ...]) -> tuple[str, str | None]:
    """Return the axes of an array without OME metadata, and a note if they were guessed; empty if a guess is not safe."""
    names = node.metadata.get("dimension_names") if node.version == 3 else node.attributes.get("_ARRAY_DIMENSIONS")
    if isinstance(names, list) and len(names) == len(shape):
        letters = "".join(str(name).upper() for name in names)
        if len(letters) == len(set(letters)) == len(shape) and {"Y", "X"} <= set(letters) <= set(_OLD_AXES):
            return letters, None
    return guess_axes(shape)
