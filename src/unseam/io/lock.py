"""One process at a time writes into a folder: a lock of the operating system, which ends with the process that holds it.

A file that merely says "taken" would outlive a process that is killed, and then block everybody. Here the file only says who
holds the lock; the lock itself is the kernel's (``flock``; on Windows ``msvcrt.locking``).
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
"""Of the file beside the results while somebody writes them."""

_FAR = 2**30
"""Windows locks bytes against reading, too: one far behind the text is locked, so that others can read who holds it."""

_MOST_BYTES = 2**16


@contextmanager
def locked(folder: Path, doing: str, *, is_shared: bool = False, name: str = LOCK_NAME) -> Iterator[None]:
    """Be the only process that writes into an existing folder, or one of several that have agreed to share it.

    Where the file system knows no locks (some network disks), nothing is locked: work is not refused for that.

    Parameters
    ----------
    doing
        Words for others that must wait, "training" for instance.
    is_shared
        Do not exclude others that share, only those that do not. On Windows this excludes all others, too.
    name
        Of the lock; locks of other names are independent.

    Raises
    ------
    InUseError
        If another process, or another thread of this one, holds it. Says which, since when, and where.
    OutputError
        If nothing can be written into the folder.
    """
    path = folder / name
    descriptor = _taken(path, is_shared)
    if descriptor is None:
        raise InUseError(_told(folder, path))
    try:
        _sign(descriptor, doing, is_shared)
        yield
    finally:
        _leave(path, descriptor)


def lock_name_of(thing: str) -> str:
    """Name of the lock on one of several things in a folder; :func:`unseam.io.sweep` removes those of killed processes."""
    return f".unseam-{hashlib.sha256(os.fsencode(thing)).hexdigest()[:16]}.lock"


def _taken(path: Path, is_shared: bool) -> int | None:
    """The file with the lock on it; None if another process has it."""
    while True:
        descriptor = _open(path)
        try:
            got = _lock(descriptor, is_shared)
            if got and _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not got:
            return None


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        new = OutputError(
            f"{path.parent}: nothing can be written into this folder ({error.strerror}). Give another --out, or ask for the "
            "right to write there."
        )
        new.errno = error.errno
        raise new from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OutputError(f"{path}: this is no ordinary file, so it cannot be locked. Remove it, or give another --out.")


def _lock(descriptor: int, is_shared: bool) -> bool:
    """Whether the lock was free; also true where the file system knows none."""
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


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the name still means this file: its last holder removes it, and then it locks nothing."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int, doing: str, is_shared: bool) -> None:
    """Write who holds it; each process that shares it adds a line. A full disk is no reason not to work: that shows soon."""
    line = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "doing": doing})
    with suppress(OSError):
        if not is_shared:
            os.ftruncate(descriptor, 0)
        os.write(descriptor, line.encode() + b"\n")


def _leave(path: Path, descriptor: int) -> None:
    """The last holder removes the file while it still holds the lock, so that it removes no one else's."""
    try:
        if _lock(descriptor, is_shared=False) and _is_still(path, descriptor):
            with suppress(OSError):  # Windows removes no open file; it is used again by the next one
                path.unlink()
    finally:
        os.close(descriptor)


def _told(folder: Path, path: Path) -> str:
    holders = _holders(path)
    for _ in range(10):
        if holders:
            break
        time.sleep(0.02)  # it has the lock and is about to sign
        holders = _holders(path)
    who = "; ".join(holders[:3]) + (f"; and {len(holders) - 3} more" if len(holders) > 3 else "")
    return (
        f"{folder} is in use: {who or 'another process is at it'}. Nothing was written. Wait until that is done, or give "
        "another --out."
    )


def _holders(path: Path) -> list[str]:
    """Describe the processes that have signed and are alive; the content of the file is not trusted."""
    said = []
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
        said.append("".join(c if c.isprintable() else "?" for c in words) + _for(seconds))
    return said


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there, asking by a signal would end it
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _for(seconds: float) -> str:
    """Describe a duration; empty if the clock was set back meanwhile."""
    if not 0 <= seconds < 10 * 365 * 86400:
        return ""
    number, unit = (seconds, "s") if seconds < 120 else (seconds / 60, "min") if seconds < 7200 else (seconds / 3600, "h")
    return f" for {number:.0f} {unit}"
