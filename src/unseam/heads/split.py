"""Which parts of the foreground are one object: a component may fall into several where the network is surer.

Where the ridge between two objects is faint, its probability only dips, and a component at the threshold holds both. The
components at rising levels form a tree. A component is split where a higher level leaves two or more pieces of it that are
each large enough, and each piece may be split in turn::

    level 0.9        ██      ██                            1       2
    level 0.7       ████    ████  ▪        ->             111     222       the speck is too small to be a part
    threshold       █████████████████                    1111111222222222   pixels between go to the part that floods them

So objects that only one threshold finds, a low one for faint objects and a high one for touching ones, are found together.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int32, Int64

LEVELS = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Levels above the threshold at which components are looked at."""

NONE = -1


def label_levels(
    likely: Float[np.ndarray, "height width"], levels: Sequence[float]
) -> tuple[list[Int32[np.ndarray, "height width"]], Int64[np.ndarray, " levels"]]:
    """Return the numbered components (1, 2, ...) at each level, 4-connected, and how many there are."""
    from scipy import ndimage  # where it is used: a network computes without SciPy

    found = [ndimage.label(likely > level) for level in levels]
    return [labels.astype(np.int32, copy=False) for labels, _ in found], np.array([number for _, number in found], np.int64)


def measure_components(
    labels: Sequence[Int32[np.ndarray, "height width"]], counts: Int64[np.ndarray, " levels"]
) -> tuple[Int64[np.ndarray, " components"], Int64[np.ndarray, " components"]]:
    """Return the area of each component, level after level, and the index of the one around it, a level below."""
    starts = np.cumsum(counts) - counts
    areas, parents = [], []
    for level, (own, number) in enumerate(zip(labels, counts.tolist(), strict=True)):
        line = own.ravel()
        areas.append(np.bincount(line, minlength=number + 1)[1:])
        around = np.full(number + 1, NONE, np.int64)
        if level > 0:
            places = np.flatnonzero(line)
            around[line[places]] = labels[level - 1].ravel()[places] - 1 + starts[level - 1]
        parents.append(around[1:])
    return np.concatenate(areas).astype(np.int64), np.concatenate(parents)


def choose_components(
    level: Int64[np.ndarray, " components"],
    parent: Int64[np.ndarray, " components"],
    area: Int64[np.ndarray, " components"],
    share: float,
    least: float,
) -> Bool[np.ndarray, " components"]:
    """Return which components start an object.

    Parameters
    ----------
    level, parent, area
        Of each component: the number of its level, the index of the component around it one level below (`NONE` on level
        0), and its px.
    share
        A part has at least this share of the px of the component that is split. At most one half, so that two parts fit.
    least
        The smallest part, px.
    """
    chosen = level == 0
    # The component, among those chosen so far, that each component is a piece of; NONE where it was too small to be a part.
    within = np.where(chosen, np.arange(len(level)), NONE)
    for current in range(1, int(level.max(initial=0)) + 1):
        here = np.flatnonzero(level == current)
        whole = within[parent[here]]
        is_part = (whole != NONE) & (area[here] >= np.maximum(least, share * area[whole]))
        is_split = np.bincount(whole[is_part], minlength=len(level)) >= 2
        splits_here = (whole != NONE) & is_split[whole]
        within[here] = np.where(splits_here, np.where(is_part, here, NONE), whole)
        chosen[is_split] = False
        chosen[here[splits_here & is_part]] = True
    return chosen


def paint(
    labels: Sequence[Int32[np.ndarray, "height width"]],
    counts: Int64[np.ndarray, " levels"],
    numbers: Int32[np.ndarray, " components"],
) -> Int32[np.ndarray, "height width"]:
    """Return the map in which the pixels of each component have its number; 0 leaves them to those above and below."""
    painted = np.zeros(labels[0].shape, np.int32)
    for own, of_level in zip(labels, np.split(numbers, np.cumsum(counts)[:-1]), strict=True):
        found = np.concatenate([np.zeros(1, np.int32), of_level])[own]
        np.copyto(painted, found, where=found > 0)
    return painted


def split_cores(
    likely: Float[np.ndarray, "height width"], levels: Sequence[float], share: float, least: float
) -> Int32[np.ndarray, "height width"]:
    """Return the components that start an object in a whole image, numbered from 1 in no particular order."""
    labels, counts = label_levels(likely, levels)
    area, parent = measure_components(labels, counts)
    chosen = choose_components(np.repeat(np.arange(len(counts)), counts), parent, area, share, least)
    return paint(labels, counts, np.where(chosen, np.cumsum(chosen), 0).astype(np.int32))


def raised_in_cores(
    likely: Float[np.ndarray, "height width"], is_core: Bool[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width"]:
    """Return the foreground with 1 added in cores: the flood asks that they come before all other pixels."""
    return np.where(is_core, likely + likely.dtype.type(1), likely)
