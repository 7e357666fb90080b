"""Ctrl-C, and whatever else asks a process to end, waits until the step that is being worked on is done.

An interrupt in the middle of an update would leave weights of one step with the number of another, and a run that goes on from
there would be another run.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from unseam.errors import RankError
from unseam.training.ranks import ALONE, Ranks
from unseam.training.state import TrainState

_ASKING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
Handler = Callable[[int, FrameType | None], object]


class AtStepEnd:
    """An observer that lets signals through between steps; inside ``with``, and in the main thread, only there.

    Only signals that already raise something wait (Ctrl-C does in Python, the others where a program has seen to it): what the
    caller ignores stays ignored, what ends the process at once does so. The second signal does not wait: a step may hang.

    Of several ranks all stop after the same step if one of them is asked to.

    Parameters
    ----------
    ranks
        Who trains.
    state
        Of the run: before its first step is done there is nothing that could be spoilt, and a process that is alone stops at
        once. The first step may take minutes.
    """

    def __init__(self, ranks: Ranks = ALONE, state: TrainState | None = None) -> None:
        self._ranks, self._state = ranks, state
        self._before: dict[int, Handler] = {}
        self._came: int | None = None

    def __enter__(self) -> "AtStepEnd":
        if threading.current_thread() is threading.main_thread():
            for name in _ASKING:
                number = getattr(signal, name, None)
                handler = signal.getsignal(number) if number is not None else None
                if number is not None and callable(handler):
                    self._before[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None:
            self._let_through()

    def __call__(self, state: TrainState, progress: float) -> None:
        """After a step, when all who look at the state have done so."""
        self._let_through()

    def _note(self, number: int, frame: FrameType | None) -> None:
        is_fresh = self._state is not None and self._state.step == 0 and self._ranks.world == 1
        if self._came is None and not is_fresh:
            self._came = number
        elif self._ranks.world > 1:  # the others wait for this rank in the middle of a step, and will not get it
            raise RankError("Stopped at once, in the middle of a step. The last checkpoint stands: go on with --resume.")
        else:
            self._before[number](number, frame)

    def _let_through(self) -> None:
        if self._ranks.any(self._came is not None):
            came, self._came = self._came, None
            if came is not None:
                self._before[came](came, None)
            if self._ranks.world > 1:
                raise KeyboardInterrupt
