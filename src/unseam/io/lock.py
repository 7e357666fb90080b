"""One process at a time writes into a folder: a lock of the operating system, released when its process ends.

A file that merely said "in use" would outlive a killed process and then block everybody. Here the file only names the holder;
the lock itself belongs to the kernel (``flock``; on Windows ``msvcrt.locking``).
"""

import errno
import hashlib
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unseam.errors import InUseError, OutputError

LOCK_NAME = ".unseam.lock"
"""The lock file, next to the results while a process writes them."""

_FAR = 2**30
"""The byte that Windows locks. A locked byte cannot be read there, so it lies far behind the text that names the holder."""

_MOST_BYTES = 2**16


@contextmanager
def locked(folder: Path, doing: str, *, is_shared: bool = False, name: str = LOCK_NAME) -> Iterator[None]:
    """Hold the lock on an existing folder during the block, alone or with others that share it.

    Where the file system has no locks (some network disks), nothing is locked: that is no reason to refuse the work.

    Parameters
    ----------
    doing
        Tells processes that must wait what this one does: "training", for instance.
    is_shared
        Exclude only processes that do not share. On Windows this excludes all others, too.
    name
        Name of the lock file; locks of different names are independent.

    Raises
    ------
    InUseError
        If another process, or another thread of this one, holds the lock. Names the process, its host and since when.
    OutputError
        If the folder cannot be written to.
    """
    path = folder / name
    descriptor = _acquire(path, is_shared)
    if descriptor is None:
        raise InUseError(
            f"{folder} is in use: {_describe_holders(path) or 'another process writes there'}. Nothing was written. Wait until "
            "that is done, or give another --out."
        )
    try:
        _sign(descriptor, doing, is_shared)
        yield
    finally:
        _release(path, descriptor)


def lock_name_of(thing: str) -> str:
    """Return the name of the lock on one of several things in a folder.

    :func:`unseam.io.remove_unfinished` removes those of killed processes.
    """
    return f".unseam-{hashlib.sha256(os.fsencode(thing)).hexdigest()[:16]}.lock"


def _acquire(path: Path, is_shared: bool) -> int | None:
    """Lock the file and return its descriptor; None if another process has the lock."""
    while True:
        descriptor = _open(path)
        try:
            is_locked = _lock(descriptor, is_shared)
            # between our open and our lock the last holder may have removed the file: a lock on it would exclude no process
            if is_locked and _is_current(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not is_locked:
            return None


def _open(path: Path) -> int:
    # append: holders that share must not overwrite each other's lines; no link is followed out of the folder, no pipe awaited
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        new = OutputError(
            f"{path.parent}: cannot write into this folder ({error.strerror}). Give another --out, or ask for write permission."
        )
        new.errno = error.errno
        raise new from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OutputError(f"{path}: this is not an ordinary file, so it cannot be locked. Remove it, or give another --out.")


def _lock(descriptor: int, is_shared: bool) -> bool:
    """Try to lock; return whether the lock was free, also True where the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_NB | (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX))
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK)
    return True


def _is_current(path: Path, descriptor: int) -> bool:
    """Whether the path still names this file."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int, doing: str, is_shared: bool) -> None:
    """Write who holds the lock; each process that shares it adds a line."""
    line = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "doing": doing})
    with suppress(OSError):  # the lock holds without a name; a full disk is reported when the results are written
        if not is_shared:
            os.ftruncate(descriptor, 0)
        os.write(descriptor, line.encode() + b"\n")


def _release(path: Path, descriptor: int) -> None:
    try:
        # removed while still locked: after the release the file could already be another process's lock
        if _lock(descriptor, is_shared=False) and _is_current(path, descriptor):
            with suppress(OSError):  # Windows removes no open file; the next holder uses it again
                path.unlink()
    finally:
        os.close(descriptor)


def _describe_holders(path: Path) -> str:
    holders = _read_holders(path)
    for _ in range(10):
        if holders:
            break
        time.sleep(0.02)  # the holder has the lock and is about to sign
        holders = _read_holders(path)
    return "; ".join(holders[:3]) + (f"; and {len(holders) - 3} more" if len(holders) > 3 else "")


def _read_holders(path: Path) -> list[str]:
    """Describe the processes that have signed and are alive; the content of the file is not trusted."""
    holders = []
    try:
        lines = path.read_bytes()[:_MOST_BYTES].splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            holder = json.loads(line)
            pid, host, doing = int(holder["pid"]), str(holder["host"])[:64], str(holder["doing"])[:64]
            seconds = time.time() - float(holder["since"])
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if host == socket.gethostname() and not _is_alive(pid):
            continue
        words = f"process {pid} on {host}, {doing}"
        # unprintable characters could control the terminal of the reader
        holders.append("".join(c if c.isprintable() else "?" for c in words) + _describe_duration(seconds))
    return holders


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there a signal would end the process
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _describe_duration(seconds: float) -> str:
    """Return " for 5 min"; empty if the clock was set back meanwhile."""
    if not 0 <= seconds < 10 * 365 * 86400:
        return ""
    number, unit = (seconds, "s") if seconds < 120 else (seconds / 60, "min") if seconds < 7200 else (seconds / 3600, "h")
    return f" for {number:.0f} {unit}"
