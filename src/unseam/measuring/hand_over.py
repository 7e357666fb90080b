"""Files of outlines with their measurements, for other programs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from unseam.measuring.outlined import Located, outlines_of_plane
from unseam.measuring.sources import Measured, OpenSource
from unseam.outlines.coco import CocoImage, write_coco
from unseam.outlines.geojson import write_geojson
from unseam.outlines.outline import Outline
from unseam.outlines.rois import write_rois
from unseam.tables import Table

OutlineFormat = Literal["geojson", "roi", "coco"]
_NOT_MEASURED = ("image", "group", "frame", "plane", "id", "class")


def outline_paths(names: Sequence[str], table: Path, formats: Sequence[OutlineFormat]) -> list[Path]:
    """Return the files that :func:`hand_over_outlines` would write beside a table."""
    return [path for one in dict.fromkeys(formats) for path in _paths(names, table, one)]


def _paths(names: Sequence[str], table: Path, one: OutlineFormat) -> list[Path]:
    if one == "coco":
        return [table.with_name(f"{table.stem}_coco.json")]
    ending = ".geojson" if one == "geojson" else "_rois.zip"
    return [table.with_name(f"{name.replace('/', '_')}{ending}") for name in names]


def hand_over_outlines(
    sources: Sequence[OpenSource],
    located: Sequence[Located],
    objects: Table,
    table: Path,
    formats: Sequence[OutlineFormat],
) -> None:
    """Write the outlines of all objects, one image after the other.

    Parameters
    ----------
    located
        The objects of each plane, in the order of the rows of ``objects``.
    table
        The file of the table: outlines get names beside it.
    """
    numbers = _numbers(objects)
    for number, open_one in enumerate(sources):
        planes = [one for one in located if one.source == number]
        source = open_one()
        (geojson,), (rois,) = (_paths([source.name], table, one) for one in ("geojson", "roi"))
        if "geojson" in formats:
            measured = ((outline, _row(numbers, row)) for row, outline in _each(source, planes))
            write_geojson(geojson, source.name, measured)
        if "roi" in formats:
            size = dict(zip(source.labels.plane_axes, source.labels.plane_shape, strict=True))
            outlines = (outline for _, outline in _each(source, planes))
            write_rois(rois, outlines, num_planes=size.get("Z", 1), num_frames=size.get("T", 1))
    if "coco" in formats:
        write_coco(_paths([], table, "coco")[0], _coco_images(sources, located))


def _coco_images(sources: Sequence[OpenSource], located: Sequence[Located]) -> Iterator[CocoImage]:
    for number, open_one in enumerate(sources):
        source = open_one()
        path = source.labels.path if source.image is None else source.image.path
        for one in located:
            if one.source == number:
                outlines = (outline for _, outline in _each(source, [one]))
                name = path.name if source.labels.num_planes == 1 else f"{path.name}#{one.plane}"
                yield CocoImage(name, source.labels.height, source.labels.width, outlines)


def _each(source: Measured, planes: Sequence[Located]) -> Iterator[tuple[int, Outline]]:
    for one in planes:
        yield from outlines_of_plane(source.labels, one)


def measurements_by_row(objects: Table) -> Iterator[dict[str, float]]:
    """Yield what was measured on each object: the columns of numbers, without names and places in a stack."""
    numbers = _numbers(objects)
    return (_row(numbers, row) for row in range(len(objects)))


def _row(numbers: Mapping[str, np.ndarray], row: int) -> dict[str, float]:
    return {name: float(column[row]) for name, column in numbers.items()}


def _numbers(objects: Table) -> dict[str, np.ndarray]:
    return {name: objects[name] for name in objects.names if name not in _NOT_MEASURED and objects[name].dtype.kind in "iufb"}
