"""Validation during training: scores the network on what is held out at equal parts of the budget, keeps the best weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from unseam.errors import TrainingError
from unseam.training.diverged import check_finite, slower
from unseam.training.state import TrainState

_FLAT = 0.05  # an energy that moves less than that, of itself, stays where it is
_RISEN, _LOW = 10.0, 0.02  # times the lowest energy; one below is taken for that, for little noise is many times nothing


@dataclass(frozen=True)
class ValidationScore:
    """The validation of the weights of one step, in the precision of training; the finished model is scored elsewhere.

    Attributes
    ----------
    value
        0 to 1, more is better.
    foreground
        Share of the held-out pixels that were given to any class but the background.
    """

    value: float
    foreground: float


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes
    ----------
    step, seconds
        When.
    energy
        Mean of the steps since the last line.
    score, foreground
        The validation; NaN if nothing was held out.
    foreground_in_training
        Share of foreground in what the network made of all batches since the last line; NaN if it was not measured.
    """

    step: int
    seconds: float
    energy: float
    score: float
    foreground: float
    foreground_in_training: float = math.nan


class Validate:
    """Scores the network at equal parts of the budget.

    Parameters
    ----------
    score_of
        Scores a network; None if nothing was held out (the records then have no score, and the last weights are best).
    times
        How often in a run.
    on_record
        Called with each new record.

    Attributes
    ----------
    records
        Everything measured so far.
    best_weights, best
        The weights with the highest score, on the CPU, and their record.
    energies, foregrounds
        Of each step since the last record: what its energy and share of foreground will be the means of.
    """

    def __init__(
        self,
        score_of: Callable[[nn.Module], ValidationScore] | None,
        times: int,
        on_record: Callable[[TrainState, Record], None] | None = None,
    ) -> None:
        self.score_of = score_of
        self.times = times
        self.on_record = on_record
        self.records: list[Record] = []
        self.best: Record | None = None
        self.best_weights: dict[str, Tensor] | None = None
        self.energies: list[float] = []
        self.foregrounds: list[float] = []
        self.begin(0.0)

    def begin(self, progress: float) -> None:
        """Wait for the next part of the budget: a run that goes on is judged as it would have been without a break."""
        self._next = (math.floor(progress * self.times + 1e-9) + 1) / self.times

    def __call__(self, state: TrainState, progress: float) -> None:
        """Record, if the next part of the budget is reached."""
        if math.isfinite(state.energy):
            self.energies.append(state.energy)
            self.foregrounds.append(state.foreground)
        if progress < self._next and progress < 1:
            return
        self.begin(progress)
        self.record(state)

    def record(self, state: TrainState) -> Record:
        """Score the network now, and keep its weights if they are the best so far.

        Raises
        ------
        TrainingError
            If a weight is not finite: nothing of it is kept.
        """
        check_finite(state)
        score = self.score_of(state.net) if self.score_of is not None else ValidationScore(math.nan, math.nan)
        energy, foreground = _mean(self.energies), _mean(self.foregrounds)
        self.energies.clear()
        self.foregrounds.clear()
        record = Record(state.step, state.seconds, energy, score.value, score.foreground, foreground)
        self.records.append(record)
        if self.best is None or not score.value < self.best.score:  # without a score the last is best
            self.best = record
            self.best_weights = {name: w.detach().cpu().clone() for name, w in state.net.state_dict().items()}
        if self.on_record is not None:
            self.on_record(state, record)
        return record

    def doubt_of(self, kept: Record | None, state: TrainState) -> str:
        """What to tell of a network that gives one class to everything at the end; empty if it does not."""
        share = math.nan if kept is None else kept.foreground_in_training if math.isnan(kept.foreground) else kept.foreground
        if share not in (0, 1):
            return ""
        return (
            "the network learnt nothing: what is kept gives one class to all pixels. Train for longer, or check that images "
            f"and masks belong together; if the energy does not fall, try another seed (--set training.seed=1), {slower(state)}"
        )

    def check_learning(self, state: TrainState, progress: float) -> None:
        """See after a record that training still learns; whoever decides whether it goes on calls this.

        Raises
        ------
        TrainingError
            If the energy has risen far above its lowest, or if the network has given one class to all pixels for long.
        """
        if progress < 1 and self.records and self.records[-1].step == state.step:
            self._check_energy(state)
            self._check_classes(state)

    def _check_classes(self, state: TrainState) -> None:
        """A network whose ReLUs have died predicts one class for ever at a constant energy: no NaN gives it away.

        It must do so in every batch, not only on what is held out: that may be of one class, or unlike what was learnt.
        """
        a_third = max(4, self.times // 3)
        recent = self.records[-a_third:]
        if len(recent) < a_third or not _is_one_class(recent):
            return
        energies = [r.energy for r in recent]
        if energies[-1] < 0.7 * self.records[0].energy:
            return  # it has learnt
        if max(energies) - min(energies) < _FLAT * max(energies):
            raise TrainingError(
                f"Training makes no progress: since step {recent[0].step} the network gives one class to all pixels, and the "
                f"energy stays at {energies[-1]:.3f} (guessing between two classes gives {math.log(2):.2f}). Check that images "
                f"and masks belong together; then try another seed (--set training.seed=1), {slower(state)}."
            )

    def _check_energy(self, state: TrainState) -> None:
        """What was learnt is being lost: the energy is far above the lowest, twice in a row."""
        energies = [r.energy for r in self.records if math.isfinite(r.energy)]
        if len(energies) < 3:
            return
        lowest = min(energies[:-2])
        if min(energies[-2:]) > _RISEN * max(lowest, _LOW):
            raise TrainingError(
                f"Training diverged: the energy rose from {lowest:.3g} to {energies[-1]:.3g} at step {state.step}. The steps "
                f"were too large. Try {slower(state)}."
            )


def _is_one_class(records: Sequence[Record]) -> bool:
    """Whether one class was given to all pixels of all batches, and of what is held out if anything is."""
    shares = [r.foreground_in_training for r in records] + [r.foreground for r in records if not math.isnan(r.foreground)]
    return all(share in (0, 1) for share in shares)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
