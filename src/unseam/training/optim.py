"""How weights move: the optimisers that settings can name, and the learning rate over a run."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from unseam.settings import check_range


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with a high momentum, so that many of the samples seen before share in an update.

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
        """The optimiser over a network's weights."""
        return torch.optim.SGD(
            net.parameters(),
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            fused=True,
        )


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): what the default recipe trains with."""

    learning_rate: float = 1e-3
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        check_range("adam_w", "learning_rate", self.learning_rate, 0.0, 1e3)
        check_range("adam_w", "weight_decay", self.weight_decay, 0.0, 1.0)

    def build(self, net: nn.Module) -> torch.optim.Optimizer:
        """The optimiser over a network's weights."""
        return torch.optim.AdamW(
            net.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )


Optimiser = SGD | AdamW
"""The closed list: every optimiser that settings can name."""


@dataclass(frozen=True)
class Schedule:
    """Factor on the learning rate: a linear warm-up, then constant or down to zero along half a cosine.

    Attributes
    ----------
    warm_up
        Share of the run over which the rate rises from 0.
    decay
        Whether it falls to 0 at the end.
    """

    warm_up: float = 0.05
    decay: bool = True

    def __post_init__(self) -> None:
        check_range("schedule", "warm_up", self.warm_up, 0.0, 1.0)

    def factor(self, progress: float) -> float:
        """The factor at ``progress`` in [0, 1] of the run."""
        if progress < self.warm_up:
            return min(1.0, max(progress, 1e-3) / self.warm_up)
        if not self.decay or self.warm_up >= 1:
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - self.warm_up) / (1 - self.warm_up))))
