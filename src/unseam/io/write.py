"""Writing: every file of this package is written here, and is either complete or absent.

A new file is written next to its target, synced to the disk, and renamed over it; then the folder is synced, so that the rename
is on the disk, too. A power cut at any moment leaves the old file or the new one. A folder is written likewise.

Every function raises :class:`~unseam.errors.OutputError` if it fails. The message names the path and the operating system's
reason, ``errno`` is kept, and no temporary file is left.
"""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter, RawIOBase
from pathlib import Path
from typing import Any

from unseam.errors import OutputError
from unseam.io import disk
from unseam.io.unfinished import HAS_FOLDERS_TO_SYNC, HAS_LOCKS, name_beside, new_file_beside, new_folder_beside, remove

_BUFFER = 2**20
_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def write_bytes_whole(path: Path | str, data: bytes, *, is_synced: bool = True) -> None:
    """Write a file that is complete or absent after any interruption: the old one stays until the new one is on the disk.

    A symbolic link at the target is replaced, never followed. The umask sets the mode. Without ``is_synced`` the file survives
    a killed process, but a power cut only after :func:`sync_files`.
    """
    with _replacing(Path(path), len(data), is_synced=is_synced) as stream:
        stream.write(data)


def sync_files(paths: Iterable[Path]) -> None:
    """Wait until files that were written without sync are on the disk, and their names in their folders.

    If one fails, none of them counts as written: the operating system may drop data that it could not put on the disk.
    """
    folders: dict[Path, None] = {}
    for path in paths:
        with naming(path, lambda: path.stat().st_size if path.is_file() else 0):  # noqa: B023  # called in the same iteration
            descriptor = disk.open_again(path)
            try:
                disk.sync(descriptor)
            finally:
                disk.close(descriptor)
        folders[path.parent] = None
    for folder in folders:
        with naming(folder):
            sync_folder(folder)


def write_text_whole(path: Path | str, text: str) -> None:
    """Write UTF-8 text like :func:`write_bytes_whole`; half a surrogate (possible in file names) becomes a backslash escape."""
    write_bytes_whole(path, text.encode(errors="backslashreplace"))


def plain_text(name: str) -> str:
    r"""Return a name as text that UTF-8, JSON and XML can hold: control characters and halves of surrogates become escapes.

    >>> plain_text("b\udcfcro \x1b")
    'b\\udcfcro \\x1b'
    """
    return _NO_TEXT.sub(lambda found: ascii(found[0])[1:-1], name)


@contextmanager
def whole_file(path: Path | str) -> Iterator[BufferedWriter]:
    """Open a file to write what is too large to be held in memory; it appears when the block ends without an error."""
    with _replacing(Path(path), None) as raw:
        buffered = BufferedWriter(raw, _BUFFER)
        yield buffered  # type: ignore[misc]  # to a caller it is any binary file
        buffered.flush()


def append_bytes(path: Path, descriptor: int, data: bytes, *, is_synced: bool) -> None:
    """Append bytes to an open file. After an error it is unknown how many of them it contains."""
    with naming(path, lambda: len(data)):
        _write_all(descriptor, memoryview(data))
        if is_synced:
            disk.sync(descriptor)


def write_folder_whole(path: Path | str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a folder of plain files that is complete or absent; an existing one is replaced.

    ``files`` yields names and contents, which are written and synced one by one, so that only one is in memory. A kill between
    the two renames of a replacement leaves neither folder: the caller must have another one to continue from.
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
    """Make a folder and its parents, synced to the disk, unless it exists."""
    path = Path(path)
    try:
        for folder in reversed((path, *path.parents)):
            if not folder.is_dir():
                with suppress(FileExistsError):  # another process was faster, or it is a file: see the next check
                    disk.make_folder(folder)
                    sync_folder(folder.parent)
                if not folder.is_dir():
                    raise FileExistsError(errno.EEXIST, "a file has that name")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space there, or choose another" if is_full else "Choose another, or ask for the permission"
        raise OutputError(f"{path}: the folder cannot be made ({reason}). {remedy}.") from error


def make_own_folder(path: Path) -> None:
    """Make a folder that only this user may enter, and its parents; raise OutputError if others may enter it."""
    make_folders(path.parent)
    with naming(path):
        if not path.is_dir():
            with suppress(FileExistsError):
                disk.make_private_folder(path)
        status = path.lstat()
    is_ours = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
    if not is_ours:
        raise OutputError(f"{path}: other users may read this folder, so no secret can be kept in it. Run: chmod 700 {path}")


def remove_tree(path: Path) -> None:
    """Rename a folder of plain files, then remove it, so that half of it never appears under its name.

    What cannot be removed stays; :func:`unseam.io.unfinished.remove_unfinished` tries again.
    """
    with suppress(OSError):
        aside = name_beside(path)
        disk.rename(path, aside)
        with suppress(OSError):
            sync_folder(path.parent)
        remove(aside)


class _Stream(RawIOBase):
    """An open file that writes all data that it is given, with the calls of :mod:`unseam.io.disk`."""

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


def _write_all(descriptor: int, data: memoryview) -> int:
    size = len(data)
    while len(data):  # a nearly full disk, or a signal, ends a call after a part of the data
        data = data[disk.write(descriptor, data) :]
    return size


@contextmanager
def _replacing(path: Path, num_bytes: int | None, *, is_synced: bool = True) -> Iterator[_Stream]:
    """Open a stream into a new file next to the path; it replaces the path when the block ends without an error."""
    stream: _Stream | None = None
    with naming(path, lambda: num_bytes or (stream.num_bytes if stream is not None else 0)):
        temporary, descriptor = new_file_beside(path)
        try:
            with _Stream(descriptor) as stream:
                yield stream
                if is_synced:
                    stream.sync()  # before the rename: in the other order a power cut can leave an empty file under the name
                if not HAS_LOCKS:
                    stream.close()  # Windows renames no open file; elsewhere closing would release the lock before the rename
                disk.rename(temporary, path)
        except BaseException:
            remove(temporary)
            raise
        if is_synced:
            sync_folder(path.parent)  # the rename is a change of the folder: without this, a power cut can undo it


@contextmanager
def naming(path: Path, num_bytes: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn every OSError into an OutputError that names the target, not its temporary file."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(path, num_bytes(), error) from error


def _put_in_place(temporary: Path, descriptor: int | None, path: Path) -> None:
    """Rename a finished folder to its path; an existing one is renamed first, and renamed back if that fails."""
    if descriptor is not None:
        _sync_open_folder(descriptor)
    aside = None
    if path.is_dir():  # a rename can replace a file, but not a folder with files in it
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
    """Put the renames in a folder on the disk, where the system can open a folder (not on Windows)."""
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
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot sync folders
            raise


def _output_error(path: Path, num_bytes: int, error: OSError) -> OutputError:
    remedy = {
        errno.ENOSPC: f"free at least {num_bytes:,} bytes on that disk, or write elsewhere",
        errno.EDQUOT: f"free at least {num_bytes:,} bytes of your quota, or write elsewhere",
        errno.EFBIG: "files must be smaller there; write elsewhere, or ask for a higher limit (ulimit -f)",
        errno.ENOENT: "make the folder first",
        errno.EACCES: "write to a folder that you own, or ask for write permission",
        errno.EROFS: "write elsewhere: this disk is read-only",
        errno.ENAMETOOLONG: "the name is too long there (most disks take 255 bytes): rename the image",
        errno.EILSEQ: "this disk does not take such a name: rename the image",
        errno.EINVAL: "this disk may not take such a name: rename the image, or write elsewhere",
        errno.EISDIR: "choose another name: a folder has this one",
    }.get(error.errno or 0, "write elsewhere, or repair the disk")
    new = OutputError(f"{path}: could not be written ({error.strerror or error}; {num_bytes:,} bytes); {remedy}")
    new.errno = error.errno
    return new
