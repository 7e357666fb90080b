"""What the server and the trainer say to each other: frames on the pipes of the trainer's process.

::

    bytes 0..3    length of the header, little-endian
    bytes 4..7    length of the body
    header        JSON: {"name of the type": {fields}}
    body          arrays, as the type says
"""

import json
import struct
from dataclasses import dataclass
from typing import IO, Any, Literal, TypeVar, get_args

from unseam.errors import DataError
from unseam.settings import decode, encode, table_name

Kind = Literal["classes", "objects"]
Tool = Literal["brush", "eraser", "fill", "polygon", "wand", "accept", "close", "undo", "redo", "file"]
Jump = Literal["none", "random", "ranked"]
Learning = Literal["off", "waiting", "training", "paused", "restarting", "finishing", "finished", "failed"]

_LENGTHS = struct.Struct("<II")
_LONGEST = 2**30


@dataclass(frozen=True)
class ClassName:
    """The name of a value of a label map."""

    value: int
    name: str


@dataclass(frozen=True)
class ImageSource:
    """An image by its number in all messages, and where it is read from (absolute path)."""

    number: int
    name: str
    path: str


@dataclass(frozen=True)
class StartLearning:
    """The first message: what there is. ``none`` is the value of a pixel that nobody annotated."""

    folder: str
    kind: Kind
    none: int
    classes: tuple[ClassName, ...]
    images: tuple[ImageSource, ...]
    seed: int = 0


@dataclass(frozen=True)
class LabelTile:
    """One tile of the label map at the start; the body is zlib of its values, (h, w), uint8 or int32."""

    image: int
    row: int
    column: int


@dataclass(frozen=True)
class Ready:
    """All tiles of the start have been sent."""


@dataclass(frozen=True)
class Painted:
    """Pixels that changed; the body is runs: start (uint32), length (uint32), value (int32). ``tool`` may be undo or redo."""

    image: int
    revision: int
    stroke: str
    tool: Tool
    is_end: bool
    jump: Jump = "none"


@dataclass(frozen=True)
class View:
    """What the user looks at: a window in px of the full resolution; ``is_down``: the pointer is pressed."""

    image: int
    row: int
    column: int
    height: int
    width: int
    level: int
    is_down: bool


@dataclass(frozen=True)
class ClassNames:
    """The classes have changed; their values stay."""

    classes: tuple[ClassName, ...]


@dataclass(frozen=True)
class Done:
    """The user calls an image done, or leaves it out."""

    image: int
    is_done: bool
    is_left_out: bool


@dataclass(frozen=True)
class Pause:
    """Stop learning until :class:`Resume`."""


@dataclass(frozen=True)
class Resume:
    """Go on."""


@dataclass(frozen=True)
class Finish:
    """Train the final model on the masks; the server has written them all."""


@dataclass(frozen=True)
class Cancel:
    """Stop the final training."""


@dataclass(frozen=True)
class Somewhere:
    """Ask for a place to look at next; :class:`NextPlace` answers with the same ``request``."""

    request: int


@dataclass(frozen=True)
class State:
    """What the trainer does; ``done`` of ``total`` steps of a long work, ``sentence`` about them."""

    state: Learning
    step: int
    message: str = ""
    done: int = 0
    total: int = 0
    sentence: str = ""
    model: str = ""
    report: str = ""


@dataclass(frozen=True)
class PredictedView:
    """A window predicted with one state of the weights; the body is two uint8 planes (h, w): value, margin (255 = sure)."""

    image: int
    step: int
    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True)
class StrokeScore:
    """The share of a stroke's pixels that the picture on screen had right before the stroke was learnt."""

    image: int
    stroke: str
    right: float
    pixels: int
    is_random: bool


@dataclass(frozen=True)
class NextPlace:
    """A window that is worth a look."""

    request: int
    image: int
    row: int
    column: int
    height: int
    width: int
    is_random: bool


ToTrainer = (
    StartLearning | LabelTile | Ready | Painted | View | ClassNames | Done | Pause | Resume | Finish | Cancel | Somewhere
)
"""The closed list of what the server says."""

ToServer = State | PredictedView | StrokeScore | NextPlace
"""The closed list of what the trainer says."""

Message = TypeVar("Message")

_TYPES: dict[str, type] = {table_name(kind): kind for kind in (*get_args(ToTrainer), *get_args(ToServer))}


def write_message(stream: IO[bytes], message: ToTrainer | ToServer, body: bytes = b"") -> None:
    """Write one frame and flush. Raises OSError if the other process is gone."""
    header = json.dumps({table_name(type(message)): encode(message)}, separators=(",", ":")).encode()
    stream.write(_LENGTHS.pack(len(header), len(body)) + header + body)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[Any, bytes] | None:
    """Read one frame; None at the end of the stream.

    Raises
    ------
    DataError
        If the frame is cut short, too long, or of an unknown type.

    Examples
    --------
    >>> from io import BytesIO
    >>> stream = BytesIO()
    >>> write_message(stream, LabelTile(image=0, row=1, column=2), b"abc")
    >>> read_message(BytesIO(stream.getvalue()))
    (LabelTile(image=0, row=1, column=2), b'abc')
    """
    head = stream.read(_LENGTHS.size)
    if not head:
        return None
    if len(head) < _LENGTHS.size:
        raise DataError("A message between the server and the trainer was cut short. Start unseam annotate again.")
    num_header, num_body = _LENGTHS.unpack(head)
    if max(num_header, num_body) > _LONGEST:
        raise DataError("A message between the server and the trainer is too long. Start unseam annotate again.")
    header, body = stream.read(num_header), stream.read(num_body)
    if len(header) < num_header or len(body) < num_body:
        raise DataError("A message between the server and the trainer was cut short. Start unseam annotate again.")
    try:
        ((name, fields),) = json.loads(header).items()
        return decode(_TYPES[name], fields, name), body
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"A message between the server and the trainer is not known ({error}). Start it again.") from error
