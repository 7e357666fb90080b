"""Metadata of an OME-Zarr image: the array of the full resolution, the meaning of its axes, the size of a pixel.

Source: the OME-NGFF specification, versions 0.1 to 0.5.
"""

import math
from dataclasses import dataclass
from typing import Any

from unseam.errors import ImageReadError
from unseam.io.axes import guess_axes
from unseam.io.large.zarr_store import Node, Store
from unseam.io.units import micrometres

_OLD_AXES = "TCZYX"  # versions 0.1 and 0.2 have these five and do not say so
_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


@dataclass(frozen=True)
class FullResolution:
    """The full resolution of an image.

    Attributes
    ----------
    path
        Of the array, in the group.
    axes
        A letter for each; empty: unknown from the group.
    spacing_um
        Size of a pixel (row, column), if it is in a unit of length.
    notes
        Sentences for the user.
    """

    path: str
    axes: str
    spacing_um: tuple[float, float] | None
    notes: tuple[str, ...] = ()


def read_full_resolution(store: Store, node: Node, wanted: str = "") -> FullResolution | None:
    """Read the metadata of a group with an image at several resolutions; None if it is no such group.

    Parameters
    ----------
    wanted
        Key of one of its arrays; empty: the full resolution.

    Raises
    ------
    ImageReadError
        If they are damaged, or name unknown axes.
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
    return FullResolution(paths[at], axes, _spacing(scales[at], units, axes), notes)


def _axes(store: Store, found: Any) -> tuple[str, list[str]]:
    """Letters and units."""
    if found is None:
        return _OLD_AXES, [""] * 5
    entries = [{"name": one} if isinstance(one, str) else dict(one) for one in found]
    letters = [str(one["name"]).upper() for one in entries]
    for letter, one in zip(letters, entries, strict=True):
        if one.get("type", _TYPES.get(letter)) != _TYPES.get(letter) or letter not in _TYPES or letters.count(letter) > 1:
            told = f"{str(one['name'])[:30]!r} of type {str(one.get('type'))[:30]!r}"
            raise store.error(f"has an axis {told}; axes are t, c, z, y, x, each once: export it again with these")
    if not {"Y", "X"} <= set(letters):
        raise store.error(f"has axes {''.join(letters)}; an image has rows (y) and columns (x)")
    return "".join(letters), [str(one.get("unit") or "") for one in entries]


def _scale(dataset: dict[str, Any], image: dict[str, Any], num_axes: int) -> list[float] | None:
    """Size of a pixel along each axis; None if it is not said, or not as numbers."""
    factors = [1.0] * num_axes
    is_said = False
    for step in [*(dataset.get("coordinateTransformations") or []), *(image.get("coordinateTransformations") or [])]:
        if step.get("type") == "scale":
            scale = step.get("scale")
            numbers = isinstance(scale, list) and len(scale) == num_axes and all(type(n) in (int, float) for n in scale)
            if not numbers or not all(0 < n < math.inf for n in scale):
                return None
            factors, is_said = [a * float(b) for a, b in zip(factors, scale, strict=True)], True
    return factors if is_said else None


def _finest(scales: list[list[float] | None], axes: str) -> int:
    """The first one, as it has to be; another one if its pixels are said to be smaller."""
    sizes = [scale[axes.index("Y")] * scale[axes.index("X")] if scale else math.inf for scale in scales]
    return 0 if scales[0] is None else sizes.index(min(sizes))


def _spacing(scale: list[float] | None, units: list[str], axes: str) -> tuple[float, float] | None:
    factors = [micrometres(units[axes.index(letter)]) for letter in "YX"]
    if scale is None or factors[0] is None or factors[1] is None:
        return None
    rows, columns = scale[axes.index("Y")] * factors[0], scale[axes.index("X")] * factors[1]
    return (rows, columns) if min(rows, columns) > 0 and max(rows, columns) < math.inf else None


def named_axes(node: Node, shape: tuple[int, ...]) -> tuple[str, str | None]:
    """Axes of an array that stands alone, and a note if they were guessed; empty if no guess is sound."""
    names = node.metadata.get("dimension_names") if node.version == 3 else node.attributes.get("_ARRAY_DIMENSIONS")
    if isinstance(names, list) and len(names) == len(shape):
        letters = "".join(str(name).upper() for name in names)
        if len(letters) == len(set(letters)) == len(shape) and {"Y", "X"} <= set(letters) <= set(_OLD_AXES):
            return letters, None
    return guess_axes(shape)
