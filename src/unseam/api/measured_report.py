"""The page of a measurement: distributions, objects coloured by what was measured, and the objects to look at first."""

import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from jaxtyping import Integer, UInt8
from numpy import ndarray

from unseam.api.reports import check_page, write_page
from unseam.data.kinds import MaskChoice
from unseam.measuring.files import find_files
from unseam.measuring.result import Measurements
from unseam.measuring.sources import Measured
from unseam.report.measured_page import MeasuredPage, MeasuredPlane, render_measured
from unseam.report.overlay import to_display

__all__ = ["check_page", "write_measured_report"]


def write_measured_report(
    out: Path,
    tables: Measurements,
    masks: Sequence[Path],
    images: Sequence[Path] = (),
    *,
    holds: MaskChoice = "auto",
    pieces: bool = False,
    command: Sequence[str] = (),
) -> Path:
    """Write one HTML file that shows the tables of :func:`unseam.api.measure_files.measure_files`, and return its path.

    Parameters
    ----------
    out
        File to write.
    tables
        What was measured.
    masks, images, holds, pieces
        From what: the same arguments.
    command
        Words of the command line that measures again, for the page.

    Raises
    ------
    OutputError
        If the file cannot be written, or exists and is not a report of unseam.
    """
    found = find_files(masks, images, holds, pieces=pieces)
    objects = tables.objects
    places = tuple(name for name in ("image", "frame", "plane") if name in tables.images)
    planes = [plane for open_one in found.sources for plane in _planes(open_one(), places)]
    groups = (
        dict(zip(tables.images["image"].tolist(), tables.images["group"].tolist(), strict=True))
        if "group" in tables.images
        else {}
    )
    what = f"{len(objects):,} objects" if len(objects) else f"{len(tables.classes):,} rows of classes"
    page = MeasuredPage(
        title=f"Measurement of {', '.join(path.resolve().name for path in masks)}",
        lead=f"{what} in {len(planes):,} plane(s) of {len(found.sources):,} image(s).",
        objects=objects,
        images=tables.images,
        groups=tables.groups,
        planes=tuple(planes),
        group_of=groups,
        command=shlex.join(command),
        places=places,
        notes=tables.notes,
    )
    return write_page(out, render_measured(page))


def _planes(source: Measured, places: Sequence[str]) -> Iterator[MeasuredPlane]:
    axes = "".join(letter for letter, name in (("T", "frame"), ("Z", "plane")) if name in places)
    for plane in range(source.labels.num_planes):
        key = (source.name, *(number for _, number in source.place(plane, axes).planes))
        yield MeasuredPlane(key, source.labels.height, source.labels.width, partial(_read, source, plane))


def _read(
    source: Measured, plane: int, rows: slice, columns: slice
) -> tuple[Integer[ndarray, "height width"], UInt8[ndarray, "height width *colour"] | None]:
    labels = source.labels.read(plane, rows, columns)
    labels = labels[..., 0] if labels.ndim == 3 else labels
    return labels, None if source.image is None else to_display(source.image.read(plane, rows, columns))
