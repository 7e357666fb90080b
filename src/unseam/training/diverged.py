"""Errors of a training that diverged: the likely reason, and the setting that helps."""

from collections.abc import Iterator

import torch
from torch import Tensor

from unseam.errors import TrainingError
from unseam.training.state import TrainState


def advise_slower(state: TrainState) -> str:
    """Return the setting for a learning rate ten times smaller than in this run, and the one that clips gradients."""
    rate = state.optimiser.defaults["lr"] / 10
    return (
        f"a learning rate ten times smaller (--set optimiser.learning_rate={rate:.3g}), or clipped gradients "
        "(--set training.clip_norm=1.0)"
    )


def not_finite_error(state: TrainState, step: int) -> TrainingError:
    """Return the error for many steps in a row, up to ``step``, without a finite energy or gradient."""
    happened = (
        f"Training diverged: {state.skipped} steps in a row, up to step {step}, gave an energy or a gradient that is not "
        "finite. None of them was applied. "
    )
    if state.skipped > step:
        return TrainingError(
            f"{happened}This began with the first step, so look for grey values beyond those of other images, class weights "
            "that are too large, or half precision (--set training.precision=float32)."
        )
    return TrainingError(f"{happened}The steps before were too large. Try {advise_slower(state)}.")


def check_finite(state: TrainState) -> None:
    """Raise TrainingError if a weight or a number of the optimiser is not finite, before any of it is kept.

    A step can be finite and still carry a weight beyond the range of 32 bits.
    """
    for name, numbers in _all_numbers(state):
        if not bool(torch.isfinite(numbers).all()):
            raise TrainingError(
                f"Training diverged: at step {state.step} {name} holds a number that is not finite. Nothing of this step is "
                f"kept. The steps before were too large. Try {advise_slower(state)}."
            )


def _all_numbers(state: TrainState) -> Iterator[tuple[str, Tensor]]:
    for name, weight in state.net.state_dict().items():
        yield f"the weight {name}", weight
    if state.averaged is not None:
        for name, weight in state.averaged.net.state_dict().items():
            yield f"the averaged weight {name}", weight
    for memory in state.optimiser.state.values():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                yield f"the optimiser's {name}", value
