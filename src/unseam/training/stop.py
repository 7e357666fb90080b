"""A request to stop training waits until the current step is done: Ctrl-C, other signals, and the calling program.

An interrupt in the middle of an update would leave the weights of one step with the number of another, and a run that
continued from them would not be the same run.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from unseam.errors import RankError
from unseam.training.ranks import ALONE, Ranks
from unseam.training.state import TrainState

_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
Handler = Callable[[int, FrameType | None], object]


class AtStepEnd:
    """Decides after each step whether training stops. Inside ``with``, it also holds signals back until then.

    A signal waits if the program handles it in Python (as it does Ctrl-C by default) and trains in the main thread. At the end
    of the step the program's own handler gets it. A signal that is ignored stays ignored, and one that ends the process does
    so at once. A second signal does not wait, because a step may hang.

    With several ranks, all stop after the same step if any of them gets a signal or ``should_stop`` of rank 0 returns True.

    Parameters
    ----------
    ranks
        The processes that train.
    state
        The run. Until its first step is done there is nothing to spoil, so a single process stops at once: the first step may
        take minutes.
    should_stop
        The program's own request, asked after each step on rank 0.

    Attributes
    ----------
    has_stopped
        Whether this object ended training.
    """

    def __init__(
        self, ranks: Ranks = ALONE, state: TrainState | None = None, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._ranks, self._state, self._should_stop = ranks, state, should_stop
        self.has_stopped = False
        self._handlers: dict[int, Handler] = {}
        self._pending: int | None = None

    def __enter__(self) -> "AtStepEnd":
        if threading.current_thread() is threading.main_thread():
            for name in _STOP_SIGNALS:
                number = getattr(signal, name, None)  # some do not exist on every system
                handler = signal.getsignal(number) if number is not None else None
                if number is not None and callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._hold_back)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if kind is None:
            # Ranks that have agreed to stop do not ask again: the question is a collective call, and no rank would answer.
            self.has_stopped = self.has_stopped or self._agree(is_asked=False)
            self._deliver()

    def __call__(self, state: TrainState, progress: float) -> bool:
        """Return whether training stops after this step; deliver a signal that arrived during the step."""
        self.has_stopped = self._agree(is_asked=self._ranks.is_first and self._should_stop())
        return self.has_stopped

    def _hold_back(self, number: int, frame: FrameType | None) -> None:
        is_fresh = self._state is not None and self._state.step == 0 and self._ranks.world == 1
        if self._pending is None and not is_fresh:
            self._pending = number
        elif self._ranks.world > 1:
            # The other ranks wait for this one in the middle of a step. If the handler returned, training would continue as if
            # nothing had happened; an error breaks the connection, and that ends the others.
            raise RankError("Stopped at once, in the middle of a step. The last checkpoint is kept: continue with --resume.")
        else:
            self._handlers[number](number, frame)

    def _agree(self, *, is_asked: bool) -> bool:
        """Return whether all ranks stop; deliver a signal that waits, which usually raises."""
        # In a single process the handler decides whether a signal ends training. Other ranks cannot see what it raises, so
        # with several ranks every signal ends training.
        stops = self._ranks.any(is_asked or (self._pending is not None and self._ranks.world > 1))
        if stops or self._ranks.world == 1:
            # A signal that arrived since the ranks agreed waits: its handler would end this rank alone.
            self._deliver()
        return stops

    def _deliver(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._handlers[pending](pending, None)
