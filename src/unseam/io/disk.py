"""The calls that change the disk, one function each; only the lock on a folder does not go through here.

Tests replace these functions to make the fifth call fail, to kill the process in it, or to record the order.
"""

import os
from pathlib import Path

NAMES = (
    *(
        "create",
        "write",
        "sync",
        "close",
        "rename",
        "make_folder",
        "make_private_folder",
        "open_folder",
        "remove_file",
        "remove_folder",
    ),
    *("list_folder", "read", "open_again", "open_to_append", "cut"),
)
"""All calls, for tests."""


def create(path: Path) -> int:
    """Open a new file for writing; never an existing one, nor the target of a link."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def write(descriptor: int, data: memoryview) -> int:
    """Pass bytes to the operating system; return the number that it accepted, which may be smaller."""
    return os.write(descriptor, data)


def sync(descriptor: int) -> None:
    """Wait until a file or a folder is physically on the disk."""
    os.fsync(descriptor)


def close(descriptor: int) -> None:
    """Close a file or a folder."""
    os.close(descriptor)


def rename(old: Path, new: Path) -> None:
    """Rename a file or folder; a file of the new name is replaced."""
    os.replace(old, new)


def make_folder(path: Path) -> None:
    """Make one folder."""
    path.mkdir()


def make_private_folder(path: Path) -> None:
    """Make one folder that only its owner may enter; on Windows its parents decide."""
    path.mkdir(0o700)


def open_folder(path: Path) -> int:
    """Open a folder to sync it; impossible on Windows."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def open_again(path: Path) -> int:
    """Open a finished file to sync it later."""
    return os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))


def open_to_append(path: Path) -> int:
    """Open an existing file to write at its end."""
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags)


def cut(descriptor: int, length: int) -> None:
    """Keep only the first ``length`` bytes of a file."""
    os.ftruncate(descriptor, length)


def remove_file(path: Path) -> None:
    """Remove a file or a link."""
    path.unlink()


def remove_folder(path: Path) -> None:
    """Remove an empty folder."""
    path.rmdir()


def list_folder(path: Path) -> list[Path]:
    """Return the entries of a folder."""
    return list(path.iterdir())


def read(path: Path) -> bytes:
    """Read all bytes of a file."""
    return path.read_bytes()
