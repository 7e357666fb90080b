"""The page of a measurement: distributions, objects coloured by what was measured, and the objects to look at first."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8
from markupsafe import Markup

from unseam.report.distributions import MOST_IMAGES, distributions_svg
from unseam.report.measured_picture import ColourScale, colour_scale, draw_measured, viridis
from unseam.report.odd_objects import EXTREMES, Extreme, choose_standouts
from unseam.report.overlay import ERROR_COLOURS, INVENTED, LONGEST_SIDE, encode_jpeg, reduce_layer
from unseam.report.pages import render_template
from unseam.report.thumbnails import SIDE, Thumbnail, draw_view, window_round
from unseam.tables import Table
from unseam.training.curve import FOR_A_PAGE

MOST_SHOWN = 10
MOST_PICTURES = 6
_MOST_ROWS = 200
_LARGEST_SHOWN = 2**26  # px


Read = Callable[[slice, slice], tuple[Integer[np.ndarray, "height width"], UInt8[np.ndarray, "height width *colour"] | None]]


@dataclass(frozen=True)
class MeasuredPlane:
    """A plane that was measured, to look at: the words that begin its rows in the table, its size, and how to read a window.

    A window is read as its objects and its picture; the picture is None if there was no image.
    """

    key: tuple[object, ...]
    height: int
    width: int
    read: Read

    @classmethod
    def of_arrays(
        cls,
        key: tuple[object, ...],
        instances: Integer[np.ndarray, "height width"],
        picture: UInt8[np.ndarray, "height width *colour"] | None,
    ) -> "MeasuredPlane":
        """Return a plane that is in memory."""
        height, width = instances.shape
        return cls(
            key, height, width, lambda down, over: (instances[down, over], None if picture is None else picture[down, over])
        )

    @property
    def name(self) -> str:
        return " ".join(str(part) for part in self.key)

    @property
    def is_small(self) -> bool:
        """Whether it may be read as a whole."""
        return self.height * self.width <= _LARGEST_SHOWN


@dataclass(frozen=True)
class MeasuredPage:
    """Everything on one page. ``places`` are the columns that name the plane of an object, ``image`` first."""

    title: str
    lead: str
    objects: Table
    images: Table
    groups: Table
    planes: tuple[MeasuredPlane, ...]
    group_of: Mapping[str, str]
    command: str
    places: tuple[str, ...] = ("image",)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Coloured:
    """A plane as a picture for each measurement."""

    name: str
    width: int
    height: int
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Extremes:
    """Objects that stand out in one way, each with the reason."""

    which: str
    shown: tuple[tuple[Thumbnail, str], ...]


def render_measured(page: MeasuredPage) -> str:
    """Render the page as HTML."""
    columns = plotted_columns(page.objects)
    spread = [(name, _distribution(page, name)) for name in columns]
    scales = {name: colour_scale(np.asarray(page.objects[name], float)) for name in columns}
    shown = [plane for plane in page.planes if plane.is_small][:MOST_PICTURES] if columns else []
    return render_template(
        "measured.html",
        page=page,
        spread=spread,
        is_crowded=len(page.planes) > MOST_IMAGES,
        coloured=[_coloured(page, plane, scales) for plane in shown],
        scales=[(name, _kind(one), f"{one.low:.4g}", f"{one.high:.4g}") for name, one in scales.items()],
        gradient=Markup(_gradient()),  # noqa: S704 - ours
        extremes=[_extremes(page, which) for which in EXTREMES],
        tables=[(title, _rows(table)) for title, table in (("Groups", page.groups), ("Images", page.images)) if len(table)],
    )


def plotted_columns(objects: Table) -> tuple[str, ...]:
    """Return the columns that are drawn: the area, in um2 where it is known, and the mean grey value of each channel."""
    area = next((name for name in ("area_um2", "area_px") if name in objects), None)
    return (*([area] if area else []), *(name for name in objects if name.startswith("intensity_mean")))


def _distribution(page: MeasuredPage, name: str) -> Markup:
    values, images = np.asarray(page.objects[name], float), page.objects["image"]
    return Markup(distributions_svg(values, images, name, FOR_A_PAGE, page.group_of))  # noqa: S704 - its texts are escaped


def _rows_of(page: MeasuredPage, plane: MeasuredPlane) -> np.ndarray:
    found = np.ones(len(page.objects), bool)
    for column, value in zip(page.places, plane.key, strict=True):
        found &= np.asarray([one == value for one in page.objects[column].tolist()], bool)
    return np.flatnonzero(found)


def _coloured(page: MeasuredPage, plane: MeasuredPlane, scales: Mapping[str, ColourScale]) -> _Coloured:
    instances, picture = plane.read(slice(0, plane.height), slice(0, plane.width))
    factor = -(-max(instances.shape) // LONGEST_SIDE)
    small = instances[::factor, ::factor]
    under = None if picture is None else reduce_layer(picture, factor)
    rows = _rows_of(page, plane)
    ids = np.asarray(page.objects["id"])[rows]
    pictures = []
    for name, scale in scales.items():
        values = np.asarray(page.objects[name], float)[rows]
        pictures.append((name, encode_jpeg(draw_measured(under, small, ids, values, scale))))
    return _Coloured(plane.name, small.shape[1], small.shape[0], tuple(pictures))


def _extremes(page: MeasuredPage, which: Extreme) -> _Extremes:
    """Cut out the objects that stand out; their boxes are in the table."""
    planes = {plane.key: plane for plane in page.planes}
    shown = []
    for one in choose_standouts(page.objects, which, MOST_SHOWN):
        row = {name: page.objects[name][one.row] for name in page.objects}
        plane = planes.get(tuple(_plain(row[column]) for column in page.places))
        if plane is None or "bbox_top_px" not in row:
            continue
        top, left, bottom, right = (int(row[f"bbox_{side}_px"]) for side in ("top", "left", "bottom", "right"))
        box, label = (slice(top, bottom), slice(left, right)), int(row["id"])
        thumb = Thumbnail(
            encode_jpeg(cut_out(plane, label, box)),
            SIDE,
            plane.name,
            (top + bottom) // 2,
            (left + right) // 2,
            int(row["area_px"]),
        )
        shown.append((thumb, f"object {label}: {one.reason}"))
    return _Extremes(which, tuple(shown))


def cut_out(plane: MeasuredPlane, label: int, box: tuple[slice, slice]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the picture of an object and of what is round it, with the outline of the object."""
    (down, over), view = window_round(box, (plane.height, plane.width))
    down, over = slice(down.start, min(down.stop, plane.height)), slice(over.start, min(over.stop, plane.width))
    labels, grey = plane.read(down, over)
    own = (labels == label).astype(np.uint8)
    return draw_view(grey, view, ((own, ERROR_COLOURS[INVENTED], False),))


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _kind(scale: ColourScale) -> str:
    return " (logarithmic)" if scale.is_logarithmic else ""


def _gradient() -> str:
    colours = (f"rgb({int(r)} {int(g)} {int(b)})" for r, g, b in viridis(np.linspace(0, 1, 9)))
    return f"linear-gradient(to right, {', '.join(colours)})"


def _rows(table: Table) -> tuple[tuple[str, ...], list[list[str]], int]:
    """Return the head, the first rows as text, and the number of further rows."""
    rows = [[_cell(value) for value in row] for row in zip(*(table[name].tolist() for name in table), strict=True)]
    return table.names, rows[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
