"""All images, one after the other: the tables of objects, classes, images and groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unseam.errors import DataError
from unseam.measuring.class_areas import measure_classes
from unseam.measuring.groups import group_classes, group_images
from unseam.measuring.images import image_row
from unseam.measuring.objects import Chosen, object_table
from unseam.measuring.outlined import Located
from unseam.measuring.properties import DEFAULT, chosen_properties
from unseam.measuring.region_properties import MOST_BOX, RegionProperty
from unseam.measuring.result import Measurements
from unseam.measuring.sources import OpenSource, SourceFacts, Units, check_same_channels
from unseam.measuring.values import ObjectValues, Spacing
from unseam.measuring.windows import measure_plane, reader_of_boxes
from unseam.tables import Table
from unseam.tables.table import joined


@dataclass(frozen=True)
class What:
    """What to measure.

    Attributes
    ----------
    properties
        Names of scikit-image and ours.
    spacing_um
        Size of a pixel (row, column) where the files state none.
    groups
        The group of each image by name; empty: no groups.
    """

    properties: tuple[str, ...] = DEFAULT
    units: Units = "auto"
    spacing_um: Spacing | None = None
    groups: Mapping[str, str] | None = None


OnProgress = Callable[[str, int, int], None]
"""Called with the name of an image, the planes of it that are done, and all its planes."""

OnPlane = Callable[[Located], None]
"""Called with the objects of each plane."""


@dataclass(frozen=True)
class _Known:
    """What is known about all images before the first is measured."""

    spacings: tuple[Spacing | None, ...]
    axes: str
    notes: tuple[str, ...]


def _known(opened: Sequence[OpenSource], what: What) -> _Known:
    """Open each source once, and check that all fit together."""
    facts = [SourceFacts.of(open_one()) for open_one in opened]
    check_same_channels(facts)
    check_groups([one.name for one in facts], what.groups)
    spacings = tuple(_spacings(facts, what))
    axes = "".join(letter for letter in "TZ" if any(letter in one.plane_axes for one in facts))
    return _Known(spacings, axes, _unit_notes(facts, spacings, what))


def measure_instance_maps(
    sources: Sequence[OpenSource],
    what: What,
    on_progress: OnProgress = lambda *_: None,
    on_plane: OnPlane = lambda _: None,
) -> Measurements:
    """Measure the objects of instance maps, of which one at a time is open.

    Raises
    ------
    DataError, SettingsError
        If sizes, channels, pixel sizes or groups do not fit; before anything is measured.
    """
    chosen = chosen_properties(what.properties)
    known = _known(sources, what)
    objects: list[Table] = []
    images: list[Table] = []
    notes: list[str] = []
    num_rows = 0
    for number, (open_one, spacing) in enumerate(zip(sources, known.spacings, strict=True)):
        source = open_one()
        for plane in range(source.labels.num_planes):
            on_progress(source.name, plane, source.labels.num_planes)
            facts = measure_plane(source.labels, source.image, source.class_map, plane)
            values = ObjectValues(facts, source.labels.height, source.labels.width, spacing)
            read = reader_of_boxes(source.labels, source.image, plane)
            place = source.place(plane, known.axes)
            table = object_table(place, values, chosen, read)
            objects.append(table)
            images.append(image_row(place, values, table, chosen))
            notes += _notes(source.name, values, chosen)
            on_plane(Located(number, plane, num_rows, facts.ids, facts.boxes, table.get("class")))
            num_rows += len(table)
    grouped = [_with_groups(joined(tables), what.groups) for tables in (objects, images)]
    groups = Table({}) if what.groups is None else group_images(grouped[1])
    return Measurements(grouped[0], grouped[1], Table({}), groups, (*known.notes, *notes))


def measure_class_maps(sources: Sequence[OpenSource], what: What, on_progress: OnProgress = lambda *_: None) -> Measurements:
    """Measure the area, the share and the connected pieces of each class. Raises the same errors."""
    known = _known(sources, what)
    classes: list[Table] = []
    images: list[Table] = []
    for open_one, spacing in zip(sources, known.spacings, strict=True):
        source = open_one()
        size = source.labels.height * source.labels.width
        for plane in range(source.labels.num_planes):
            on_progress(source.name, plane, source.labels.num_planes)
            found = measure_classes(source.labels, plane)
            place = source.place(plane, known.axes)
            um2 = {} if spacing is None else {"area_um2": found.areas * (spacing[0] * spacing[1])}
            columns = {"class": found.values, "area_px": found.areas, **um2, "area_fraction": found.areas / size}
            classes.append(Table(place.columns(len(found.values)) | columns | {"num_pieces": found.pieces}))
            size_columns = {"height_px": np.array([source.labels.height]), "width_px": np.array([source.labels.width])}
            mm2 = {} if spacing is None else {"area_mm2": np.array([size * spacing[0] * spacing[1] / 1e6])}
            images.append(Table(place.columns(1) | size_columns | mm2))
    grouped = [_with_groups(joined(tables), what.groups) for tables in (classes, images)]
    groups = Table({}) if what.groups is None else group_classes(grouped[0])
    return Measurements(Table({}), grouped[1], grouped[0], groups, known.notes)


def check_groups(names: Sequence[str], groups: Mapping[str, str] | None) -> None:
    """Raise DataError if groups name unknown images, or not all images."""
    if groups is None:
        return
    unknown, missing = [name for name in groups if name not in names], [name for name in names if name not in groups]
    if unknown:
        raise DataError(
            f"The groups name {_some(unknown)}, and there is no such image. Images are called {_some(list(names))}: correct "
            "the names, or remove these rows."
        )
    if missing:
        raise DataError(f"The groups do not name {_some(missing)}. Give each image a group.")


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _spacings(sources: Sequence[SourceFacts], what: What) -> list[Spacing | None]:
    if what.units == "px":
        return [None] * len(sources)
    found = [source.spacing_um or what.spacing_um for source in sources]
    lost = [source.name for source, spacing in zip(sources, found, strict=True) if spacing is None]
    if what.units == "um" and lost:
        raise DataError(
            f"{_some(lost)}: the file states no pixel size, and micrometres were asked for. Give it in um with --pixel-size, "
            "or leave out --units um for columns in px."
        )
    return found


def _unit_notes(sources: Sequence[SourceFacts], spacings: Sequence[Spacing | None], what: What) -> tuple[str, ...]:
    lost = [source.name for source, spacing in zip(sources, spacings, strict=True) if spacing is None]
    if what.units == "px" or not lost:
        return ()
    which = "" if len(lost) == len(sources) else f" of {_some(lost)}"
    return (f"no pixel size is known{which}: columns in um are {'left out' if not which else 'empty there'} (--pixel-size)",)


def _notes(name: str, values: ObjectValues, chosen: Chosen) -> list[str]:
    notes = []
    if values.spacing_um is not None and not values.is_square:
        notes.append(f"{name}: pixels are not square, so there is no perimeter in um")
    top, left, bottom, right = values.facts.boxes.T
    num_large = int(((bottom - top) * (right - left) > MOST_BOX).sum())
    slow = [one.name for one in chosen if isinstance(one, RegionProperty)]
    if num_large and slow:
        notes.append(f"{name}: {num_large} object(s) are too large to be read at once; {', '.join(slow)} is empty there")
    return notes


def _with_groups(table: Table, groups: Mapping[str, str] | None) -> Table:
    if groups is None:
        return table
    names = [groups[name] for name in table["image"].tolist()]
    return table.with_columns({"group": np.asarray(names, object)}, after="image")
