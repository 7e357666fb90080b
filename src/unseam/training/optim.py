"""Optimisers and learning-rate schedules: two closed lists and their members."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from unseam.settings import check_range
from unseam.training.muon import MuonAndAdam


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with a high momentum, so that many earlier samples determine each update.

    Source: paper, section 3: momentum 0.99. Departs: the paper gives no learning rate.
    """

    learning_rate: float = 1e-3
    momentum: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_range("sgd", "learning_rate", self.learning_rate, 0.0, 1e3)
        check_range("sgd", "momentum", self.momentum, 0.0, 0.9999)
        check_range("sgd", "weight_decay", self.weight_decay, 0.0, 1.0)

    def build(self, net: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(net.parameters(), self.learning_rate, self.momentum, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    learning_rate: float = 1e-3
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        check_range("adam_w", "learning_rate", self.learning_rate, 0.0, 1e3)
        check_range("adam_w", "weight_decay", self.weight_decay, 0.0, 1.0)

    def build(self, net: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(net.parameters(), self.learning_rate, weight_decay=self.weight_decay, fused=True)


@dataclass(frozen=True)
class Muon:
    """Kernels of convolutions move by orthogonal matrices (Jordan et al. 2024), all other numbers as in Adam.

    Attributes
    ----------
    learning_rate
        Length of a step of a kernel, as a share of an orthogonal one.
    of_others
        Learning rate of Adam, as a share of ``learning_rate``.
    """

    learning_rate: float = 0.02
    momentum: float = 0.95
    of_others: float = 0.05

    def __post_init__(self) -> None:
        check_range("muon", "learning_rate", self.learning_rate, 0.0, 1e3)
        check_range("muon", "momentum", self.momentum, 0.0, 0.9999)
        check_range("muon", "of_others", self.of_others, 0.0, 1e3)

    def build(self, net: nn.Module) -> torch.optim.Optimizer:
        return MuonAndAdam(net.parameters(), self.learning_rate, self.momentum, self.of_others)


Optimiser = SGD | AdamW | Muon
"""The closed list. A member has a ``learning_rate`` and ``build(net)``, which returns PyTorch's optimiser over the weights."""


def step_if(is_finite: Bool[Tensor, ""], optimiser: torch.optim.Optimizer) -> None:
    """Update the weights if ``is_finite``. On a GPU a fused optimiser reads the flag there, so the host does not wait."""
    if is_finite.device.type == "cpu":
        if is_finite:
            optimiser.step()
        return
    step_unless(~is_finite, optimiser)


def step_unless(is_bad: Bool[Tensor, ""], optimiser: torch.optim.Optimizer) -> None:
    """Update the weights unless ``is_bad``, a flag on their device. Only an optimiser that is not fused waits for it."""
    if not optimiser.defaults.get("fused"):
        if not is_bad:
            optimiser.step()
        return
    if isinstance(optimiser, torch.optim.SGD):
        # PyTorch creates the momentum in the first step and leaves it unset if that step is bad. Starting from 0 is the same.
        for group in optimiser.param_groups:
            for weight in group["params"] if group["momentum"] else ():
                if optimiser.state[weight].get("momentum_buffer") is None:
                    optimiser.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
    optimiser.found_inf = is_bad.float()  # type: ignore[attr-defined]
    optimiser.step()


@dataclass(frozen=True)
class Cosine:
    """The learning rate rises linearly over the share ``warm_up`` of the run; with ``decay`` it falls to 0 like a cosine."""

    warm_up: float = 0.05
    decay: bool = True

    def __post_init__(self) -> None:
        check_range("schedule", "warm_up", self.warm_up, 0.0, 1.0)

    def factor(self, progress: float) -> float:
        """Return the factor on the learning rate at ``progress`` in [0, 1] of the run."""
        if progress < self.warm_up:
            return min(1.0, max(progress, 1e-3) / self.warm_up)
        if not self.decay or self.warm_up >= 1:
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - self.warm_up) / (1 - self.warm_up))))


Schedule = Cosine
"""The closed list. A member has ``factor(progress)``, the factor on the learning rate."""
