"""What the page is told about the project and its images, as JSON values."""

from collections.abc import Sequence
from typing import Any

from unseam import __version__
from unseam.annotate.messages import State
from unseam.annotate.project import Project
from unseam.data.declaration import DeclaredClass


def describe_declaration(project: Project) -> dict[str, Any]:
    """Return the folder, what its masks hold, and the masks that were found there."""
    said, found = project.said, project.found
    return {
        "name": project.folder.resolve().name,
        "folder": str(project.folder.resolve()),
        "kind": None if said is None else said.kind,
        "none": 255 if said is None else said.not_annotated,
        "classes": [] if said is None else [_class(one) for one in said.classes],
        "found": None if found is None else {
            "masks": len(found.masks), "kind": found.kind, "classes": [_class(one) for one in found.classes],
            "can_be_used": found.can_be_used, "message": found.message,
        },
        "version": __version__,
        "note": project.ledger.note,
    }  # fmt: skip


def describe_entry(project: Project, image: int) -> dict[str, Any]:
    """Return one entry of the list; opens no file."""
    one, state = project.images[image], project.state(image)
    return {
        "image": image,
        "name": one.name,
        "status": state.status,
        "strokes": state.num_strokes,
        "revision": state.revision,
        "problem": one.problem or None,
        "changed": project.is_changed(image),
    }


def describe_picture(project: Project, image: int) -> dict[str, Any]:
    """Return size, type and contrast of an image, and what can be undone. Raises ImageReadError if it cannot be read."""
    picture = project.picture(image)
    opened = project.opened(image) if project.said is not None else None
    history, scale = project.state(image).history, picture.scale
    return {
        **describe_entry(project, image),
        "height": picture.height,
        "width": picture.width,
        "channels": picture.channels,
        "is_rgb": picture.is_rgb,
        "dtype": picture.dtype.name,
        "scale": None if scale is None else {"low": scale.low, "high": scale.high},
        "display": [list(limits) for limits in picture.display],
        "levels": picture.levels,
        "spacing_um": picture.spacing_um,
        "next_object": 1 if opened is None else opened.next_object,
        "undo": _stroke(history.done),
        "redo": _stroke(history.undone),
    }


def describe_trainer(state: State) -> dict[str, Any]:
    """Return what the trainer does."""
    progress = {"done": state.done, "total": state.total, "sentence": state.sentence} if state.total else None
    return {
        "state": state.state,
        "step": state.step,
        "message": state.message,
        "progress": progress,
        "model": state.model or None,
        "report": state.report or None,
    }


def _class(one: DeclaredClass) -> dict[str, Any]:
    return {"value": one.value, "name": one.name, "colour": one.colour}


def _stroke(strokes: Sequence[Any]) -> dict[str, str] | None:
    return {"stroke": strokes[-1].stroke, "tool": strokes[-1].tool} if strokes else None
