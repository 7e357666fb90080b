"""One row for each group: means over its images, which are the independent samples.

Objects of one image are not independent, and neither are its planes: these are averaged first.
"""

from collections.abc import Sequence

import numpy as np

from unseam.tables import Table
from unseam.tables.table import joined

_NO_VALUES = ("image", "group", "frame", "plane", "class", "height_px", "width_px")


def group_images(images: Table) -> Table:
    """Return the number of images and objects, and mean and standard deviation over the images of each column.

    >>> images = Table({"image": ["a", "b", "c"], "group": ["x", "x", "y"], "num_objects": [2, 4, 7]})
    >>> group_images(images)["mean_num_objects"].tolist()
    [3.0, 7.0]
    """
    rows = []
    for group in _each(images["group"]):
        of_group = images.where(images["group"] == group)
        names = _each(of_group["image"])
        first: dict[str, list[object]] = {"group": [group], "num_images": [len(names)]}
        if "num_objects" in of_group:
            first["num_objects"] = [int(of_group["num_objects"].sum())]
        rows.append(_row(first, of_group, [of_group.where(of_group["image"] == name) for name in names]))
    return joined(rows) if rows else Table({})


def group_classes(classes: Table) -> Table:
    """Return the same for each class of each group. An image that lacks a class has 0 of it."""
    rows = []
    for group in _each(classes["group"]):
        of_group = classes.where(classes["group"] == group)
        names = _each(of_group["image"])
        for value in np.unique(of_group["class"]).tolist():
            of_class = of_group.where(of_group["class"] == value)
            first: dict[str, list[object]] = {"group": [group], "class": [value], "num_images": [len(names)]}
            parts = [of_class.where(of_class["image"] == name) for name in names]
            rows.append(_row(first, of_class, parts, [_num_planes(of_group, name) for name in names]))
    return joined(rows) if rows else Table({})


def _num_planes(classes: Table, image: str) -> int:
    of_image = classes.where(classes["image"] == image)
    return len({tuple(row.get(key) for key in ("frame", "plane")) for row in of_image.rows()})


def _row(first: dict[str, list[object]], table: Table, images: Sequence[Table], planes: Sequence[int] = ()) -> Table:
    """Return the row of a group; ``planes`` has the planes of each image, of which some may lack a row and count as 0."""
    columns: dict[str, list[object]] = dict(first)
    for name in table.names:
        if name not in _NO_VALUES:
            if planes:
                means = np.array([one[name].sum() / number for one, number in zip(images, planes, strict=True)])
            else:
                means = np.array([_mean(one[name]) for one in images])
            means = means[~np.isnan(means)]
            columns[f"mean_{name}"] = [_mean(means)]
            columns[f"sd_{name}"] = [float(means.std(ddof=1)) if len(means) > 1 else np.nan]
    return Table(columns)  # type: ignore[arg-type]  # each list holds one cell


def _mean(values: np.ndarray) -> float:
    known = values.astype(np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else np.nan


def _each(names: np.ndarray) -> list[str]:
    return list(dict.fromkeys(names.tolist()))
