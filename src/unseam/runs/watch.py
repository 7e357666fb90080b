"""The functions with which a caller watches and stops a training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unseam.metrics import Scores
from unseam.training import Observer, TrainState
from unseam.training.observers import Record


@dataclass
class Watch:
    """Functions that training calls. Each does nothing unless the caller gives another one.

    Attributes
    ----------
    tell
        Called with sentences for the user.
    on_record
        Called with each validation.
    observers
        Called after each step.
    on_scores
        Called with the out-of-fold scores of a cross-validation.
    should_stop
        Asked after each step. True ends training as Ctrl-C does: the best weights so far become the model.
    """

    tell: Callable[[str], None] = lambda _: None
    on_record: Callable[[TrainState, Record], None] = lambda *_: None
    observers: Sequence[Observer] = ()
    on_scores: Callable[[Scores], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False
