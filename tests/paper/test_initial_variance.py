"""Section 3: with weights from N(0, sqrt(2 / N)) each feature map starts with about unit variance.

Measured on the full network with white noise of unit variance. What the rule keeps is the mean square through a convolution
and its ReLU; the bounds say how nearly. Two things in the network raise it: a max-pooling takes the largest of four, and an
up-convolution has no ReLU that would halve it. So variances begin at 0.7, are 4 to 8 at the bottom and end at 6 to 17 (eight
seeds): one order of magnitude over all layers, where weights of half the variance leave a two-hundredth at the bottom.
"""

import math

import pytest
import torch
from torch import nn

from unseam.nets import UNet
from unseam.nets.blocks import incoming_nodes

SEEDS = [0, 1, 2]


class Measured:
    """Mean squares of what goes into each layer and of what comes out, and variances of feature maps."""

    def __init__(self, net: UNet) -> None:
        self.kept: list[float] = []
        """Mean square after convolution and ReLU, as a share of that before."""
        self.raised: list[float] = []
        """The same of up-convolutions."""
        self.pooled: list[float] = []
        """The same of max-poolings."""
        self.variances: list[float] = []
        """Of each map after its ReLU, in the order of the paper's figure."""
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
                layer.register_forward_hook(self._after_convolution)
            elif isinstance(layer, nn.ConvTranspose2d):
                layer.register_forward_hook(lambda _, args, out: self.raised.append(growth(args[0], out)))
            elif isinstance(layer, nn.MaxPool2d):
                layer.register_forward_hook(lambda _, args, out: self.pooled.append(growth(args[0], out)))
        with torch.inference_mode():
            self.logits = net(torch.randn(1, 1, 188, 188))

    def _after_convolution(self, _: nn.Module, args: tuple[torch.Tensor], out: torch.Tensor) -> None:
        rectified = out.clamp(min=0)
        self.kept.append(growth(args[0], rectified))
        self.variances.append(float(rectified.var()))


def growth(before: torch.Tensor, after: torch.Tensor) -> float:
    return float(after.square().mean() / before.square().mean())


@pytest.fixture(scope="module", params=SEEDS)
def measured(request):
    torch.manual_seed(request.param)
    return Measured(UNet().eval())


def test_every_convolution_keeps_the_mean_square(measured):
    assert len(measured.kept) == 18
    assert min(measured.kept) > 0.65
    assert max(measured.kept) < 1.6


def test_the_first_level_has_about_unit_variance(measured):
    """A rectified Gaussian of variance 2 has the mean square 1 and the variance 1 - 1 / pi = 0.68."""
    for variance in measured.variances[:2]:
        assert variance == pytest.approx(1 - 1 / math.pi, rel=0.35)


def test_every_level_stays_within_the_order_of_unit_variance(measured):
    assert len(measured.variances) == 18
    assert min(measured.variances) > 0.4
    assert max(measured.variances) < 30


def test_an_up_convolution_doubles_the_mean_square_for_want_of_a_relu(measured):
    assert measured.raised == pytest.approx([2.0] * 4, rel=0.25)


def test_max_pooling_raises_the_mean_square(measured):
    assert len(measured.pooled) == 4
    assert all(1 < factor < 3.5 for factor in measured.pooled)


def test_logits_start_small_enough_for_the_soft_max(measured):
    assert 0.1 < float(measured.logits.std()) < 30


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_half_or_twice_the_variance_of_the_weights_would_show(factor):
    """The control: the bounds above are not so generous that any weights pass."""
    torch.manual_seed(0)
    net = UNet(first_width=16).eval()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.weight.normal_(0, math.sqrt(factor * 2 / incoming_nodes(layer)))
    bottom = Measured(net).variances[9]
    assert bottom < 0.4 / 10 or bottom > 30 * 10
