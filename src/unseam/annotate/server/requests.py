"""What the page may send: each request is a frozen dataclass, decoded and checked before it is used."""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from unseam.annotate.messages import Tool
from unseam.annotate.ops import Mode
from unseam.annotate.project import ImageStatus, Keep
from unseam.data.declaration import DeclaredKind
from unseam.errors import DataError, SettingsError
from unseam.settings import check_range, decode

_ID = re.compile("[0-9a-f]{32}")
_LONGEST_HEADER = 4096
_FAR = 2**32

TrainerOrder = Literal["pause", "resume", "finish", "cancel", "restart"]


@dataclass(frozen=True)
class PageOperation:
    """The header of an operation; the runs follow it."""

    id: str
    stroke: str
    tab: str
    tool: Tool
    mode: Mode = "all"
    only: int | None = None
    is_end: bool = True
    jump: Literal["random", "ranked"] | None = None

    def __post_init__(self) -> None:
        for name, value in (("id", self.id), ("stroke", self.stroke), ("tab", self.tab)):
            check_id(name, value)
        if self.tool == "file":
            raise SettingsError("tool = 'file': only the server uses it. Send another tool.")
        if (self.mode == "only") != (self.only is not None):
            raise SettingsError("'only' holds a value if, and only if, the mode is 'only'. Send both.")


@dataclass(frozen=True)
class NewClass:
    """A class as the page names it; the server chooses a colour if it is absent."""

    value: int
    name: str
    colour: str | None = None


@dataclass(frozen=True)
class ProjectRequest:
    """What the masks are to hold."""

    kind: DeclaredKind
    classes: tuple[NewClass, ...]


@dataclass(frozen=True)
class LeaseRequest:
    """A tab wants to paint in an image; ``take``: even if another one does."""

    tab: str
    take: bool = False

    def __post_init__(self) -> None:
        check_id("tab", self.tab)


@dataclass(frozen=True)
class StatusRequest:
    """What the user calls an image."""

    tab: str
    status: ImageStatus


@dataclass(frozen=True)
class ChangedRequest:
    """The answer to a mask that another program changed."""

    tab: str
    keep: Keep


@dataclass(frozen=True)
class ViewRequest:
    """What the user looks at, px of the full resolution."""

    tab: str
    image: int
    row: int
    column: int
    height: int
    width: int
    level: int
    is_down: bool

    def __post_init__(self) -> None:
        for name in ("image", "row", "column", "height", "width", "level"):
            check_range("view", name, getattr(self, name), -_FAR if name in ("row", "column") else 0, _FAR)


@dataclass(frozen=True)
class TrainerRequest:
    """What the trainer is to do."""

    do: TrainerOrder


@dataclass(frozen=True)
class SomewhereRequest:
    """A tab wants a place to look at."""

    tab: str


Request = TypeVar("Request")


def check_id(name: str, value: str) -> None:
    """Raise SettingsError unless a value is 32 hexadecimal digits."""
    if not _ID.fullmatch(value):
        raise SettingsError(f"{name} = {value[:50]!r}: it must be 32 hexadecimal digits.")


def decode_request(kind: type[Request], body: bytes) -> Request:
    """Decode a JSON body. Raises DataError or SettingsError with what is wrong."""
    try:
        table = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError("The request is not JSON. Load the page again.") from error
    return decode(kind, _without_null(table))


def split_operation(body: bytes) -> tuple[PageOperation, bytes]:
    """Split the body of an operation into its header and the bytes of its runs.

    Raises DataError or SettingsError with what is wrong.

    >>> header = b'{"id": "%s", "stroke": "%s", "tab": "%s", "tool": "undo"}' % ((b"0a" * 16,) * 3)
    >>> split_operation(struct.pack("<I", len(header)) + header)[0].tool
    'undo'
    """
    if len(body) < 4 or not 2 <= (length := struct.unpack_from("<I", body)[0]) <= min(_LONGEST_HEADER, len(body) - 4):
        raise DataError("The operation has no header of 2 to 4,096 bytes. Load the page again.")
    return decode_request(PageOperation, body[4 : 4 + length]), body[4 + length :]


def _without_null(table: Any) -> Any:
    """Drop fields that are null: they are absent."""
    if isinstance(table, Mapping):
        return {name: _without_null(value) for name, value in table.items() if value is not None}
    return [_without_null(value) for value in table] if isinstance(table, list) else table
