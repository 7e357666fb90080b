"""A request to end is treated as Ctrl-C is, and the exit code says that there was one.

SIGTERM comes from ``kill``, from a system that shuts down and from the queue of a cluster whose time is up; SIGHUP when a
terminal is closed.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ASKING = ("SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def ending_like_ctrl_c() -> Iterator[Callable[[], int | None]]:
    """Raise KeyboardInterrupt where the process would be ended; gives a function that says which signal came, if any.

    What is ignored already (SIGHUP, under nohup) stays ignored.
    """
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if number == getattr(signal, "SIGHUP", None):
            _speak_to_nobody()
        raise KeyboardInterrupt(signal.Signals(number).name)

    changed = {}
    for name in _ASKING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            changed[number] = signal.signal(number, end)
    try:
        yield lambda: came[0] if came else None
    finally:
        for number, before in changed.items():
            signal.signal(number, before)


def _speak_to_nobody() -> None:
    """The terminal is gone: to write to it would be an error, in the middle of what is being saved."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
