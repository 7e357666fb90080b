"""The running average of the weights: it is scored and kept in place of the last weights, which jump from step to step."""

import copy

import torch
from torch import nn


class AveragedWeights:
    """An exponential moving average of all weights and stored statistics of a network (Polyak and Juditsky 1992).

    Parameters
    ----------
    net
        The network that is trained; it stays as it is.
    decay
        Share of the average that a step keeps. The first steps keep less, (1 + t) / (10 + t) at step t, so that the average
        forgets the drawn weights, and a short run is averaged over about its last tenth.

    Attributes
    ----------
    net
        A copy of the network, with the averaged weights.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move the average towards the weights that step ``step``, from 0, made. The step alone decides how far."""
        kept = min(self.decay, (1 + step) / (10 + step))
        pairs = list(zip(self.net.state_dict().values(), net.state_dict().values(), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floats], [new for _, new in floats], 1 - kept)
        for mean, new in pairs:
            if not mean.is_floating_point():  # a count, for example
                mean.copy_(new)
