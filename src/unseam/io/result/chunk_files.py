"""The files of chunks, each whole or absent; the program waits for the disk after each file, or once for many files.

Waiting for the disk takes longer than writing: a millisecond per file on a good disk, tens on others. A run that writes a
hundred thousand chunks waits once per group, and records a chunk as finished only after :meth:`ChunkFiles.settle`.
"""

from pathlib import Path
from threading import Lock

from unseam.io.write import make_folders, sync_files, write_bytes_whole


class ChunkFiles:
    """Writes files; threads of a process may share it.

    With ``is_synced`` each file is on the disk when :meth:`write` returns. Without, a written file survives a killed process,
    but survives a power cut only after :meth:`settle`.
    """

    def __init__(self, *, is_synced: bool = True) -> None:
        self.is_synced = is_synced
        self._waiting: dict[Path, None] = {}
        self._folders: set[Path] = set()
        self._lock = Lock()

    def write(self, path: Path, data: bytes) -> None:
        """Write a file and make its folders. If this raises OutputError, the previous file is unchanged."""
        if path.parent not in self._folders:
            make_folders(path.parent)
            self._folders.add(path.parent)
        write_bytes_whole(path, data, is_synced=self.is_synced)
        if not self.is_synced:
            with self._lock:
                self._waiting[path] = None

    def settle(self) -> int:
        """Wait until every file written before this call is on the disk; return the number of files.

        Raises
        ------
        OutputError
            If the disk fails. Write all these files again: the system may have lost them, and would not report it next time.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        sync_files(waiting)
        return len(waiting)
