"""One row for each image: how many objects, how dense, and the medians of what was measured on them."""

import numpy as np

from unseam.measuring.objects import Chosen, PlaneOf
from unseam.measuring.values import ObjectValues
from unseam.tables import Table

_UM2_A_MM2 = 1e6


def image_row(place: PlaneOf, values: ObjectValues, objects: Table, chosen: Chosen) -> Table:
    """Return the row of a plane; medians of no objects are empty.

    ``area_fraction`` is the share of the plane that objects cover.
    """
    size = values.height * values.width
    columns = place.columns(1) | {"height_px": np.array([values.height]), "width_px": np.array([values.width])}
    number = len(values.areas)
    columns["num_objects"] = np.array([number])
    if values.spacing_um is not None:
        mm2 = size * values.spacing_um[0] * values.spacing_um[1] / _UM2_A_MM2
        columns |= {"area_mm2": np.array([mm2]), "objects_per_mm2": np.array([number / mm2])}
    columns["area_fraction"] = np.array([values.areas.sum() / size])
    for name in summed_up(objects, chosen):
        columns[f"median_{name}"] = np.array([np.median(objects[name]) if number else np.nan])
    return Table(columns)


def summed_up(objects: Table, chosen: Chosen) -> list[str]:
    """Return the columns whose medians say something: not places, angles and flags."""
    names = tuple(one.name for one in chosen if one.is_summed_up)
    return [column for column in objects.names if any(column == name or column.startswith(f"{name}_") for name in names)]
