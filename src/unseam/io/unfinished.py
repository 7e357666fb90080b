"""Unfinished files and folders, next to their target (``.unseam-0123456789abcdef.tmp``), and what killed writers left.

A writer holds a lock on its unfinished file or folder, and the operating system releases the lock when the process dies. So
:func:`remove_unfinished` recognises what will never be finished, and removes nothing that a writer still uses.
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
except ImportError:  # Windows removes no open file, which protects a writer as well
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
HAS_FOLDERS_TO_SYNC = hasattr(os, "O_DIRECTORY")  # not on Windows
_UNFINISHED = re.compile(r"\.unseam-[0-9a-f]{16}\.(tmp|lock)")


def name_beside(path: Path) -> Path:
    """Return an unused name next to the path."""
    try:
        is_valid = b"\0" not in os.fsencode(path)
    except ValueError:  # characters that no file system accepts
        is_valid = False
    if not is_valid:
        raise OSError(errno.EINVAL, "no file can have this name")
    return path.parent / f".unseam-{secrets.token_hex(8)}.tmp"


def new_file_beside(path: Path) -> tuple[Path, int]:
    """Create a file next to the path, open for writing and locked."""
    while True:
        temporary = name_beside(path)
        descriptor = disk.create(temporary)
        if _lock_new(descriptor, temporary):
            return temporary, descriptor
        disk.close(descriptor)


def new_folder_beside(path: Path) -> tuple[Path, int | None]:
    """Create a folder next to the path, locked and open for syncing (None where that is impossible)."""
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
        if _lock_new(descriptor, temporary):
            return temporary, descriptor
        disk.close(descriptor)


def _lock_new(descriptor: int, temporary: Path) -> bool:
    """Lock a new file or folder; return whether it still exists: it may have been removed as unfinished before the lock."""
    if fcntl is None:
        return True
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(temporary))
    except FileNotFoundError:
        return False


def remove(path: Path) -> bool:
    """Remove a file, or a folder and its contents; return whether it worked. Links are removed, never followed."""
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
    """Remove what killed writers left in a folder; return the number of files and folders removed.

    A file whose writer still runs stays, and so does a lock that a process holds.
    """
    num = 0
    with suppress(OSError):  # no such folder, or no right to list it
        for path in disk.list_folder(folder):
            if _UNFINISHED.fullmatch(path.name):
                num += _remove_if_orphan(path)
    return num


def _remove_if_orphan(path: Path) -> bool:
    """Remove a file or folder that no process has locked; hold its lock meanwhile, so that no writer can start."""
    if fcntl is None:
        return remove(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return path.is_symlink() and remove(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its writer lives, or the file system has no locks, so that is unknown
        return False
    else:
        return remove(path)
    finally:
        os.close(descriptor)
