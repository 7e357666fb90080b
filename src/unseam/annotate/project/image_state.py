"""What is known of an image without opening it: all that follows from the journal."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Shaped

from unseam.annotate.ops import History
from unseam.annotate.project.records import (
    HistoryRecord,
    ImageStatus,
    MaskRecord,
    PaintRecord,
    Record,
    RedoRecord,
    SeenRecord,
    StatusRecord,
    UndoRecord,
    history_of,
)

MOST_OPERATIONS = 1_000
"""How many operations are recognised when they are sent again."""


@dataclass
class ImageState:
    """The history of one image.

    Attributes
    ----------
    operations
        The revision after each of the last operations, by the id that the page gave it.
    first
        The revision before the first of the ``unwritten`` operations.
    written
        Revision and SHA-256 of the masks that were to be written, oldest first, since the one that is known to be kept.
    sums
        SHA-256 of what the mask may be unless another program changed it; empty: there is none.
    mask_revision
        The revision of the last mask that is known to be written.
    seen
        SHA-256 of masks of other programs, about which the user was asked.
    unwritten
        Revision and runs of operations, oldest first.
    """

    name: str
    revision: int = 0
    num_strokes: int = 0
    status: ImageStatus = "new"
    first: int = 0
    history: History = field(default_factory=History)
    operations: dict[str, int] = field(default_factory=dict)
    written: list[MaskRecord] = field(default_factory=list)
    sums: set[str] = field(default_factory=lambda: {""})
    mask_revision: int = 0
    seen: set[str] = field(default_factory=set)
    unwritten: deque[tuple[int, list[Shaped[np.ndarray, " run"]]]] = field(default_factory=deque)

    def add(self, record: Record) -> list[Shaped[np.ndarray, " run"]]:
        """Add a record; return the runs to put into the label map, in order.

        An operation whose id is known changes nothing.

        Raises
        ------
        OrderError
            If it undoes or redoes a stroke that is not the next one.
        """
        runs: list[Shaped[np.ndarray, " run"]] = []
        match record:
            case PaintRecord() | UndoRecord() | RedoRecord() if record.operation in self.operations:
                pass
            case PaintRecord():
                is_new = not self.history.done or self.history.done[-1].stroke != record.stroke
                self.num_strokes += is_new
                self.history.add(record.stroke, record.tool, record.after, record.before)
                runs = [record.after]
                self._count(record, runs)
            case UndoRecord():
                runs = self.history.undo(record.stroke)
                self.num_strokes -= 1
                self._count(record, runs)
            case RedoRecord():
                runs = self.history.redo(record.stroke)
                self.num_strokes += 1
                self._count(record, runs)
            case MaskRecord(is_done=False):
                self.written.append(record)
                self.sums.add(record.sha256)
            case MaskRecord():
                self.confirm(record.revision, record.sha256)
                self.sums, self.mask_revision = {record.sha256}, record.revision
            case SeenRecord():
                self.seen.add(record.sha256)
            case StatusRecord():
                self.status = record.status
            case HistoryRecord():
                self.revision, self.num_strokes = record.revision, record.num_strokes
                self.history, self.operations = history_of(record), dict(record.operations)
                self.first = record.revision
        return runs

    def snapshot(self) -> list[Record]:
        """Return the records with which a new journal begins; the mask of this revision must have been written."""
        known = tuple(self.operations.items())
        history = HistoryRecord(
            self.name, self.revision, self.num_strokes, known, tuple(self.history.done), tuple(self.history.undone)
        )
        seen = [SeenRecord(self.name, sha) for sha in sorted(self.seen)]
        status = [] if self.status == "new" else [StatusRecord(self.name, self.status)]
        written = [one for last in self.written[-1:] for one in (last, replace(last, is_done=True))]
        return [history, *written, *seen, *status]

    @property
    def has_nothing(self) -> bool:
        """Whether the journal says nothing of the image."""
        return not (self.revision or self.written or self.seen or self.status != "new")

    @property
    def known_sums(self) -> set[str]:
        """SHA-256 of all masks that need no question."""
        return self.sums | self.seen

    def _count(self, record: PaintRecord | UndoRecord | RedoRecord, runs: list[Shaped[np.ndarray, " run"]]) -> None:
        self.revision = record.revision
        self.operations[record.operation] = record.revision
        if len(self.operations) > MOST_OPERATIONS:
            del self.operations[next(iter(self.operations))]
        self.unwritten.append((record.revision, runs))
        if self.status == "new":
            self.status = "begun"

    def confirm(self, revision: int, sha256: str) -> None:
        """Forget what came before a mask that is known to be kept."""
        self.written = [one for one in self.written if one.revision > revision]
        self.written.insert(0, MaskRecord(self.name, revision, sha256))
        self.first = revision
        while self.unwritten and self.unwritten[0][0] <= revision:
            self.unwritten.popleft()
