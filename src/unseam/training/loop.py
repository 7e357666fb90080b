"""The training loop: one page (paper, section 3)."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from unseam.training.optim import step_if
from unseam.training.outcome import OutcomeQueue, measure_outcome, record_outcome
from unseam.training.ranks import keep_random_state
from unseam.training.state import Batch, Observer, Plan, TrainState, monotonic


def train_network(
    state: TrainState,
    batches: Iterator[Batch],
    energy_of: Callable[..., torch.Tensor],
    plan: Plan,
    observers: Sequence[Observer] = (),
    stop: Callable[[TrainState, float], bool] = lambda *_: False,
) -> TrainState:
    """Train until the budget is used up or ``stop`` returns True. Only ``state`` changes.

    Parameters
    ----------
    state
        Where to begin. It is changed in place and returned.
    batches
        Yields the batch of each step from ``state.step`` on, as a function of (seed, step) alone. With several ranks: this
        rank's part of it.
    energy_of
        ``(logits, classes, weights, *further targets) -> energy``, Eq. 1: a mean over annotated pixels.
    plan
        Budget, learning rate, precision, ranks.
    observers
        Called in order after each step; they only read. On a GPU the energy that they read is that of the previous step.
    stop
        ``(state, progress) -> bool``: whether training ends now. Asked after each step, after the observers. With several
        ranks the answer must be the same everywhere.

    Raises
    ------
    TrainingError
        If 20 steps in a row gave no finite energy or gradient (on a GPU this shows one step later). The weights are then
        still the last good ones.
    """
    net, optimiser, ranks = state.net, state.optimiser, plan.ranks
    forward = ranks.wrap(net)
    started = monotonic() - state.seconds
    outcomes = OutcomeQueue(late=0 if plan.device.type == "cpu" else 1)
    with keep_random_state(plan.device):  # drop-out draws from the global generator; restore it afterwards
        while (progress := ranks.same(plan.budget.progress(state.step, monotonic() - started))) < 1:
            batch = next(batches)
            torch.manual_seed(ranks.seed_of(plan.seed, state.step))
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * plan.schedule.factor(progress)
            net.train()
            plan.before_step(progress)
            batch = batch.on(plan.device)
            with torch.autocast(plan.device.type, state.dtype, enabled=state.dtype != torch.float32):
                logits = forward(batch.images)
            energy = ranks.share(energy_of(logits.float(), batch.classes, batch.weights, *batch.planes), batch.classes)
            optimiser.zero_grad(set_to_none=True)
            energy.backward()
            norm = _norm(net, plan.clip_norm)
            is_finite = torch.isfinite(norm) & torch.isfinite(energy)
            outcome = measure_outcome(state.step, plan.classes_of(logits.detach()), energy, is_finite, ranks)

            step_if(outcome.is_finite, optimiser)
            if state.averaged is not None:
                state.averaged.update(net, state.step)
            for arrived in outcomes.send(outcome):
                record_outcome(state, arrived)
            state.step += 1
            state.seconds = monotonic() - started
            progress = plan.budget.progress(state.step, state.seconds)
            for observer in observers:
                observer(state, progress)
            if stop(state, progress):
                break
    for arrived in outcomes.rest():
        record_outcome(state, arrived)
    return state


def _norm(net: nn.Module, clip_norm: float | None) -> torch.Tensor:
    """Return the length of the gradient, and shorten the gradient to ``clip_norm`` if that is set."""
    if clip_norm:
        return nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
    return nn.utils.get_total_norm([weight.grad for weight in net.parameters() if weight.grad is not None])
