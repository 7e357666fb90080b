"""What the trainer does next: answer, predict, train, in this order of right."""

from dataclasses import dataclass
from enum import Enum, auto

from unseam.annotate.live.on_screen import Box

FREE_SECONDS, FREE_STEPS = 20.0, 150
"""Pictures may jump until this time and this number of steps: the first ones are wrong, and a better one is welcome at
once. On a busy machine, 20 s are few steps, and a picture of so few is not worth keeping."""

REST_SECONDS = 180.0
"""Without a stroke for so long, learning stops until the next one."""

_FIRST_STEP = 25  # the picture of fewer steps shows nothing
_LEAST_STEPS, _LEAST_SECONDS = 10, 1.5  # between two pictures of one window
_SHARE = 0.4  # of the time that predictions of a window may take, as long as it stays
_POINTER_SECONDS = 2.0


class Work(Enum):
    """One thing to do."""

    LOOK = auto()
    """Predict the window that came into view, with the weights on screen."""
    RENEW = auto()
    """Predict the window with newer weights."""
    LEARN = auto()
    """Take a step."""
    REST = auto()
    """Wait for a message."""


@dataclass(frozen=True)
class Situation:
    """What the decision needs to know besides the time.

    Attributes
    ----------
    step, step_on_screen
        Of the newest weights, and of those on screen (None: there is no picture yet).
    is_current
        Whether the picture on screen is that of the window in view.
    """

    can_learn: bool
    step: int
    step_on_screen: int | None
    is_current: bool


@dataclass
class Pace:
    """Decides by the clock; times are seconds of one clock."""

    view: tuple[int, Box] | None = None
    is_down: bool = False
    is_paused: bool = False
    last_stroke: float | None = None
    first_step: float | None = None
    last_moved: float = -1e9
    shown: float = -1e9
    free_again: float = -1e9

    def note_view(self, now: float, view: tuple[int, Box], *, is_down: bool) -> None:
        """The user looks at a window; ``is_down``: the pointer is pressed."""
        self.view, self.is_down, self.last_moved = view, is_down, now

    def note_stroke(self, now: float) -> None:
        """Something was painted."""
        self.last_stroke = self.last_moved = now

    def note_picture(self, started: float, now: float) -> None:
        """A window was predicted."""
        self.shown = now
        self.free_again = now + (now - started) * (1 / _SHARE - 1)

    def note_step(self, now: float) -> None:
        """A step was taken."""
        self.first_step = now if self.first_step is None else self.first_step

    def may_jump(self, now: float, step: int) -> bool:
        """Whether the next picture, of the weights of this step, may differ from this one as it likes."""
        return self.first_step is None or now - self.first_step < FREE_SECONDS or step < FREE_STEPS

    def is_resting(self, now: float) -> bool:
        """Whether nothing was painted for so long that learning waits."""
        return self.last_stroke is None or now - self.last_stroke > REST_SECONDS

    def is_pointer_busy(self, now: float) -> bool:
        """Whether the pointer moved just now: one thread must then be enough."""
        return self.is_down or now - self.last_moved < _POINTER_SECONDS

    def next(self, now: float, facts: Situation) -> Work:
        """Choose."""
        # Nothing is swapped under a pointer that is down: the user would aim at what is gone.
        if self.view is not None and not self.is_down and facts.step >= _FIRST_STEP:
            if not facts.is_current and facts.step_on_screen is not None:
                return Work.LOOK
            is_old = facts.step_on_screen is None or facts.step - facts.step_on_screen >= _LEAST_STEPS
            if is_old and now >= max(self.shown + _LEAST_SECONDS, self.free_again):
                return Work.RENEW
        return Work.LEARN if facts.can_learn and not self.is_paused and not self.is_resting(now) else Work.REST
