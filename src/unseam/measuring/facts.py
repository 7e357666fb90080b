"""What adds up: the facts about the objects of a window, and how those of several windows become those of the plane.

Sums of rows and columns are taken from the upper left corner of the object's box in the window, not of the plane: so they stay
small, and no digit is lost when the moments about the middle are made from them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Integer, Shaped

from unseam.measuring.hulls import Hulls, hulls_of_rows, merged_hulls
from unseam.measuring.outside import HALO, measure_outside, unique_pairs
from unseam.measuring.runs import Runs, find_runs


@dataclass(frozen=True, eq=False)
class Greys:
    """The grey values of the objects, by channel.

    Attributes
    ----------
    sums
        Of integers it is exact up to 2^53.
    squares
        Sum of the squared differences from the mean of the object (in this window).
    """

    sums: Float64[np.ndarray, "objects channels"]
    squares: Float64[np.ndarray, "objects channels"]
    lowest: Float64[np.ndarray, "objects channels"]
    highest: Float64[np.ndarray, "objects channels"]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """The values of a class map in the objects, rising, and how many px of each are in each object."""

    values: Int64[np.ndarray, "values"]
    counts: Int64[np.ndarray, "objects values"]

    def counts_of(self, values: Int64[np.ndarray, "more"]) -> Int64[np.ndarray, "objects more"]:
        """Return the counts of more values."""
        result = np.zeros((len(self.counts), len(values)), np.int64)
        result[:, np.searchsorted(values, self.values)] = self.counts
        return result


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known about the objects of a window, or of several.

    Attributes
    ----------
    ids
        The objects, rising.
    areas
        px of each.
    boxes
        First row and column, and those after the last (top, left, bottom, right), in the frame of the plane.
    sums
        Over the pixels of each: row, column, row^2, column^2, row * column, counted from the corner of the box.
    steps
        Border pixels by kind, see :mod:`unseam.measuring.outside`.
    touching
        Pairs of objects that touch.
    hulls
        Their owners are indices in ``ids``.
    greys
        None without an image.
    classes
        None without a class map.
    """

    ids: Int64[np.ndarray, "objects"]
    areas: Int64[np.ndarray, "objects"]
    boxes: Int64[np.ndarray, "objects 4"]
    sums: Float64[np.ndarray, "objects 5"]
    steps: Int64[np.ndarray, "objects 4"]
    touching: Int64[np.ndarray, "pairs 2"]
    hulls: Hulls
    greys: Greys | None
    classes: ClassCounts | None


def facts_of_window(
    labels: Integer[np.ndarray, "wide_height wide_width"],
    image: Shaped[np.ndarray, "height width channel"] | None = None,
    class_map: Integer[np.ndarray, "height width"] | None = None,
    *,
    corner: tuple[int, int] = (0, 0),
) -> Facts:
    """Find the facts about one window.

    Parameters
    ----------
    labels
        The window of the instance map with :data:`~unseam.measuring.outside.HALO` px around it, which are 0 outside the plane.
    image, class_map
        The window without the halo.
    corner
        Row and column of the first pixel of the window in the plane.
    """
    inner = np.ascontiguousarray(labels[HALO:-HALO, HALO:-HALO])
    runs = find_runs(inner)
    top, left = runs.lowest(runs.rows), runs.lowest(runs.starts)
    bottom, right = runs.highest(runs.rows) + 1, runs.highest(runs.stops)
    boxes = np.stack([top, left, bottom, right], axis=1) + np.array([*corner, *corner])
    outside = measure_outside(labels, runs.ids)
    return Facts(
        runs.ids,
        runs.sums(runs.lengths),
        boxes.astype(np.int64),
        _moments(runs, top, left),
        outside.steps,
        outside.touching,
        _hulls(runs, corner),
        None if image is None else _greys(runs, image),
        None if class_map is None else _classes(runs, class_map),
    )


def _moments(runs: Runs, top: np.ndarray, left: np.ndarray) -> Float64[np.ndarray, "objects 5"]:
    """Add up rows, columns and their products over the runs: sums of rising numbers have a closed form."""
    rows = (runs.rows - top[runs.owner]).astype(np.float64)
    first = (runs.starts - left[runs.owner]).astype(np.float64)
    number = runs.lengths.astype(np.float64)
    steps = number * (number - 1) / 2  # 0 + 1 + ... + (number - 1)
    columns = number * first + steps
    squares = number * first**2 + 2 * first * steps + (number - 1) * number * (2 * number - 1) / 6
    sums = (rows * number, columns, rows**2 * number, squares, rows * columns)
    return np.stack([runs.sums(values) for values in sums], axis=1)


def _hulls(runs: Runs, corner: tuple[int, int]) -> Hulls:
    if not len(runs.ids):
        return hulls_of_rows(runs.owner, runs.rows, runs.starts, runs.stops)
    is_row = np.append(True, (runs.rows[1:] != runs.rows[:-1]) | (runs.owner[1:] != runs.owner[:-1]))
    at = np.flatnonzero(is_row)
    first = np.minimum.reduceat(runs.starts, at) + corner[1]
    last = np.maximum.reduceat(runs.stops, at) - 1 + corner[1]
    return hulls_of_rows(runs.owner[at], runs.rows[at] + corner[0], first, last)


def _greys(runs: Runs, image: Shaped[np.ndarray, "height width channel"]) -> Greys:
    areas = runs.sums(runs.lengths)
    found = [_grey(runs, areas, np.ascontiguousarray(image[..., channel])) for channel in range(image.shape[2])]
    return Greys(*(np.stack(columns, axis=1) for columns in zip(*found, strict=True)))


def _grey(runs: Runs, areas: np.ndarray, channel: np.ndarray) -> tuple[np.ndarray, ...]:
    wide = channel.astype(np.float64)
    sums = runs.sums(runs.reduce(wide, np.add))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / areas
    differences = wide.ravel() - runs.spread(means, wide.size)
    np.square(differences, out=differences)
    squares = runs.sums(runs.reduce(differences, np.add))
    lowest = runs.lowest(runs.reduce(channel, np.minimum)).astype(np.float64)
    return sums, squares, lowest, runs.highest(runs.reduce(channel, np.maximum)).astype(np.float64)


def _classes(runs: Runs, class_map: np.ndarray) -> ClassCounts:
    owner = runs.spread(np.arange(1.0, len(runs.ids) + 1), class_map.size).astype(np.int64)
    inside = np.flatnonzero(owner)
    values, index = np.unique(class_map.ravel()[inside], return_inverse=True)
    code = (owner[inside] - 1) * len(values) + index
    counts = np.bincount(code, minlength=len(runs.ids) * len(values)).reshape(len(runs.ids), len(values))
    return ClassCounts(values.astype(np.int64), counts.astype(np.int64))


def merged_facts(parts: list[Facts]) -> Facts:
    """Return the facts about the objects of several windows of one plane, which do not overlap."""
    if len(parts) == 1:
        return parts[0]
    all_ids = np.concatenate([part.ids for part in parts])
    ids, owner = np.unique(all_ids, return_inverse=True)
    areas = np.concatenate([part.areas for part in parts])
    parts_boxes = np.concatenate([part.boxes for part in parts])
    boxes = _extremes(parts_boxes, owner, len(ids))
    owners = np.split(owner, np.cumsum([len(part.ids) for part in parts])[:-1])
    # Rows and columns of all parts are counted from the corner of the whole box.
    shift = (parts_boxes[:, :2] - boxes[owner, :2]).astype(np.float64)
    sums = _shifted(np.concatenate([part.sums for part in parts]), areas, shift)
    greys = [part.greys for part in parts if part.greys is not None]
    classes = [part.classes for part in parts if part.classes is not None]
    return Facts(
        ids,
        _added(areas, owner, len(ids)),
        boxes,
        _added(sums, owner, len(ids)),
        _added(np.concatenate([part.steps for part in parts]), owner, len(ids)),
        unique_pairs(np.concatenate([part.touching for part in parts])),
        merged_hulls([part.hulls.numbered(own) for part, own in zip(parts, owners, strict=True)]),
        _merged_greys(greys, areas, owner, len(ids)) if greys else None,
        _merged_classes(classes, owner, len(ids)) if classes else None,
    )


def _merged_classes(classes: list[ClassCounts], owner: np.ndarray, number: int) -> ClassCounts:
    values = np.unique(np.concatenate([one.values for one in classes]))
    return ClassCounts(values, _added(np.concatenate([one.counts_of(values) for one in classes]), owner, number))


def _added(values: np.ndarray, owner: np.ndarray, number: int) -> np.ndarray:
    total = np.zeros((number, *values.shape[1:]), values.dtype)
    np.add.at(total, owner, values)
    return total


def _extremes(boxes: np.ndarray, owner: np.ndarray, number: int) -> Int64[np.ndarray, "objects 4"]:
    result = np.zeros((number, 4), np.int64)
    result[:, :2] = np.iinfo(np.int64).max
    np.minimum.at(result[:, :2], owner, boxes[:, :2])
    np.maximum.at(result[:, 2:], owner, boxes[:, 2:])
    return result


def _shifted(sums: np.ndarray, areas: np.ndarray, shift: Float64[np.ndarray, "parts 2"]) -> Float64[np.ndarray, "parts 5"]:
    number, (down, right) = areas.astype(np.float64), shift.T
    row, column, rows, columns, both = sums.T
    return np.stack(
        [
            row + number * down,
            column + number * right,
            rows + 2 * down * row + number * down**2,
            columns + 2 * right * column + number * right**2,
            both + down * column + right * row + number * down * right,
        ],
        axis=1,
    )


def _merged_greys(greys: list[Greys], areas: np.ndarray, owner: np.ndarray, number: int) -> Greys:
    """Join sums and squares: a part adds its own squares, and those of its mean about the mean of all (Chan et al. 1979)."""
    sums, squares, lowest, highest = (
        np.concatenate([getattr(one, name) for one in greys]) for name in ("sums", "squares", "lowest", "highest")
    )
    total, total_area = _added(sums, owner, number), _added(areas, owner, number)
    means = total / total_area[:, np.newaxis]
    between = areas[:, np.newaxis] * (sums / areas[:, np.newaxis] - means[owner]) ** 2
    low, high = np.full_like(total, np.inf), np.full_like(total, -np.inf)
    np.minimum.at(low, owner, lowest)
    np.maximum.at(high, owner, highest)
    return Greys(total, _added(squares + between, owner, number), low, high)
