"""The page of a measurement: distributions, objects coloured by what was measured, and the objects to look at first."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8
from markupsafe import Markup
from scipy.ndimage import find_objects

from unseam.report.distributions import MOST_IMAGES, distributions_svg
from unseam.report.measured_picture import ColourScale, colour_scale, colours_of, draw_measured
from unseam.report.odd_objects import EXTREMES, choose_standouts
from unseam.report.overlay import ERROR_COLOURS, INVENTED, LONGEST_SIDE, encode_jpeg, reduce_layer
from unseam.report.pages import render_template
from unseam.report.thumbnails import SIDE, Thumbnail, draw_view, window_round
from unseam.tables import Table
from unseam.training.curve import FOR_A_PAGE

MOST_SHOWN = 10
MOST_PICTURES = 6
_MOST_ROWS = 200


@dataclass(frozen=True)
class MeasuredPlane:
    """A plane that was measured, to look at: the words that begin its rows in the table, its objects, and its picture."""

    key: tuple[object, ...]
    instances: Integer[np.ndarray, "height width"]
    picture: UInt8[np.ndarray, "height width *colour"] | None = None

    @property
    def name(self) -> str:
        return " ".join(str(part) for part in self.key)


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
    return render_template(
        "measured.html",
        page=page,
        spread=spread,
        is_crowded=len(set(page.objects["image"].tolist())) > MOST_IMAGES,
        coloured=[_coloured(page, plane, scales) for plane in page.planes[:MOST_PICTURES]],
        scales=[(name, _kind(one), f"{one.low:.4g}", f"{one.high:.4g}") for name, one in scales.items()],
        gradient=Markup(_gradient()),  # noqa: S704 - ours
        extremes=[_extremes(page, which) for which in EXTREMES],
        tables=[(title, _rows(table)) for title, table in (("Groups", page.groups), ("Images", page.images)) if len(table)],
        most_pictures=MOST_PICTURES,
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
    factor = -(-max(plane.instances.shape) // LONGEST_SIDE)
    small = plane.instances[::factor, ::factor]
    under = None if plane.picture is None else reduce_layer(plane.picture, factor)
    rows = _rows_of(page, plane)
    ids = np.asarray(page.objects["id"])[rows]
    pictures = []
    for name, scale in scales.items():
        values = np.asarray(page.objects[name], float)[rows]
        pictures.append((name, encode_jpeg(draw_measured(under, small, ids, values, scale))))
    return _Coloured(plane.name, small.shape[1], small.shape[0], tuple(pictures))


def _extremes(page: MeasuredPage, which: str) -> _Extremes:
    """Cut out the objects that stand out, of those planes that are at hand."""
    planes = {plane.key: plane for plane in page.planes}
    boxes = {key: find_objects(plane.instances) for key, plane in planes.items()}
    shown = []
    for one in choose_standouts(page.objects, which, MOST_SHOWN):
        key = tuple(page.objects[column].tolist()[one.row] for column in page.places)
        label = int(page.objects["id"][one.row])
        if key in planes and label <= len(boxes[key]) and (box := boxes[key][label - 1]) is not None:
            shown.append((thumbnail(planes[key], label, box), f"object {label}: {one.reason}"))
    return _Extremes(which, tuple(shown))


def thumbnail(plane: MeasuredPlane, label: int, box: tuple[slice, slice]) -> Thumbnail:
    """Cut an object out with its surroundings; its own outline alone is drawn."""
    picture = cut_out(plane, label, box)
    row, column = ((side.start + side.stop) // 2 for side in box)
    return Thumbnail(encode_jpeg(picture), SIDE, plane.name, row, column, int((plane.instances[box] == label).sum()))


def cut_out(plane: MeasuredPlane, label: int, box: tuple[slice, slice]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the picture of an object and of what is round it, with the outline of the object."""
    window, view = window_round(box, plane.instances.shape)
    grey = None if plane.picture is None else plane.picture[window]
    own = (plane.instances[window] == label).astype(np.uint8)
    return draw_view(grey, view, ((own, ERROR_COLOURS[INVENTED], False),))


def _kind(scale: ColourScale) -> str:
    return " (logarithmic)" if scale.is_logarithmic else ""


def _gradient() -> str:
    colours = (f"rgb({int(r)} {int(g)} {int(b)})" for r, g, b in colours_of(np.linspace(0, 1, 9)))
    return f"linear-gradient(to right, {', '.join(colours)})"


def _rows(table: Table) -> tuple[tuple[str, ...], list[list[str]], int]:
    """Return the head, the first rows as text, and the number of further rows."""
    rows = [[_cell(value) for value in row] for row in zip(*(table[name].tolist() for name in table), strict=True)]
    return table.names, rows[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if value != value else f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
