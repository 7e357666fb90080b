"""Training that went wrong, told by its likely reason and the setting that mends it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from unseam.errors import TrainingError
from unseam.training.state import TrainState


def advise_slower(state: TrainState) -> str:
    """Return the setting for a learning rate ten times smaller than this run's, and the one that shortens gradients."""
    rate = state.optimiser.defaults["lr"] / 10
    return (
        f"a learning rate ten times smaller (--set optimiser.learning_rate={rate:.3g}), or shorter gradients "
        "(--set training.clip_norm=1.0)"
    )


def not_finite_error(state: TrainState, step: int) -> TrainingError:
    """The error for many steps in a row, up to ``step``, that had no finite energy or gradient."""
    said = (
        f"Training diverged: {state.skipped} steps in a row, up to step {step}, gave an energy or a gradient that is not "
        "finite; none of them was applied. "
    )
    if state.skipped > step:
        return TrainingError(
            f"{said}It was so from the first step on, so the reason is not what was learnt: grey values far beyond those of "
            "other images, class weights that are too large, or half precision (--set training.precision=float32)."
        )
    return TrainingError(f"{said}The steps before were too large. Try {advise_slower(state)}.")


def check_finite(state: TrainState) -> None:
    """See that no weight, and nothing that the optimiser remembers, is infinite or no number, before any of it is kept.

    A step can be finite and yet carry a weight beyond what 32 bits hold.

    Raises
    ------
    TrainingError
        If one is; names the first.
    """
    for name, numbers in _all_numbers(state):
        if not bool(torch.isfinite(numbers).all()):
            raise TrainingError(
                f"Training diverged: at step {state.step} {name} holds a number that is not finite. Nothing of this step was "
                f"kept. The steps before were too large. Try {advise_slower(state)}."
            )


def _all_numbers(state: TrainState) -> Iterator[tuple[str, Tensor]]:
    for name, weight in state.net.state_dict().items():
        yield f"the weight {name}", weight
    for memory in state.optimiser.state.values():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                yield f"the optimiser's {name}", value
