"""What a caller may watch while a training runs."""

from collections.abc import Callable, Sequence

from unseam.metrics import Scores
from unseam.training import Observer, TrainState
from unseam.training.observers import Record


class Watch:
    """Who is told how training goes: nobody, unless a caller gives more than this.

    Attributes
    ----------
    tell
        Called with sentences.
    on_record
        Called with each validation.
    observers
        Called after each step.
    on_scores
        Called with the out-of-fold scores of a cross-validation.
    """

    def __init__(
        self,
        tell: Callable[[str], None] = lambda _: None,
        on_record: Callable[[TrainState, Record], None] = lambda *_: None,
        observers: Sequence[Observer] = (),
        on_scores: Callable[[Scores], None] = lambda _: None,
    ) -> None:
        self.tell = tell
        self.on_record = on_record
        self.observers = tuple(observers)
        self.on_scores = on_scores
