"""Validation during training: scores the network at equal parts of the budget and keeps the best weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from unseam.errors import TrainingError
from unseam.training.diverged import advise_slower, check_finite
from unseam.training.state import TrainState

_FLAT = 0.05  # an energy whose relative change is smaller counts as constant
_RISEN = 10.0  # training diverged if the energy is this many times the lowest
_ENOUGH_STEPS = 5  # a record of fewer says nothing about the energy
_AS_GOOD = 0.01  # scores that differ by less are equal, and the later weights are kept: they have learnt for longer
_LOW = 0.02  # a lower energy counts as this one, because near 0 a little noise is a large factor


@dataclass(frozen=True)
class ValidationScore:
    """The score of one step's weights, in the precision of training: ``value`` from 0 to 1, more is better.

    ``foreground`` is the share of the held-out pixels that the network classified as anything but background.
    """

    value: float
    foreground: float


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes
    ----------
    energy
        Mean over the steps since the last line.
    score, foreground
        See :class:`ValidationScore`; NaN if nothing was held out.
    foreground_in_training
        Share of foreground in the predictions of all batches since the last line; NaN if it was not measured.
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
        Scores a network. None: nothing is held out, records have no score, and the last weights count as best.
    times
        Number of validations in a run.
    on_record
        Called with each new record.

    Attributes
    ----------
    best_weights, best
        The last weights with the highest score or one that is hardly lower (with an average: the averaged ones), on the CPU,
        and their record.
    energies, foregrounds
        The values of each step since the last record. The next record holds their means.
    """

    def __init__(
        self,
        score_of: Callable[[TrainState], ValidationScore] | None,
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
        """Wait for the next part of the budget, so that a resumed run validates at the same steps as an uninterrupted one."""
        self._next = (math.floor(progress * self.times + 1e-9) + 1) / self.times

    def __call__(self, state: TrainState, progress: float) -> None:
        if math.isfinite(state.energy):
            self.energies.append(state.energy)
            self.foregrounds.append(state.foreground)
        if progress < self._next and progress < 1:
            return
        self.begin(progress)
        self.record(state)

    def record(self, state: TrainState) -> Record:
        """Score the network now, and keep its weights if they are the best so far; TrainingError if one is not finite."""
        check_finite(state)
        score = self.score_of(state) if self.score_of is not None else ValidationScore(math.nan, math.nan)
        energy, foreground = _mean(self.energies), _mean(self.foregrounds)
        self.energies.clear()
        self.foregrounds.clear()
        record = Record(state.step, state.seconds, energy, score.value, score.foreground, foreground)
        self.records.append(record)
        highest = max((r.score for r in self.records), default=math.nan)
        if self.best is None or not score.value < highest - _AS_GOOD:  # NaN, without a score: the last is best
            self.best = record
            self.best_weights = {name: w.detach().cpu().clone() for name, w in state.judged.state_dict().items()}
        if self.on_record is not None:
            self.on_record(state, record)
        return record

    def doubt_of(self, kept: Record | None, state: TrainState) -> str:
        """Return a warning if the network that is kept predicts one class everywhere; otherwise an empty string."""
        share = math.nan if kept is None else kept.foreground_in_training if math.isnan(kept.foreground) else kept.foreground
        if share not in (0, 1):
            return ""
        return (
            "the network learnt nothing: it gives one class to all pixels. Train for longer, or check that images and masks "
            "belong together. If the energy does not fall, try another seed (--set training.seed=1), "
            f"{advise_slower(state)}"
        )

    def check_learning(self, state: TrainState, progress: float) -> None:
        """Raise TrainingError after a record if the energy has risen far, or one class has filled all pixels for long."""
        if progress < 1 and self.records and self.records[-1].step == state.step:
            self._check_energy(state)
            self._check_classes(state)

    def _check_classes(self, state: TrainState) -> None:
        """Notice dead ReLUs: such a network predicts one class for ever at a constant energy, without any NaN.

        Every batch must show it. What is held out may be of one class itself, or unlike the training images.
        """
        a_third = max(4, self.times // 3)
        recent = self.records[-a_third:]
        if len(recent) < a_third or not _is_one_class(recent):
            return
        energies = [r.energy for r in recent]
        if energies[-1] < 0.7 * self.records[0].energy:
            return  # the energy has fallen, so the network has learnt
        if max(energies) - min(energies) < _FLAT * max(energies):
            raise TrainingError(
                f"Training makes no progress: since step {recent[0].step} the network gives one class to all pixels, and the "
                f"energy stays at {energies[-1]:.3f} (guessing between two classes gives {math.log(2):.2f}). Check that images "
                f"and masks belong together; then try another seed (--set training.seed=1), {advise_slower(state)}."
            )

    def _check_energy(self, state: TrainState) -> None:
        """Notice that the network forgets: its energy is far above the lowest, twice in a row."""
        starts = [0, *(record.step for record in self.records)]
        lengths = [record.step - start for start, record in zip(starts, self.records, strict=False)]
        # A crop without objects has hardly any energy: the mean of a few steps may be one such crop.
        energies = [r.energy for r, steps in zip(self.records, lengths, strict=True) if steps >= _ENOUGH_STEPS]
        energies = [energy for energy in energies if math.isfinite(energy)]
        if len(energies) < 3:
            return
        lowest = min(energies[:-2])
        if min(energies[-2:]) > _RISEN * max(lowest, _LOW):
            raise TrainingError(
                f"Training diverged: the energy rose from {lowest:.3g} to {energies[-1]:.3g} at step {state.step}. The steps "
                f"were too large. Try {advise_slower(state)}."
            )


def _is_one_class(records: Sequence[Record]) -> bool:
    """Whether the network gave one class to all pixels of all batches, and of the held-out parts if there are any."""
    shares = [r.foreground_in_training for r in records] + [r.foreground for r in records if not math.isnan(r.foreground)]
    return all(share in (0, 1) for share in shares)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
