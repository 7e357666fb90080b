"""Writing: every file of this package goes through here, and is either whole or not there.

A new file is written beside its place, synced to the disk, and renamed over it; then the folder is synced, so that the
rename is on the disk too. A power cut at any moment leaves the old file or the new one. A folder is written likewise.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter, RawIOBase
from pathlib import Path
from typing import Any

from unseam.errors import OutputError
from unseam.io import disk
from unseam.io.unfinished import HAS_FOLDERS_TO_SYNC, HAS_LOCKS, name_beside, new_file_beside, new_folder_beside, remove

_BUFFER = 2**20


def write_bytes_whole(path: Path | str, data: bytes, *, is_synced: bool = True) -> None:
    """Write a file that is whole or absent, whatever interrupts: the old one stays until the new one is on the disk.

    A symbolic link at the target is replaced, never followed. The mode is what the umask gives. Without ``is_synced`` this
    holds for a process that is killed, and for a power cut only after :func:`sync_files`.

    Raises
    ------
    OutputError
        Names the path and the operating system's reason; ``errno`` is kept; no temporary file is left.
    """
    with _replacing(Path(path), len(data), is_synced=is_synced) as stream:
        stream.write(data)


def sync_files(paths: Iterable[Path]) -> None:
    """Wait until files that were written without sync are on the disk, and their names in their folders.

    Raises
    ------
    OutputError
        If one fails. The operating system may forget what it could not put on the disk, so none of them counts as written.
    """
    folders: dict[Path, None] = {}
    for path in paths:
        with naming(path, lambda: path.stat().st_size if path.is_file() else 0):  # noqa: B023  # called within the turn
            descriptor = disk.open_again(path)
            try:
                disk.sync(descriptor)
            finally:
                disk.close(descriptor)
        folders[path.parent] = None
    for folder in folders:
        with naming(folder, lambda: 0):
            sync_folder(folder)


def write_text_whole(path: Path | str, text: str) -> None:
    """As :func:`write_bytes_whole`, for UTF-8 text; half a surrogate, as file names may hold, becomes a backslash escape."""
    write_bytes_whole(path, text.encode(errors="backslashreplace"))


@contextmanager
def whole_file(path: Path | str) -> Iterator[BufferedWriter]:
    """Open a file to write what is too large to be held as bytes first; it appears when the block ends well.

    Raises
    ------
    OutputError
        As for :func:`write_bytes_whole`.
    """
    with _replacing(Path(path), None) as raw:
        buffered = BufferedWriter(raw, _BUFFER)
        yield buffered  # type: ignore[misc]  # to a caller it is any binary file
        buffered.flush()


def append_bytes(path: Path, descriptor: int, data: bytes, *, is_synced: bool) -> None:
    """Add bytes to a file that is open for that. After an error it is unknown how many of them are in it.

    Raises
    ------
    OutputError
        As for :func:`write_bytes_whole`.
    """
    with naming(path, lambda: len(data)):
        _write_all(descriptor, memoryview(data))
        if is_synced:
            disk.sync(descriptor)


def write_folder_whole(path: Path | str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a folder of plain files that is whole or absent; an existing one is replaced.

    Parameters
    ----------
    files
        Names and contents, written and synced in this order; made one after another, so that only one is in memory.

    Raises
    ------
    OutputError
        As for :func:`write_bytes_whole`. A kill between the two renames of a replacement leaves neither: the caller must have
        another folder to continue from.
    """
    path, num_bytes = Path(path), 0
    with naming(path, lambda: num_bytes):
        temporary, descriptor = new_folder_beside(path)
        try:
            for name, data in files:
                num_bytes += len(data)
                with _Stream(disk.create(temporary / name)) as stream:
                    stream.write(data)
                    stream.sync()
            _put_in_place(temporary, descriptor, path)
        except BaseException:
            remove(temporary)
            raise
        finally:
            if descriptor is not None:
                disk.close(descriptor)


def make_folders(path: Path | str) -> None:
    """Make a folder and its parents, synced to the disk, unless it exists. Raises OutputError if it cannot be made."""
    path = Path(path)
    try:
        for folder in reversed((path, *path.parents)):
            if not folder.is_dir():
                with suppress(FileExistsError):  # somebody else was quicker, or it is a file: the next line says which
                    disk.make_folder(folder)
                    sync_folder(folder.parent)
                if not folder.is_dir():
                    raise FileExistsError(errno.EEXIST, "a file has that name")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        advice = "Free some space there, or choose another" if is_full else "Choose another, or ask for the rights"
        raise OutputError(f"{path}: the folder cannot be made ({reason}). {advice}.") from error


def remove_tree(path: Path) -> None:
    """Remove a folder of plain files at once: renamed first, so that half of it is never met under its name.

    What cannot be removed stays, and :func:`unseam.io.unfinished.remove_unfinished` tries again.
    """
    with suppress(OSError):
        aside = name_beside(path)
        disk.rename(path, aside)
        with suppress(OSError):
            sync_folder(path.parent)
        remove(aside)


class _Stream(RawIOBase):
    """An open file whose every call goes through :mod:`unseam.io.disk`; it writes everything that it is given."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.num_bytes = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def write(self, data: Any) -> int:
        size = _write_all(self._descriptor, memoryview(data).cast("B"))
        self.num_bytes += size
        return size

    def sync(self) -> None:
        disk.sync(self._descriptor)

    def close(self) -> None:
        if not self.closed:
            super().close()
            disk.close(self._descriptor)


def _write_all(descriptor: int, left: memoryview) -> int:
    size = len(left)
    while len(left):
        left = left[disk.write(descriptor, left) :]
    return size


@contextmanager
def _replacing(path: Path, num_bytes: int | None, *, is_synced: bool = True) -> Iterator[_Stream]:
    """Open a stream into a new file next to the path, which takes its place when the block ends well."""
    stream: _Stream | None = None
    with naming(path, lambda: num_bytes or (stream.num_bytes if stream is not None else 0)):
        temporary, descriptor = new_file_beside(path)
        try:
            with _Stream(descriptor) as stream:
                yield stream
                if is_synced:
                    stream.sync()
                if not HAS_LOCKS:
                    stream.close()  # Windows renames no open file; elsewhere it is open until then, for the lock on it
                disk.rename(temporary, path)
        except BaseException:
            remove(temporary)
            raise
        if is_synced:
            sync_folder(path.parent)


@contextmanager
def naming(path: Path, num_bytes: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn every refusal of the operating system into one kind of error, which names the target and not its temporary file."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(path, num_bytes(), error) from error


def _put_in_place(temporary: Path, descriptor: int | None, path: Path) -> None:
    """Rename a finished folder; an existing one steps aside first, and comes back if that fails."""
    if descriptor is not None:
        _sync_open_folder(descriptor)
    aside = None
    if path.is_dir():
        aside = name_beside(path)
        disk.rename(path, aside)
    try:
        disk.rename(temporary, path)
    except BaseException:
        if aside is not None:
            disk.rename(aside, path)
        raise
    sync_folder(path.parent)
    if aside is not None:
        remove(aside)


def sync_folder(folder: Path) -> None:
    """Put a rename on the disk, where the operating system lets a folder be opened (not on Windows)."""
    if not HAS_FOLDERS_TO_SYNC:
        return
    descriptor = disk.open_folder(folder)
    try:
        _sync_open_folder(descriptor)
    finally:
        disk.close(descriptor)


def _sync_open_folder(descriptor: int) -> None:
    try:
        disk.sync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot; the files are safe
            raise


def _output_error(path: Path, num_bytes: int, error: OSError) -> OutputError:
    advice = {
        errno.ENOSPC: f"free at least {num_bytes:,} bytes on that disk, or write elsewhere",
        errno.EDQUOT: f"free at least {num_bytes:,} bytes of your quota, or write elsewhere",
        errno.EFBIG: "files may not be so large there; write elsewhere, or ask for a higher limit (ulimit -f)",
        errno.ENOENT: "make the folder first",
        errno.EACCES: "write to a folder of your own, or ask for the rights",
        errno.EROFS: "write elsewhere: this disk can only be read",
        errno.EISDIR: "choose a name that is not a folder's",
    }.get(error.errno or 0, "write elsewhere, or mend the disk")
    new = OutputError(f"{path}: could not be written ({error.strerror or error}; {num_bytes:,} bytes); {advice}")
    new.errno = error.errno
    return new
