"""What stands in the journal of a project: operations, notes on written masks, and what the user said of an image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Shaped

from unseam.annotate.ops import RUN, History, Stroke
from unseam.errors import OutputError
from unseam.io.append_journal import pack, unpack

ImageStatus = Literal["new", "begun", "done", "left out"]


@dataclass(frozen=True)
class PaintRecord:
    """A part of a stroke: the pixels that changed, with new and old values."""

    image: str
    revision: int
    operation: str
    stroke: str
    tool: str
    after: Shaped[np.ndarray, " after"]
    before: Shaped[np.ndarray, " before"]


@dataclass(frozen=True)
class UndoRecord:
    """A stroke that was taken back."""

    image: str
    revision: int
    operation: str
    stroke: str


@dataclass(frozen=True)
class RedoRecord:
    """A stroke that was done again."""

    image: str
    revision: int
    operation: str
    stroke: str


@dataclass(frozen=True)
class MaskRecord:
    """The mask of a revision is about to be written, or has been; ``sha256`` is that of the file, empty for no file."""

    image: str
    revision: int
    sha256: str
    is_done: bool = False


@dataclass(frozen=True)
class SeenRecord:
    """A mask that another program wrote; the user was asked about it."""

    image: str
    sha256: str


@dataclass(frozen=True)
class StatusRecord:
    """What the user calls an image."""

    image: str
    status: ImageStatus


@dataclass(frozen=True)
class HistoryRecord:
    """All that a new journal must know of an image."""

    image: str
    revision: int
    num_strokes: int
    operations: tuple[tuple[str, int], ...]
    done: tuple[Stroke, ...] = field(default=())
    undone: tuple[Stroke, ...] = field(default=())


Record = PaintRecord | UndoRecord | RedoRecord | MaskRecord | SeenRecord | StatusRecord | HistoryRecord
"""The closed list."""

_TYPES: dict[str, Any] = {kind.__name__.removesuffix("Record").lower(): kind for kind in get_args(Record)}


def to_json(record: Record) -> dict[str, Any]:
    """Turn a record into JSON values."""
    fields = {name: _value_to_json(value) for name, value in vars(record).items()}
    return {type(record).__name__.removesuffix("Record").lower(): fields}


def from_json(table: Mapping[str, Any]) -> Record:
    """Turn JSON values into a record. Raises OutputError if it is of no known type."""
    try:
        ((name, fields),) = table.items()
        return _TYPES[name](**{key: _value_from_json(key, value) for key, value in fields.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            "The journal in .annotate holds a foreign record. Move the folder .annotate away: the masks stay."
        ) from error


def history_of(record: HistoryRecord) -> History:
    """Return the history that a record holds."""
    history = History()
    history.done, history.undone = list(record.done), list(record.undone)
    return history


def _value_to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return pack(np.frombuffer(value.tobytes(), "<u4").reshape(-1, 3))
    if isinstance(value, Stroke):
        parts = [[_value_to_json(after), _value_to_json(before)] for after, before in value.parts]
        return {"stroke": value.stroke, "tool": value.tool, "parts": parts}
    if isinstance(value, tuple):
        return [_value_to_json(one) for one in value]
    return value


def _value_from_json(name: str, value: Any) -> Any:
    match name:
        case "after" | "before":
            return _runs(value)
        case "done" | "undone":
            return tuple(
                Stroke(one["stroke"], one["tool"], [(_runs(after), _runs(before)) for after, before in one["parts"]])
                for one in value
            )
        case "operations":
            return tuple((str(operation), int(revision)) for operation, revision in value)
    return value


def _runs(value: Any) -> Shaped[np.ndarray, " run"]:
    return np.frombuffer(unpack(value).astype("<u4").tobytes(), RUN)
