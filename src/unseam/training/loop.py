"""The training loop: one page (paper, section 3)."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from unseam.errors import TrainingError
from unseam.training.state import Batch, Observer, Plan, TrainState, monotonic

_MOST_SKIPPED = 20


def train(
    state: TrainState,
    batches: Iterator[Batch],
    energy_of: Callable[..., torch.Tensor],
    plan: Plan,
    observers: Sequence[Observer] = (),
) -> TrainState:
    """Train until the budget is used up. All that changes is in the state.

    Parameters
    ----------
    state
        Where to begin; it is changed in place and returned.
    batches
        Yields the batch of each step, from ``state.step`` on; each a function of (seed, step) alone.
    energy_of
        ``(logits, classes, weights) -> energy``, Eq. 1.
    plan
        Budget, learning rate, precision.
    observers
        Called in order after each step.

    Raises
    ------
    TrainingError
        If 20 steps in a row gave no finite energy or gradient. The weights are then still the last good ones.
    """
    net, optimiser = state.net, state.optimiser
    started = monotonic() - state.seconds
    with torch.random.fork_rng():  # drop-out draws from the global generator; leave it as we found it
        while (progress := plan.budget.progress(state.step, monotonic() - started)) < 1:
            batch = next(batches)
            torch.manual_seed(plan.seed * 1_000_003 + state.step)
            for group in optimiser.param_groups:
                group["lr"] = plan.learning_rate * plan.schedule.factor(progress)

            net.train()
            images = batch.images.to(plan.device, memory_format=torch.channels_last, non_blocking=True)
            with torch.autocast(plan.device.type, plan.dtype, enabled=plan.dtype != torch.float32):
                logits = net(images)
            energy = energy_of(logits.float(), batch.classes.to(plan.device), batch.weights.to(plan.device))
            optimiser.zero_grad(set_to_none=True)
            energy.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), plan.clip_norm or float("inf"))

            state.energy = float(energy.detach())
            state.foreground = _foreground(logits.detach())
            if torch.isfinite(norm) and torch.isfinite(energy):
                optimiser.step()
                state.skipped = 0
            else:
                state.skipped += 1
                _stop_if_diverged(state)
            state.step += 1
            state.seconds = monotonic() - started
            for observer in observers:
                observer(state, plan.budget.progress(state.step, state.seconds))
    return state


def _foreground(logits: torch.Tensor) -> float:
    """Share of the pixels whose largest logit is not the background's; exactly 0 or 1 only if all are alike."""
    classes = logits.argmax(dim=1)
    return int(classes.count_nonzero()) / classes.numel()


def _stop_if_diverged(state: TrainState) -> None:
    if state.skipped >= _MOST_SKIPPED:
        raise TrainingError(
            f"Training diverged: {state.skipped} steps in a row, up to step {state.step}, gave an energy or a gradient "
            "that is not finite; none of them was applied. Try a learning rate ten times smaller "
            "(--set optimiser.adam_w.learning_rate=1e-4), or clip gradients (--set training.clip_norm=1.0)."
        )
