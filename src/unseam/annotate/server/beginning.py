"""What a new trainer is told: classes, images, and all that is annotated."""

import zlib
from collections.abc import Iterator

import numpy as np

from unseam.annotate.messages import ClassName, Done, ImageSource, LabelTile, Ready, StartLearning
from unseam.annotate.project import Project
from unseam.annotate.server.trainer import Frame
from unseam.errors import UnseamError


def class_names(project: Project) -> tuple[ClassName, ...]:
    """Return the classes of a project; none before they are declared."""
    return () if project.said is None else tuple(ClassName(one.value, one.name) for one in project.said.classes)


def beginning_of(project: Project) -> Iterator[Frame]:
    """Yield all that a new trainer must know, first to last.

    What is painted meanwhile is also sent; a tile that comes later has it, so the order does not matter.
    """
    said = project.said
    assert said is not None
    sources = tuple(ImageSource(one.number, one.name, str(one.path.resolve())) for one in project.images)
    yield StartLearning(str(project.folder.resolve()), said.kind, said.not_annotated, class_names(project), sources), b""
    for image in range(len(project.images)):
        yield from _tiles_of(project, image)
    yield Ready(), b""


def _tiles_of(project: Project, image: int) -> list[Frame]:
    with project.lock:
        state = project.state(image)
        frames: list[Frame] = [(Done(image, state.status == "done", state.status == "left out"), b"")]
        if not state.revision:
            return frames
        try:
            tiles = list(project.opened(image).labels.tiles())
        except UnseamError:  # the page shows the problem
            return frames
        packed = ((row, column, zlib.compress(np.ascontiguousarray(tile).tobytes(), 1)) for row, column, tile in tiles)
        return frames + [(LabelTile(image, row, column), body) for row, column, body in packed]
