"""Whoever asks a training to stop waits until the current step is done: Ctrl-C, other signals, and the calling program.

An interrupt in the middle of an update would leave weights of one step with the number of another. A run that continued from
them would not be the same run.
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
    """Decides after each step whether training stops. Inside ``with``, it also holds signals back until then.

    A signal waits if the program handles it in Python (Ctrl-C is handled by default) and trains in the main thread. At the end
    of the step the program's own handler gets it. A signal that is ignored stays ignored, and one that ends the process does
    so at once. The second signal does not wait, because a step may hang.

    With several ranks, all stop after the same step if one of them gets a signal or if ``should_stop`` of rank 0 says so.

    Parameters
    ----------
    ranks
        The processes that train.
    state
        The run. Before its first step is done nothing can be spoilt, so a single process stops at once: the first step may
        take minutes.
    should_stop
        The program's own wish, asked after each step on rank 0.

    Attributes
    ----------
    has_stopped
        Whether training ended because of an answer given here.
    """

    def __init__(
        self, ranks: Ranks = ALONE, state: TrainState | None = None, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._ranks, self._state, self._should_stop = ranks, state, should_stop
        self.has_stopped = False
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
            self.has_stopped = self.has_stopped or self._agree(is_asked=False)  # ranks that agreed do not meet again
            self._deliver()

    def __call__(self, state: TrainState, progress: float) -> bool:
        """Whether training stops after this step. A signal that came during the step is delivered now."""
        self.has_stopped = self._agree(is_asked=self._ranks.is_first and self._should_stop())
        return self.has_stopped

    def _note(self, number: int, frame: FrameType | None) -> None:
        is_fresh = self._state is not None and self._state.step == 0 and self._ranks.world == 1
        if self._came is None and not is_fresh:
            self._came = number
        elif self._ranks.world > 1:  # the others wait for this rank in the middle of a step, and will not get it
            raise RankError("Stopped at once, in the middle of a step. The last checkpoint stands: go on with --resume.")
        else:
            self._before[number](number, frame)

    def _agree(self, *, is_asked: bool) -> bool:
        """Whether all ranks stop. Gives a signal that came to the program's handler, which usually raises."""
        # A single process leaves it to its handler whether a signal ends training. Other ranks cannot see what it raises.
        stops = self._ranks.any(is_asked or (self._came is not None and self._ranks.world > 1))
        if stops or self._ranks.world == 1:  # one that came since the ranks agreed waits for the next step
            self._deliver()
        return stops

    def _deliver(self) -> None:
        came, self._came = self._came, None
        if came is not None:
            self._before[came](came, None)
