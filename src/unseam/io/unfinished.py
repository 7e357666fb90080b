"""Unfinished files and folders, next to their place (``.unseam-0123456789abcdef.tmp``), and what killed writers left.

A writer holds a lock on its unfinished file or folder, and the operating system releases the lock when the process dies. So
:func:`sweep` recognises what will never be finished, and removes nothing from under a writer.
"""

import errno
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from unseam.io import disk

try:
    import fcntl
except ImportError:  # Windows removes no file that a process has open, which serves as well
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
HAS_FOLDERS_TO_SYNC = hasattr(os, "O_DIRECTORY")  # not on Windows
_UNFINISHED = re.compile(r"\.unseam-[0-9a-f]{16}\.(tmp|lock)")


def name_beside(path: Path) -> Path:
    """A free name next to the path."""
    try:
        is_name = b"\0" not in os.fsencode(path)
    except ValueError:  # letters that no file system takes
        is_name = False
    if not is_name:
        raise OSError(errno.EINVAL, "no file can have this name")
    return path.parent / f".unseam-{secrets.token_hex(8)}.tmp"


def new_file_beside(path: Path) -> tuple[Path, int]:
    """Create a file next to the path, open for writing and locked."""
    while True:
        temporary = name_beside(path)
        descriptor = disk.create(temporary)
        if _claims(descriptor, temporary):
            return temporary, descriptor
        disk.close(descriptor)


def new_folder_beside(path: Path) -> tuple[Path, int | None]:
    """Create a folder next to the path, locked and open to be synced (None where that is impossible)."""
    while True:
        temporary = name_beside(path)
        disk.make_folder(temporary)
        if not HAS_FOLDERS_TO_SYNC:
            return temporary, None
        try:
            descriptor = disk.open_folder(temporary)
        except BaseException:
            remove(temporary)
            raise
        if _claims(descriptor, temporary):
            return temporary, descriptor
        disk.close(descriptor)


def _claims(descriptor: int, temporary: Path) -> bool:
    """Lock what is being written, and check that it was not swept away before."""
    if fcntl is None:
        return True
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(temporary))
    except FileNotFoundError:
        return False


def remove(path: Path) -> bool:
    """Remove a file, or a folder with everything in it; return whether it went. Links are removed, never followed."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            for inside in disk.list_folder(path):
                remove(inside)
            disk.remove_folder(path)
        else:
            disk.remove_file(path)
        return True
    return False


def remove_unfinished(folder: Path) -> int:
    """Remove what killed writers left in a folder, unfinished or locked; return the number of such files and folders.

    A file whose writer still runs stays, and so does a lock that is held.
    """
    num = 0
    with suppress(OSError):  # no such folder, or none that may be looked into: nothing of ours to remove
        for path in disk.list_folder(folder):
            if _UNFINISHED.fullmatch(path.name):
                num += _remove_if_orphan(path)
    return num


def _remove_if_orphan(path: Path) -> bool:
    """Remove what no living writer has locked, under the lock, so that no writer can begin meanwhile."""
    if fcntl is None:
        return remove(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return path.is_symlink() and remove(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its writer lives, or the file system has no locks and nobody can tell
        return False
    else:
        return remove(path)
    finally:
        os.close(descriptor)
