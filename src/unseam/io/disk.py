"""The calls that change the disk, each a function of its own; all but the lock on a folder go through here.

So this is the place where a test lets the fifth one fail, or kills the process at it, or looks at their order: it replaces
the functions of this module, and every writer meets it.
"""

import os
from pathlib import Path

NAMES = (
    *("create", "write", "sync", "close", "rename", "make_folder", "open_folder", "remove_file", "remove_folder"),
    *("list_folder", "read", "open_again", "open_to_append", "cut"),
)
"""Every call, for tests."""


def create(path: Path) -> int:
    """Open a new file for writing; never one that is there, nor where a link leads."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def write(descriptor: int, data: memoryview) -> int:
    """Hand bytes to the operating system; the number that it took, which may be less."""
    return os.write(descriptor, data)


def sync(descriptor: int) -> None:
    """Wait until a file or a folder is on the disk itself."""
    os.fsync(descriptor)


def close(descriptor: int) -> None:
    """Close a file or a folder."""
    os.close(descriptor)


def rename(old: Path, new: Path) -> None:
    """Give a file or folder its name, in place of a file that may have it."""
    os.replace(old, new)


def make_folder(path: Path) -> None:
    """Make one folder."""
    path.mkdir()


def open_folder(path: Path) -> int:
    """Open a folder to sync it; not on Windows."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def open_again(path: Path) -> int:
    """Open a finished file to sync it later than it was written."""
    return os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))


def open_to_append(path: Path) -> int:
    """Open a file that is there, to write behind what it holds."""
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags)


def cut(descriptor: int, length: int) -> None:
    """Keep only so many bytes of a file, from its beginning."""
    os.ftruncate(descriptor, length)


def remove_file(path: Path) -> None:
    """Remove a file or a link."""
    path.unlink()


def remove_folder(path: Path) -> None:
    """Remove an empty folder."""
    path.rmdir()


def list_folder(path: Path) -> list[Path]:
    """What lies in a folder."""
    return list(path.iterdir())


def read(path: Path) -> bytes:
    """All bytes of a file."""
    return path.read_bytes()
