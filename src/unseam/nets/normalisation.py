"""Batch normalisation: each feature is shifted and scaled to mean 0 and variance 1, then by two numbers that it learns.

A training step takes mean and variance from its batch; prediction takes stored ones, so that no tile is normalised by what it
happens to show. Stored statistics make the layer a constant factor and offset, and :func:`unseam.nets.folded` moves both
into the convolution before it.

A batch of one crop is normalised by that crop alone: differences of light and contrast vanish before the network sees them, and
in prediction they are there. So training may go on with the stored statistics (:func:`set_fixed`), as in prediction.

Source: Ioffe and Szegedy 2015. Not in the paper, which has no normalisation.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

EPSILON = 1e-5
"""Added to the variance, so that a feature that is constant over the batch is not divided by 0."""


class BatchNormalisation(nn.Module):
    """Normalise a map (B, C, H, W), or one of a volume, by its batch in training, and by the stored statistics in evaluation.

    Attributes
    ----------
    momentum
        Share of each new batch in the stored statistics. The first batches have more, 1, 1/2, 1/3, ..., so that the start
        (mean 0, variance 1) leaves no trace.
    weight, bias
        What each feature is multiplied by and raised by after normalisation; both are learnt.
    is_fixed
        Whether training, too, takes the stored statistics. They no longer change then.
    mean, variance, num_batches
        The stored statistics, and the number of batches in them.
    """

    mean: Tensor
    variance: Tensor
    num_batches: Tensor

    def __init__(self, width: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.is_fixed = False
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))
        # A float: no number of a state has to be treated apart, and it may be averaged with the weights.
        self.register_buffer("num_batches", torch.zeros(()))

    def forward(self, features: Float[Tensor, "batch channel *space"]) -> Float[Tensor, "batch channel *space"]:
        if not self.training or self.is_fixed:
            return F.batch_norm(features, self.mean, self.variance, self.weight, self.bias, eps=EPSILON)
        # PyTorch writes the statistics of the batch into these two. Its own average cannot begin with large shares.
        mean, variance = torch.zeros_like(self.mean), torch.ones_like(self.variance)
        normalised = F.batch_norm(features, mean, variance, self.weight, self.bias, training=True, momentum=1.0, eps=EPSILON)
        self.remember(mean, variance)
        return normalised

    @torch.no_grad()
    def remember(self, mean: Float[Tensor, " channel"], variance: Float[Tensor, " channel"]) -> None:
        """Add the statistics of a batch to the stored ones. If they are not finite, the stored ones stay as they are."""
        # By tensors alone: on a GPU the host would wait for the answer of an "if".
        is_finite = torch.isfinite(mean).all() & torch.isfinite(variance).all()
        self.num_batches += is_finite
        share = (1 / self.num_batches).clamp_(self.momentum, 1.0)
        for stored, new in ((self.mean, mean), (self.variance, variance)):
            stored.lerp_(torch.where(is_finite, new, stored), share)


def set_momentum(net: nn.Module, momentum: float) -> None:
    """Set the share of each new batch in all stored statistics of a network."""
    for layer in normalisations(net):
        layer.momentum = momentum


def set_fixed(net: nn.Module, *, is_fixed: bool) -> None:
    """Set whether training takes the stored statistics of a network instead of those of its batch."""
    for layer in normalisations(net):
        layer.is_fixed = is_fixed


def normalisations(net: nn.Module) -> list[BatchNormalisation]:
    """Return the batch normalisations of a network, in order."""
    return [layer for layer in net.modules() if isinstance(layer, BatchNormalisation)]


@torch.no_grad()
def recompute_statistics(net: nn.Module, batches: Iterable[Float[Tensor, "batch channel *space"]]) -> None:
    """Replace all stored statistics by the mean of those of some batches; the network is then in evaluation mode.

    The stored ones are of weights that have changed since, and the weights that are kept may be an average. Drop-out is off,
    as in prediction: it would raise the variance of the maps after it.
    """
    net.eval()
    layers = normalisations(net)
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.train()
        layer.num_batches.zero_()
        layer.momentum = 0.0  # all batches count alike
    try:
        for images in batches:
            net(images)
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.eval()
            layer.momentum = momentum
