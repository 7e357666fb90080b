"""What training changes, which a checkpoint must hold, and what is fixed before the first step."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from unseam.errors import SettingsError
from unseam.machine.channels_last import channels_last
from unseam.settings import check_range
from unseam.training.average import AveragedWeights
from unseam.training.optim import Schedule
from unseam.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Batch:
    """Training crops: images (B, C, H, W); classes, w(x) and further targets (B, h, w) in the smaller frame of the output."""

    images: Float[Tensor, "batch channel height width"]
    classes: UInt8[Tensor, "batch rows cols"]
    weights: Float[Tensor, "batch rows cols"]
    planes: tuple[Float[Tensor, "batch rows cols"], ...] = ()

    def on(self, device: torch.device) -> "Batch":
        """Copy the batch to a device, the images with their channels last in memory."""
        parts: tuple[Tensor, ...] = (self.images, self.classes, self.weights, *self.planes)
        if device.type == "cuda":
            # A GPU copies from pinned memory while the host continues; with other memory the host waits for the copy.
            parts = tuple(part.pin_memory() for part in parts)
        images, classes, weights, *planes = (part.to(device, non_blocking=True) for part in parts)
        return Batch(images.contiguous(memory_format=channels_last(images.dim() - 2)), classes, weights, tuple(planes))


@dataclass
class TrainState:
    """What one step of training changes.

    On a GPU the last three values are those of the previous step, so that the host need not wait for the current one.

    Attributes
    ----------
    step
        Number of finished steps.
    seconds
        Training time so far, all sessions together.
    energy
        Energy of the last batch.
    foreground
        Share of the pixels of the last batch that the network classified as anything but background.
    skipped
        Steps in a row that were not applied, because their energy or gradient was not finite.
    precision
        Number format of the convolutions, settled when the run begins; empty before. It stays when another machine continues
        the run. Weights are float32.
    averaged
        The running average of the weights; None: none is kept.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    energy: float = field(default=float("nan"))
    foreground: float = field(default=float("nan"))
    skipped: int = 0
    precision: str = ""
    averaged: AveragedWeights | None = None

    @property
    def judged(self) -> nn.Module:
        """The network that is scored and kept: that of the averaged weights, if there is an average."""
        return self.net if self.averaged is None else self.averaged.net

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the convolutions."""
        return torch.bfloat16 if self.precision == "bfloat16" else torch.float32


@dataclass(frozen=True)
class Budget:
    """When training ends: after a number of steps or of minutes; with both, at whichever limit comes first."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise SettingsError("Training has a limit of neither steps nor minutes, so it would never end. Give one of them.")
        if self.steps is not None:
            check_range("training", "steps", self.steps, 1, 10**9)
        if self.minutes is not None:
            check_range("training", "minutes", self.minutes, 1e-3, 10**6)

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the budget that is used up, 0 to 1 and beyond."""
        by_steps = step / self.steps if self.steps is not None else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes is not None else 0.0
        return max(by_steps, by_time)


@dataclass(frozen=True)
class Plan:
    """How a network is trained, fixed before the first step.

    Attributes
    ----------
    clip_norm
        Longer gradients are shortened to this length; None: never.
    before_step
        Called before each step with the share of the budget that is used up. A network may compute in another way from there.
    seed
        Determines drop-out, together with the step and the rank.
    classes_of
        Chooses the class (B, H, W) of each pixel from the logits; 0 is background.
    """

    budget: Budget
    schedule: Schedule
    learning_rate: float
    clip_norm: float | None
    device: torch.device
    seed: int
    classes_of: Callable[[Tensor], Tensor]
    ranks: Ranks = ALONE
    before_step: Callable[[float], None] = lambda _: None


@runtime_checkable
class Observer(Protocol):
    """A function that training calls after each step. It reads the state and never changes it."""

    def __call__(self, state: TrainState, progress: float) -> None: ...


Clock = Callable[[], float]
"""A clock that only goes forward, in seconds."""

monotonic: Clock = time.monotonic
