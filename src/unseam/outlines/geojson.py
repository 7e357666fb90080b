"""GeoJSON (RFC 7946), as QuPath writes and reads it: File > Import objects from file.

One feature is one object: ``id`` is a UUID made from the name of the image and the number, ``properties`` has the type
``detection``, the number as ``name``, the class as ``classification`` and the ``measurements``; ``geometry`` may name a
``plane``. Coordinates are columns and rows in px from the upper left corner of the image.

Source: H. Butler et al., The GeoJSON Format, RFC 7946, 2016; the classes ``QuPathTypeAdapters`` and ``ROITypeAdapters`` of
QuPath, which read it.
"""

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from unseam.errors import DataError
from unseam.io import whole_file
from unseam.outlines.outline import FIRST, At, Outline, Polygon, Ring

Numbers = Mapping[str, float]
ObjectKind = Literal["detection", "annotation"]
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
_SPACE = uuid.UUID("6f0a1d0e-8d9c-5c51-9b3a-0d1f5a0f7c11")
_MOST_BYTES = 2**31


def write_geojson(path: Path, name: str, objects: Iterable[tuple[Outline, Numbers]]) -> int:
    """Write the outlines of one image with their measurements, one at a time; return their number.

    Numbers that are not finite are left out. Raises OutputError if the file cannot be written.
    """
    num_parts = 0
    with whole_file(path) as stream:
        for num_parts, part in enumerate(geojson_parts(name, objects), 1):  # noqa: B007 - the last number counts
            stream.write(part)
    return num_parts - 2  # the head and the end hold no object


def geojson_parts(
    name: str,
    objects: Iterable[tuple[Outline, Numbers]],
    kind: ObjectKind = "detection",
    colours: Mapping[str, list[int]] = MappingProxyType({}),
) -> Iterator[bytes]:
    """Yield the text of `write_geojson`: the head, a part for each object, and the end.

    Parameters
    ----------
    kind
        What QuPath takes objects for: a detection is a result, an annotation can be edited.
    colours
        Red, green and blue of a class, 0 to 255; a class that is not named gets a colour of its own.
    """
    yield b'{"type": "FeatureCollection", "features": ['
    for number, (outline, numbers) in enumerate(objects):
        feature = _feature(name, outline, numbers)
        properties = feature["properties"]
        properties["objectType"] = kind
        if outline.class_name in colours:
            properties["classification"]["color"] = colours[outline.class_name]
        text = json.dumps(feature, separators=(",", ":"), allow_nan=False)
        yield (",\n" if number else "\n").encode() + text.encode()
    yield b"\n]}\n"


def _feature(name: str, outline: Outline, numbers: Numbers) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in polygon] for polygon in outline.polygons]
    geometry: dict[str, Any] = (
        {"type": "Polygon", "coordinates": polygons[0]}
        if len(polygons) == 1
        else {"type": "MultiPolygon", "coordinates": polygons}
    )
    if outline.at != FIRST:
        geometry["plane"] = {"c": -1, "z": outline.at.plane, "t": outline.at.frame}
    properties: dict[str, Any] = {"objectType": "detection", "name": str(outline.number)}
    if outline.class_name:
        properties["classification"] = {"name": outline.class_name, "color": _colour(outline.class_name)}
    finite = {key: float(value) for key, value in numbers.items() if math.isfinite(value)}
    if finite:
        properties["measurements"] = finite
    key = f"{name}/{outline.at.frame}/{outline.at.plane}/{outline.number}"
    return {"type": "Feature", "id": str(uuid.uuid5(_SPACE, key)), "geometry": geometry, "properties": properties}


def _closed(ring: Ring) -> list[list[int | float]]:
    corners: list[list[int | float]] = ring[:, ::-1].tolist()
    return [*corners, corners[0]]


def _colour(class_name: str) -> list[int]:
    return list(_COLOURS[sum(class_name.encode()) % len(_COLOURS)])


def read_geojson(path: Path) -> list[Outline]:
    """Read outlines from a collection of features, one feature, or a list of them, as QuPath exports them.

    Names that are whole numbers above 0, each once in its plane, are the numbers of the objects; otherwise these are counted
    from 1. Points and lines enclose nothing and are left out.

    Raises
    ------
    DataError
        If the file cannot be read, or is no GeoJSON.
    """
    features = [feature for feature in _features(path) if isinstance(feature, dict)]
    found = [(feature, one) for feature in features if (one := _outline(path, feature)) is not None]
    names = [_number(feature) for feature, _ in found]
    keys = {(name, one.at) for name, (_, one) in zip(names, found, strict=True)}
    are_numbers = all(name is not None for name in names) and len(keys) == len(names)
    return [
        Outline(name if are_numbers and name is not None else count, one.polygons, one.class_name, one.at)
        for count, (name, (_, one)) in enumerate(zip(names, found, strict=True), 1)
    ]


def _features(path: Path) -> Iterator[Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has more than 2 GiB. Export fewer objects into one file.")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Check the name.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no GeoJSON ({error}). In QuPath: File > Export objects as GeoJSON.") from error
    if isinstance(content, dict) and content.get("type") == "FeatureCollection":
        content = content.get("features")
    elif isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise DataError(f"{path} holds no list of features, as GeoJSON has. In QuPath: File > Export objects as GeoJSON.")
    return iter(content)


def _outline(path: Path, feature: dict[str, Any]) -> Outline | None:
    geometry = feature.get("geometry") if feature.get("type") == "Feature" else feature
    if not isinstance(geometry, dict):
        return None
    try:
        polygons = tuple(_polygons(geometry))
        plane = geometry.get("plane") or {}
        at = At(int(plane.get("t", 0)), int(plane.get("z", 0)))
    except (TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise DataError(f"{path}: a feature has coordinates that are no polygon. Export the objects again.") from error
    if not polygons:
        return None
    classification = (feature.get("properties") or {}).get("classification") or {}
    name = classification.get("name") or ": ".join(classification.get("names") or ())
    return Outline(0, polygons, str(name), at)


def _polygons(geometry: dict[str, Any]) -> Iterator[Polygon]:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        for one in geometry["geometries"]:
            yield from _polygons(one)
    if kind not in ("Polygon", "MultiPolygon"):
        return
    for polygon in [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]:
        rings = [np.asarray([corner[:2] for corner in ring], float)[:-1, ::-1] for ring in polygon]
        if not all(np.isfinite(ring).all() and len(ring) >= 3 for ring in rings):
            raise ValueError("a ring needs three corners")
        yield tuple(_as_whole(ring) for ring in rings)


def _as_whole(ring: Ring) -> Ring:
    return ring.astype(np.int64) if (ring == np.round(ring)).all() else ring


def _number(feature: dict[str, Any]) -> int | None:
    name = (feature.get("properties") or {}).get("name")
    return int(name) if isinstance(name, str) and name.isascii() and name.isdigit() and 0 < int(name) < 2**31 else None
