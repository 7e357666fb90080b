"""COCO's list of instances: one file for many images, with which other networks are trained.

An object without holes has polygons; one with holes has its mask as run lengths, since COCO's polygons cannot have holes.
``bbox`` is (left, top, width, height) in px. Category 1 is "object" where there are no classes.

Source: https://cocodataset.org/#format-data
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unseam.io import whole_file
from unseam.outlines.fill import fill_outlines
from unseam.outlines.outline import Outline, signed_area


class CocoImage(NamedTuple):
    """An image, or a plane of one: its file, its size, and the outlines in it."""

    file_name: str
    height: int
    width: int
    outlines: Iterable[Outline]


def write_coco(path: Path, images: Iterable[CocoImage]) -> int:
    """Write the objects of all images into one file, one at a time; return their number.

    Raises OutputError if the file cannot be written.
    """
    number = 0
    categories: dict[str, int] = {}
    listed: list[dict[str, object]] = []
    with whole_file(path) as stream:
        stream.write(b'{"annotations": [')
        for image in images:
            listed.append({"id": len(listed) + 1, "file_name": image.file_name, "height": image.height, "width": image.width})
            for outline in image.outlines:
                name = outline.class_name or "object"
                category = categories.setdefault(name, len(categories) + 1)
                one = _annotation(outline, image) | {"id": number + 1, "image_id": len(listed), "category_id": category}
                stream.write((",\n" if number else "\n").encode() + json.dumps(one, separators=(",", ":")).encode())
                number += 1
        named = [{"id": category, "name": name} for name, category in categories.items()]
        stream.write(f'],\n"images": {json.dumps(listed)},\n"categories": {json.dumps(named)}}}\n'.encode())
    return number


def _annotation(outline: Outline, image: CocoImage) -> dict[str, object]:
    corners = np.concatenate(outline.rings)
    (top, left), (bottom, right) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    area = sum(signed_area(ring) for ring in outline.rings)
    has_holes = any(len(polygon) > 1 for polygon in outline.polygons)
    polygons = [polygon[0][:, ::-1].ravel().tolist() for polygon in outline.polygons]
    return {
        "segmentation": _run_lengths(outline, image.height, image.width) if has_holes else polygons,
        "area": area,
        "bbox": [left, top, right - left, bottom - top],
        "iscrowd": 0,
    }


def _run_lengths(outline: Outline, height: int, width: int) -> dict[str, object]:
    """Return the lengths of runs of background and object in turn, down the columns, the first one of background."""
    corners = np.concatenate(outline.rings)
    (top, left), (bottom, right) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    moved = Outline(1, tuple(tuple(ring - (top, left) for ring in polygon) for polygon in outline.polygons))
    box, _ = fill_outlines([moved], bottom - top, right - left)
    columns, rows = np.nonzero(box.T)
    places = (columns + left) * height + rows + top
    starts = places[np.append(True, np.diff(places) > 1)]
    ends = places[np.append(np.diff(places) > 1, True)] + 1
    edges = np.concatenate([[0], np.stack([starts, ends], axis=1).ravel(), [height * width]])
    return {"size": [height, width], "counts": np.diff(edges).tolist()}
