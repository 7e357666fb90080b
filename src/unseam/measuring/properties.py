"""The properties that can be measured, and their columns: names are those of scikit-image, and the unit is in the header.

A property of lengths has a column in px, and one in um where the pixel size is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from unseam.errors import SettingsError
from unseam.measuring.facts import Greys
from unseam.measuring.region_properties import REGION_PROPERTIES, RegionProperty
from unseam.measuring.values import ObjectValues

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Property:
    """A property of all objects at once.

    Attributes
    ----------
    name
        As scikit-image calls it, where it has it.
    columns
        From the values of the objects to the columns; None where it is measured on grey values.
    greys
        From grey values and areas to one value for each object and channel.
    is_summed_up
        Whether its median over the objects of an image says something.
    """

    name: str
    columns: Callable[[ObjectValues], Columns] | None = None
    greys: Callable[[Greys, np.ndarray], np.ndarray] | None = None
    is_summed_up: bool = True


def _length(name: str, of: Callable[[ObjectValues, tuple[float, float]], np.ndarray]) -> Property:
    def columns(values: ObjectValues) -> Columns:
        found = {f"{name}_px": of(values, (1.0, 1.0))}
        return found | ({f"{name}_um": of(values, values.spacing_um)} if values.spacing_um else {})

    return Property(name, columns)


def _area(name: str, of: Callable[[ObjectValues], np.ndarray]) -> Property:
    def columns(values: ObjectValues) -> Columns:
        found = of(values)
        um2 = {f"{name}_um2": found * (values.spacing_um[0] * values.spacing_um[1])} if values.spacing_um else {}
        return {f"{name}_px": found} | um2

    return Property(name, columns)


def _perimeter(values: ObjectValues) -> Columns:
    px = {"perimeter_px": values.perimeters}
    return px | ({"perimeter_um": values.perimeters * values.spacing_um[0]} if values.spacing_um and values.is_square else {})


def _centroid(values: ObjectValues) -> Columns:
    row, column = values.centroids.T
    px = {"centroid_row_px": row, "centroid_column_px": column}
    if values.spacing_um is None:
        return px
    return px | {"centroid_row_um": row * values.spacing_um[0], "centroid_column_um": column * values.spacing_um[1]}


def _bbox(values: ObjectValues) -> Columns:
    return {f"bbox_{side}_px": values.facts.boxes[:, at] for at, side in enumerate(("top", "left", "bottom", "right"))}


def _bbox_area(values: ObjectValues) -> np.ndarray:
    top, left, bottom, right = values.facts.boxes.T
    return (bottom - top) * (right - left)


def _round_diameter(values: ObjectValues, spacing: tuple[float, float]) -> np.ndarray:
    return np.sqrt(4 * values.areas * (spacing[0] * spacing[1]) / np.pi)


def _per_area(values: np.ndarray, areas: np.ndarray) -> np.ndarray:
    return values / areas[:, np.newaxis]


_PROPERTIES = (
    _area("area", lambda v: v.areas),
    Property("centroid", _centroid, is_summed_up=False),
    Property("bbox", _bbox, is_summed_up=False),
    Property("perimeter", _perimeter),
    _length("feret_diameter_max", lambda v, spacing: v.longest_diameters(spacing)),
    _length("axis_major_length", lambda v, spacing: v.axis_lengths(spacing)[:, 0]),
    _length("axis_minor_length", lambda v, spacing: v.axis_lengths(spacing)[:, 1]),
    _length("equivalent_diameter_area", _round_diameter),
    Property("orientation", lambda v: {"orientation_rad": v.orientations}, is_summed_up=False),
    Property("eccentricity", lambda v: {"eccentricity": v.eccentricities}),
    Property("solidity", lambda v: {"solidity": v.areas / v.hull_areas}),
    Property("touches_border", lambda v: {"touches_border": v.touches_border}, is_summed_up=False),
    Property("num_neighbours", lambda v: {"num_neighbours": v.num_neighbours}),
    Property("intensity_mean", greys=lambda g, areas: _per_area(g.sums, areas)),
    Property("intensity_std", greys=lambda g, areas: np.sqrt(_per_area(g.squares, areas))),
    Property("intensity_min", greys=lambda g, _: g.lowest),
    Property("intensity_max", greys=lambda g, _: g.highest),
    Property("intensity_sum", greys=lambda g, _: g.sums),
)
_ON_REQUEST = (
    _area("area_bbox", _bbox_area),
    _area("area_convex", lambda v: v.hull_areas),
    Property("extent", lambda v: {"extent": v.areas / _bbox_area(v)}),
)

DEFAULT: tuple[str, ...] = tuple(one.name for one in _PROPERTIES)
"""What is measured if nothing is chosen."""

KNOWN: Mapping[str, Property | RegionProperty] = {one.name: one for one in (*_PROPERTIES, *_ON_REQUEST, *REGION_PROPERTIES)}
"""Every property, by name."""


def chosen_properties(names: Sequence[str]) -> tuple[Property | RegionProperty, ...]:
    """Return properties by name, each once. Raises SettingsError for an unknown name.

    >>> [one.name for one in chosen_properties(["area", "solidity"])]
    ['area', 'solidity']
    """
    for name in names:
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, 1)
            hint = f"Did you mean {near[0]}?" if near else "Choose among these."
            raise SettingsError(f"There is no property {name!r}. There are: {', '.join(KNOWN)}. {hint}")
    return tuple(KNOWN[name] for name in dict.fromkeys(names))


def grey_columns(name: str, values: np.ndarray) -> Columns:
    """Name the columns of a property of grey values: with more than one channel the number of each follows."""
    if values.shape[1] == 1:
        return {name: values[:, 0]}
    return {f"{name}_c{channel}": values[:, channel] for channel in range(values.shape[1])}
