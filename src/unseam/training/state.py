"""Everything that changes while a network is trained; so, everything that a checkpoint must hold."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from unseam.errors import SettingsError
from unseam.settings import check_range
from unseam.training.optim import Schedule
from unseam.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Batch:
    """Training crops: images (B, C, H, W), and in the smaller frame of the output (B, h, w) classes, w(x), further targets."""

    images: Float[Tensor, "batch channel height width"]
    classes: UInt8[Tensor, "batch rows cols"]
    weights: Float[Tensor, "batch rows cols"]
    planes: tuple[Float[Tensor, "batch rows cols"], ...] = ()

    def on(self, device: torch.device) -> "Batch":
        """The same where it is to be computed, the image's channels last in memory.

        A GPU copies from pinned memory while the host goes on; from other memory the host would have to wait.
        """
        parts: tuple[Tensor, ...] = (self.images, self.classes, self.weights, *self.planes)
        if device.type == "cuda":
            parts = tuple(part.pin_memory() for part in parts)
        images, classes, weights, *planes = (part.to(device, non_blocking=True) for part in parts)
        return Batch(images.contiguous(memory_format=torch.channels_last), classes, weights, tuple(planes))


@dataclass
class TrainState:
    """What one step of training changes.

    Attributes
    ----------
    net, optimiser
        The weights, and what the optimiser remembers of them.
    step
        Updates done.
    seconds
        Time that training has taken so far, all its sessions together.
    energy
        Of the last batch.
    foreground
        Share of the pixels of the last batch that the network gave to any class but the background.
    skipped
        Steps in a row whose energy or gradient was not finite, and which were therefore not applied.

    On a GPU the last three are those of the step before: nobody waits for the numbers of the step that it is working on.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    energy: float = field(default=float("nan"))
    foreground: float = field(default=float("nan"))
    skipped: int = 0


@dataclass(frozen=True)
class Budget:
    """When training ends: after so many steps, or so many minutes, or whichever comes first."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise SettingsError("Training has neither steps nor minutes, so it would never end. Give one of them.")
        if self.steps is not None:
            check_range("training", "steps", self.steps, 1, 10**9)
        if self.minutes is not None:
            check_range("training", "minutes", self.minutes, 1e-3, 10**6)

    def progress(self, step: int, seconds: float) -> float:
        """Share of the budget that is used up, 0 to 1 and beyond."""
        by_steps = step / self.steps if self.steps is not None else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes is not None else 0.0
        return max(by_steps, by_time)


@dataclass(frozen=True)
class Plan:
    """How a network is trained: all of it fixed before the first step.

    Attributes
    ----------
    budget, schedule, learning_rate
        When it ends, and the learning rate until then.
    clip_norm
        Gradients longer than this are shortened to it; None: never.
    device, dtype
        Where, and in which number format the convolutions compute (weights stay float32).
    seed
        With the step, and the rank if there are several, it determines what drop-out drops.
    classes_of
        Chooses the class (B, H, W) of each pixel from the logits; 0 is background.
    ranks
        Which of the processes that train this network the present one is.
    """

    budget: Budget
    schedule: Schedule
    learning_rate: float
    clip_norm: float | None
    device: torch.device
    dtype: torch.dtype
    seed: int
    classes_of: Callable[[Tensor], Tensor]
    ranks: Ranks = ALONE


@runtime_checkable
class Observer(Protocol):
    """Called after each step: reads the state, and never steers."""

    def __call__(self, state: TrainState, progress: float) -> None:
        """``progress`` is the share of the budget used up so far."""
        ...


Clock = Callable[[], float]
"""A clock that only goes forward, in seconds."""

monotonic: Clock = time.monotonic
