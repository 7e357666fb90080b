"""Standard output and standard error whose reader may go away (``| head``, a closed terminal) or whose disk may be full.

Results are files, so a lost sentence must not end the work. The first write that fails sends all later output of this process
to nowhere, and its exit code tells of it where the output was the result.
"""

import errno
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any

_READER_IS_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN, errno.EBADF)
_NUM_STANDARD = 3  # standard input, output and error


class _Stream(io.FileIO):
    """Writes to a descriptor until a write fails, and then nowhere. ``lost`` is the error of that write."""

    def __init__(self, descriptor: int, closed_before: OSError | None = None) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.lost: OSError | None = None
        self._closed_before = closed_before
        self._is_terminal = self.isatty()

    def write(self, data: Any, /) -> int:
        if self._closed_before is not None:
            self.lost = self._closed_before
        try:
            while (written := super().write(data)) is None:  # another process made the pipe non-blocking, and it is full
                select.select([], [self], [])
        except OSError as error:
            self.lost = error
            # The descriptor is replaced, because libraries and child processes write to it too.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)
        return written

    @property
    def is_unread(self) -> bool:
        """Whether nobody reads the output any more, rather than a disk refusing it."""
        if self.lost is None:
            return False
        return self.lost.errno in _READER_IS_GONE or self._is_terminal  # a closed terminal answers with EIO, as a bad disk does


def outlive_readers() -> Callable[[], OSError | None]:
    """Let standard output and standard error of this process fail without an exception.

    Returns a function that gives the error by which standard output was lost: BrokenPipeError if its reader has gone or it was
    closed from the start, another OSError if it could not be written; None if all was written so far.

    Streams that are no files of the operating system (of a test, of a notebook, the console of Windows) stay as they are.
    """
    _occupy_standard_descriptors()
    streams = {name: _replaced(name, number) for name, number in (("stdout", 1), ("stderr", 2))}

    def lost() -> OSError | None:
        sys.stdout.flush()
        stream = streams["stdout"]
        if stream is None or stream.lost is None:
            return None
        return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) if stream.is_unread else stream.lost

    return lost


def _occupy_standard_descriptors() -> None:
    """Replace closed descriptors (``>&-``): the next file would get their number, and the stray words of libraries in it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _NUM_STANDARD:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _replaced(name: str, number: int) -> _Stream | None:
    """Replace ``sys.stdout`` or ``sys.stderr`` by a stream that does not fail; None if it is not that of the system."""
    old = getattr(sys, name)
    if old is None:  # it was closed before Python started
        closed = OSError(errno.EBADF, os.strerror(errno.EBADF))
        stream, encoding, is_line_buffered = _Stream(os.open(os.devnull, os.O_WRONLY), closed), "utf-8", True
    else:
        buffer = getattr(old, "buffer", None)
        raw = getattr(buffer, "raw", buffer)  # under PYTHONUNBUFFERED there is no buffer between
        if type(raw) is not io.FileIO or raw.fileno() != number:
            return None
        old.flush()
        stream, encoding = _Stream(number), old.encoding
        is_line_buffered = old.line_buffering or old.write_through
    text = io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding,
        "backslashreplace",  # names of files need not be valid text
        line_buffering=is_line_buffered,
    )
    setattr(sys, name, text)
    return stream
