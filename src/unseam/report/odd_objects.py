"""Which objects to look at first: the largest, the smallest and the oddest of a table. Errors of a segmentation hide there."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from unseam.tables import Table

Extreme = Literal["largest", "smallest", "oddest"]
EXTREMES: tuple[Extreme, ...] = ("largest", "smallest", "oddest")

_JUDGED = ("area_px", "eccentricity", "solidity", "intensity_mean", "intensity_std")
_LARGEST_DEVIATION = 20.0
_NORMAL = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
_NORMAL_MEAN = 1.2533  # over its mean absolute deviation, for columns in which more than half of the objects are equal


@dataclass(frozen=True)
class Standout:
    """An object that stands out: its row in the table, and why, in words."""

    row: int
    reason: str


def choose_standouts(table: Table, which: Extreme, number: int = 10) -> tuple[Standout, ...]:
    """Choose the objects to look at, the most extreme first.

    Objects that the border of the image cuts are no sign of an error: they count among the largest only.

    The oddest are those that deviate most from the median of all objects in area (logarithmic), eccentricity, solidity, and
    the mean and standard deviation of each channel's grey values, as far as the table has them. Each deviation is divided by
    the median absolute deviation (the mean one, where most objects are equal), cut off at 20, and squared; the mean over the
    columns is the oddness.

    >>> table = Table({"area_px": [5.0, 90.0, 30.0], "solidity": [1.0, 1.0, 1.0]})
    >>> [(one.row, one.reason) for one in choose_standouts(table, "largest", 2)]
    [(1, '90 px'), (2, '30 px')]
    """
    if not len(table) or "area_px" not in table:  # a table without rows has no columns
        return ()
    areas = np.asarray(table["area_px"], float)
    is_whole = np.ones(len(table), bool)
    if which != "largest" and "touches_border" in table:
        is_whole = ~np.asarray(table["touches_border"], bool)
    rows = np.flatnonzero(is_whole)
    if which == "oddest":
        return _oddest(table, rows, number)
    order = rows[np.argsort(areas[rows] if which == "smallest" else -areas[rows], kind="stable")]
    return tuple(Standout(int(row), _area(table, int(row))) for row in order[:number])


def _oddest(table: Table, rows: Int[np.ndarray, " chosen"], number: int) -> tuple[Standout, ...]:
    names = [name for name in table if name.startswith(_JUDGED)]
    columns = {name: np.asarray(table[name], float)[rows] for name in names}
    deviations = {name: _deviations(values, name) for name, values in columns.items()}
    usable = {name: values for name, values in deviations.items() if values.any()}
    if not usable:
        return ()
    stacked = np.stack(list(usable.values()))
    oddness = (stacked**2).mean(axis=0)
    chosen = np.argsort(-oddness, kind="stable")[:number]
    found = []
    for at in chosen.tolist():
        name = list(usable)[int(np.abs(stacked[:, at]).argmax())]
        usual = float(np.nanmedian(columns[name]))
        found.append(Standout(int(rows[at]), f"{name} {columns[name][at]:.3g}, usually {usual:.3g}"))
    return tuple(found)


def _deviations(values: Float[np.ndarray, " chosen"], name: str) -> Float[np.ndarray, " chosen"]:
    """Distances from the median over the usual distance, so that 1 is a standard deviation; 0 if all are equal."""
    if not len(values):
        return values
    scaled = np.log(np.maximum(values, 0.5)) if name.startswith("area") else values
    from_middle = scaled - np.nanmedian(scaled)
    distances = np.abs(from_middle)
    spread = _NORMAL * float(np.nanmedian(distances)) or _NORMAL_MEAN * float(np.nanmean(distances))
    if not spread > 0:
        return np.zeros_like(from_middle)
    return np.nan_to_num(np.clip(from_middle / spread, -_LARGEST_DEVIATION, _LARGEST_DEVIATION))


def _area(table: Table, row: int) -> str:
    um = f", {float(table['area_um2'][row]):,.3g} µm²" if "area_um2" in table else ""
    return f"{float(table['area_px'][row]):,.0f} px{um}"
