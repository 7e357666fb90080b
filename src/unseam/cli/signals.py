"""A signal that asks the process to end acts as Ctrl-C does, and the exit code names it.

SIGTERM comes from ``kill``, from a system that shuts down, and from the queue of a cluster when the time is up; SIGHUP when a
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
    """Raise KeyboardInterrupt where the process would end; yields a function that returns the signal that came, if any.

    A signal that is already ignored (SIGHUP, under nohup) stays ignored.
    """
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if number == getattr(signal, "SIGHUP", None):
            _silence_terminal()
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


def _silence_terminal() -> None:
    """The terminal is gone: writing to it would raise an error while a model is being saved."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
