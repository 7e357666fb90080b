"""What the page offers to save besides the masks: a picture with the annotation over it, and outlines for QuPath."""

from io import BytesIO

import numpy as np
from PIL import Image

from unseam.annotate.project.class_colours import colour_of
from unseam.annotate.project.project import Project
from unseam.data.declaration import declares_objects
from unseam.errors import DataError
from unseam.outlines.geojson import geojson_parts
from unseam.outlines.outline import Outline
from unseam.outlines.trace import trace_outlines

_OPACITY = 0.45


def overlay_png(project: Project, number: int) -> bytes:
    """Return a PNG of an image with its annotation in colour. Raises DataError for an image that is not held in memory."""
    picture = project.picture(number)
    pixels = _whole(project, number).astype(np.float32)
    limits = np.array(picture.display, np.float32)[:, :, None, None]
    grey = np.clip((pixels - limits[:, 0]) / (limits[:, 1] - limits[:, 0]), 0, 1) * 255
    shown = (grey if picture.is_rgb else np.repeat(grey[:1], 3, axis=0)).transpose(1, 2, 0)
    labels = _labels(project, number)
    for value in np.unique(labels[labels > 0]).tolist():
        shown[labels == value] += _OPACITY * (np.array(_rgb(_colour(project, value)), np.float32) - shown[labels == value])
    data = BytesIO()
    Image.fromarray(np.rint(shown).astype(np.uint8)).save(data, "png")
    return data.getvalue()


def outlines_geojson(project: Project, number: int) -> bytes:
    """Return each object, or each piece of a class, as a polygon in px of the image, as QuPath reads it.

    Raises DataError for an image that is not held in memory.
    """
    assert project.said is not None
    are_objects, classes = declares_objects(project.said.kind), project.said.classes
    traced = trace_outlines(np.maximum(_labels(project, number), 0))
    if are_objects:
        found = [Outline(one.number, one.polygons, classes[1].name) for one in traced]
    else:  # numbers from 1, so that the names of pieces differ
        pieces = [(classes[one.number].name, polygon) for one in traced for polygon in one.polygons]
        found = [Outline(count, (polygon,), name) for count, (name, polygon) in enumerate(pieces, 1)]
    colours = {one.name: _rgb(one.colour) for one in classes}
    parts = geojson_parts(project.images[number].name, ((one, {}) for one in found), "annotation", colours)
    return b"".join(parts)


def _whole(project: Project, number: int) -> np.ndarray:
    picture = project.picture(number)
    if picture.is_large:
        raise DataError(
            f"{picture.path.name} has {picture.height} x {picture.width} px: too many for one picture. Use its mask in masks."
        )
    return picture.whole()


def _labels(project: Project, number: int) -> np.ndarray:
    _whole(project, number)
    with project.lock:
        opened = project.opened(number)
        labels = opened.labels.read(0, 0, opened.height, opened.width).astype(np.int64)
    return np.where(labels == opened.labels.none, -1, labels)


def _colour(project: Project, value: int) -> str:
    assert project.said is not None
    return colour_of(value) if declares_objects(project.said.kind) else project.said.classes[value].colour


def _rgb(colour: str) -> list[int]:
    return [int(colour[first : first + 2], 16) for first in (1, 3, 5)]
