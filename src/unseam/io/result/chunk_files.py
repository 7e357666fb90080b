"""The files of chunks, each whole or not there; on the disk at once, or many of them together.

To wait for the disk costs more than to write: a millisecond a file on a good disk, tens on others. A run that writes a hundred
thousand chunks waits for groups of them, and notes a chunk as finished only after :meth:`ChunkFiles.settle`.
"""

from pathlib import Path
from threading import Lock

from unseam.io.write import make_folders, sync_files, write_bytes_whole


class ChunkFiles:
    """Writes files; threads of a process may share it.

    Parameters
    ----------
    is_synced
        Each file is on the disk when :meth:`write` returns. Otherwise it survives a kill at once, and a power cut only after
        :meth:`settle`.
    """

    def __init__(self, *, is_synced: bool = True) -> None:
        self.is_synced = is_synced
        self._waiting: dict[Path, None] = {}
        self._folders: set[Path] = set()
        self._lock = Lock()

    def write(self, path: Path, data: bytes) -> None:
        """Write a file, and make the folders that it lies in.

        Raises
        ------
        OutputError
            Names the path, the reason and the number of bytes; what was there before is as it was.
        """
        if path.parent not in self._folders:
            make_folders(path.parent)
            self._folders.add(path.parent)
        write_bytes_whole(path, data, is_synced=self.is_synced)
        if not self.is_synced:
            with self._lock:
                self._waiting[path] = None

    def settle(self) -> int:
        """Wait until everything that was written before this call is on the disk; return the number of files.

        Raises
        ------
        OutputError
            If the disk fails. Write all these files again: the system may have forgotten them, and would not say so next time.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        sync_files(waiting)
        return len(waiting)
