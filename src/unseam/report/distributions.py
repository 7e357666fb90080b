"""A measurement of every object, image by image and group by group, as one SVG picture.

A bar from quartile to quartile with the median, and a dot for each object: so one sees the spread, and also the two objects
that lie far outside. Dots of many objects are thinned out evenly over their order, with the smallest and the largest kept.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float, Shaped

from unseam.report.overlay import PALETTE
from unseam.training.curve import Ink

MOST_IMAGES = 24
"""With more images, each group has one row, with the median of each image as a diamond."""

_MOST_DOTS = 160
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 760, 190, 90, 12, 34, 58
_LOGARITHMIC = 50.0
_LONGEST_NAME = 24
_MOST_TICKS = 7


@dataclass(frozen=True)
class _Row:
    name: str
    values: Float[np.ndarray, " objects"]
    colour: str
    is_group: bool = False
    medians: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Axis:
    """Converts a value to a place: linear, or logarithmic if the values span a factor of 50 and none is 0 or below."""

    low: float
    high: float
    is_logarithmic: bool

    def x(self, value: float) -> float:
        low, high = (math.log(self.low), math.log(self.high)) if self.is_logarithmic else (self.low, self.high)
        share = ((math.log(value) if self.is_logarithmic else value) - low) / (high - low)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def ticks(self) -> list[float]:
        if self.is_logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            rungs = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
            inside = [rung for rung in rungs if self.low <= rung <= self.high]
            tens = [rung for rung in inside if math.isclose(10 ** round(math.log10(rung)), rung)]
            return tens if len(inside) > _MOST_TICKS and len(tens) > 1 else inside
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
        return [float(v) for v in np.arange(math.ceil(self.low / step), math.floor(self.high / step) + 1) * step]


def distributions_svg(
    values: Float[np.ndarray, " objects"],
    images: Shaped[np.ndarray, " objects"],
    name: str,
    ink: Ink,
    group_of: Mapping[str, str] | None = None,
) -> str:
    """Draw the values of all objects, one row for each image; NaN and infinite values are left out.

    Parameters
    ----------
    values, images
        The measurement of each object, and the name of its image.
    name
        Name of the measurement with its unit: the label of the axis.
    group_of
        The group of each image. Images then stand below the row of their group, which holds the objects of all its images.
    """
    keep = np.isfinite(values)
    rows = _rows(values[keep], images[keep].astype(str), group_of or {})
    height = _TOP + _ROW * max(1, len(rows)) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13" '
        f'role="img"><title>{escape(name)} of {int(keep.sum()):,} objects</title>',
        f'<rect width="{_WIDTH}" height="{height}" style="fill:{ink.paper}"/>',
    ]
    if not rows:
        return "\n".join([*parts, _text(_WIDTH / 2, _TOP + _ROW / 2, "no objects", "middle", ink), "</svg>\n"])
    axis = _axis(values[keep])
    bottom = _TOP + _ROW * len(rows)
    for tick in axis.ticks():
        x = axis.x(tick)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" style="stroke:{ink.grid}"/>')
        parts.append(_text(x, bottom + 18, f"{tick:,.10g}", "middle", ink))
    for number, row in enumerate(rows):
        parts += _drawn(row, _TOP + _ROW * (number + 0.5), axis, ink)
    scale = " (logarithmic)" if axis.is_logarithmic else ""
    parts += [_text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 42, f"{name}{scale}", "middle", ink), "</svg>\n"]
    return "\n".join(parts)


def _rows(values: np.ndarray, images: np.ndarray, group_of: Mapping[str, str]) -> list[_Row]:
    """Images in the order of the table; where there are groups, each below its group."""
    names = list(dict.fromkeys(images.tolist()))
    of_image = {name: values[images == name] for name in names}
    groups = list(dict.fromkeys(group_of.get(name, "") for name in names))
    rows = []
    for number, group in enumerate(groups):
        members = [name for name in names if group_of.get(name, "") == group]
        colour = f"rgb({', '.join(str(int(part)) for part in PALETTE[number % len(PALETTE)])})"
        is_crowded = len(names) > MOST_IMAGES
        if group_of or is_crowded:
            medians = tuple(float(np.median(of_image[name])) for name in members)
            pooled = np.concatenate([of_image[name] for name in members])
            rows.append(_Row(group or ("no group" if group_of else "all images"), pooled, colour, True, medians))
        if not is_crowded:
            rows += [_Row(name, of_image[name], colour) for name in members]
    return rows


def _axis(values: np.ndarray) -> _Axis:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low >= _LOGARITHMIC:
        return _Axis(low / 1.1, high * 1.1, True)
    margin = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    return _Axis(0.0 if 0 <= low < 0.5 * high else low - margin, high + margin, False)


def _drawn(row: _Row, y: float, axis: _Axis, ink: Ink) -> list[str]:
    first, median, third = (float(v) for v in np.percentile(row.values, [25, 50, 75]))
    number = len(row.values)
    tip = f"{row.name}: {number:,} objects, median {median:.4g}, half of them between {first:.4g} and {third:.4g}"
    half = 9
    shown = row.name if len(row.name) <= _LONGEST_NAME else f"{row.name[: _LONGEST_NAME - 1]}…"
    parts = [
        f"<g><title>{escape(tip)}</title>",
        _text(_LEFT - 10, y + 4, shown, "end", ink, "font-weight:bold" if row.is_group else ""),
        _text(_WIDTH - _RIGHT + 10, y + 4, f"n = {number:,}", "start", ink),
    ]
    ordered = np.sort(row.values)
    if number > _MOST_DOTS:
        ordered = ordered[np.linspace(0, number - 1, _MOST_DOTS).round().astype(int)]
    for rank, value in enumerate(ordered.tolist()):
        dy = ((rank * 0.618034) % 1 - 0.5) * 18  # the golden ratio spreads neighbours as far apart as can be
        parts.append(f'<circle cx="{axis.x(value):.1f}" cy="{y + dy:.1f}" r="2" style="fill:{ink.text};fill-opacity:.35"/>')
    width = max(1.0, axis.x(third) - axis.x(first))
    box = f'x="{axis.x(first):.1f}" y="{y - half:.1f}" width="{width:.1f}" height="{2 * half}" rx="2"'
    parts.append(f'<rect {box} style="fill:{row.colour};fill-opacity:.45;stroke:{row.colour};stroke-width:1.5"/>')
    x = axis.x(median)
    parts.append(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - half:.1f}" y2="{y + half:.1f}" style="stroke:{ink.text};stroke-width:2.5"/>'
    )
    for middle in row.medians if row.is_group else ():
        x = axis.x(middle)
        parts.append(
            f'<path d="M{x:.1f} {y - 6:.1f}l5 6l-5 6l-5 -6z" style="fill:{ink.text};stroke:{row.colour};stroke-width:1"/>'
        )
    return [*parts, "</g>"]


def _text(x: float, y: float, text: str, anchor: str, ink: Ink, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill:{ink.text};{style}">{escape(text)}</text>'
