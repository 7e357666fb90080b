"""One row for each group: means over its images, which are the independent samples; objects of one image are not."""

from collections.abc import Sequence

import numpy as np

from unseam.tables import Table
from unseam.tables.table import joined

_NAMES = ("image", "group", "frame", "plane", "class", "height_px", "width_px")


def group_images(images: Table) -> Table:
    """Return the number of images and objects, and mean and standard deviation over the images of each column.

    >>> images = Table({"image": ["a", "b", "c"], "group": ["x", "x", "y"], "num_objects": [2, 4, 7], "area_fraction": [0.1, 0.3, 0.2]})
    >>> group_images(images)["mean_num_objects"].tolist()
    [3.0, 7.0]
    """
    rows = [_row(images, images["group"] == group, {"group": [group]}) for group in _each(images, "group")]
    return joined(rows) if rows else Table({})


def group_classes(classes: Table) -> Table:
    """Return the same for each class of each group. A class that an image lacks has the share 0 there."""
    rows = []
    for group in _each(classes, "group"):
        of_group = classes.where(classes["group"] == group)
        for value in sorted(set(of_group["class"].tolist())):
            of_class = of_group.where(of_group["class"] == value)
            rows.append(_row(of_class, np.ones(len(of_class), bool), {"group": [group], "class": [value]}, _num_planes(of_group)))
    return joined(rows) if rows else Table({})


def _row(table: Table, is_in: np.ndarray, names: dict[str, Sequence[object]], number: int | None = None) -> Table:
    part = table.where(is_in)
    number = len(part) if number is None else number
    columns: dict[str, np.ndarray] = {name: np.asarray(values, object if name == "group" else None) for name, values in names.items()}
    columns["num_images"] = np.array([len(set(part["image"].tolist()))])
    if "num_objects" in part:
        columns["num_objects"] = np.array([part["num_objects"].sum()])
    for name in part.names:
        if name not in _NAMES:
            values = np.append(part[name].astype(np.float64), np.zeros(number - len(part)))
            values = values[~np.isnan(values)]
            columns[f"mean_{name}"] = np.array([values.mean() if len(values) else np.nan])
            columns[f"sd_{name}"] = np.array([values.std(ddof=1) if len(values) > 1 else np.nan])
    return Table(columns)


def _each(table: Table, name: str) -> list[str]:
    return list(dict.fromkeys(table[name].tolist()))


def _num_planes(table: Table) -> int:
    keys = [name for name in ("image", "frame", "plane") if name in table]
    return len({tuple(row[key] for key in keys) for row in table.rows()})
