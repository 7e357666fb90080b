"""The journal of a project, and what follows from it for each image."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unseam.annotate.project.image_state import ImageState
from unseam.annotate.project.mask_files import remove_if_there
from unseam.annotate.project.records import Record, from_json, to_json
from unseam.errors import OutputError
from unseam.io import disk
from unseam.io.append_journal import AppendJournal
from unseam.io.write import naming, sync_folder

LONG = 64 * 2**20
"""Bytes at which the journal begins anew."""


class Ledger:
    """The journal and the state of each image; its owner locks it.

    After a failed write it is *lost*: how much reached the disk is unknown, so :meth:`load` reads it anew.

    Raises
    ------
    OutputError
        If the journal cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note: str | None = None  # about damage that was cut off
        self._journal: AppendJournal | None = None
        self._states: dict[str, ImageState] = {}
        self.load()

    @property
    def is_lost(self) -> bool:
        return self._journal is None

    @property
    def is_long(self) -> bool:
        return self.path.stat().st_size > LONG

    def state(self, name: str) -> ImageState:
        """Return what the journal says of an image."""
        return self._states.setdefault(name, ImageState(name))

    def load(self) -> None:
        """Open the journal and follow it from its beginning."""
        self.close()
        journal = AppendJournal(self.path)
        self.note = journal.note
        states: dict[str, ImageState] = {}
        try:
            for table in journal.records():
                record = from_json(table)
                states.setdefault(record.image, ImageState(record.image)).add(record)
        except BaseException:
            journal.close()
            raise
        self._journal, self._states = journal, states

    def append(self, records: Sequence[Record]) -> None:
        """Put records on the disk; the caller then adds them to the states. Raises OutputError, and the ledger is lost."""
        if self._journal is None:
            raise OutputError(f"{self.path}: the last write failed. Try again.")
        try:
            self._journal.append([to_json(record) for record in records])
        except BaseException:
            self._journal = None
            raise

    def begin_anew(self) -> None:
        """Replace the journal by one that says only where each image stands. Every mask must have been written."""
        states = [state for state in self._states.values() if not state.has_nothing]
        if self._journal is None or any(state.unwritten for state in states):
            return
        fresh = self.path.with_name("journal.new")
        remove_if_there(fresh)
        with AppendJournal(fresh) as journal:
            for state in states:
                journal.append([to_json(record) for record in state.snapshot()])
        self.close()
        with naming(self.path):
            disk.rename(fresh, self.path)
            sync_folder(self.path.parent)
        self.load()

    def erase(self) -> None:
        """Begin with an empty journal: nothing was painted yet."""
        self.close()
        remove_if_there(self.path)
        self.load()

    def close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(OutputError):  # every record is synced
                journal.close()
