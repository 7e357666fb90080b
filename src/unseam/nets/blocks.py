"""The building blocks of Fig. 1: double convolution, up-convolution, crop, and the initial weights."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.nets.normalisation import BatchNormalisation

Normalisation = Literal["none", "batch"]
"""What stands between a 3x3 convolution and its ReLU."""


class DoubleConvolution(nn.Sequential):
    """Two 3x3 valid convolutions, each followed by a ReLU: (B, C, H, W) -> (B, width, H - 4, W - 4).

    Source: paper, section 2.

    Departs: with ``batch``, a batch normalisation stands before each ReLU. Its offset takes the place of the bias.
    """

    def __init__(self, in_channels: int, width: int, normalisation: Normalisation = "none") -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, width):
            if normalisation == "batch":
                layers += [nn.Conv2d(channels, width, kernel_size=3, bias=False), BatchNormalisation(width)]
            else:
                layers.append(nn.Conv2d(channels, width, kernel_size=3))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


def contracting_path(in_channels: int, widths: Sequence[int], normalisation: Normalisation = "none") -> nn.ModuleList:
    """Return the double convolutions of the contracting path, one per level, from the image down to the bottom."""
    before = [in_channels, *widths[:-1]]
    return nn.ModuleList(DoubleConvolution(b, width, normalisation) for b, width in zip(before, widths, strict=True))


class UpConvolution(nn.ConvTranspose2d):
    """Upsampling and a 2x2 convolution that halves the channels: (B, C, H, W) -> (B, C / 2, 2 H, 2 W).

    ``width`` is another number of features than the half, for the network of the release.

    Source: paper, section 2.
    """

    def __init__(self, in_channels: int, width: int | None = None) -> None:
        super().__init__(in_channels, in_channels // 2 if width is None else width, kernel_size=2, stride=2)


def crop(
    features: Float[Tensor, "batch channel height width"], height: int, width: int
) -> Float[Tensor, "batch channel rows cols"]:
    """Return the central ``height`` x ``width`` px of a feature map: the "copy and crop" of Fig. 1."""
    top = (features.shape[-2] - height) // 2
    left = (features.shape[-1] - width) // 2
    return features[..., top : top + height, left : left + width]


def incoming_nodes(layer: nn.Conv2d | nn.ConvTranspose2d) -> int:
    """Return N of the paper's initialisation: the number of inputs that one output neuron of this layer sees.

    A 3x3 convolution of 64 channels has N = 9 * 64 = 576. A 2x2 up-convolution of stride 2 spreads each input over four
    outputs, so each output sees one input pixel only: N is the number of channels, not four times that.
    """
    per_channel = layer.kernel_size[0] * layer.kernel_size[1]
    if isinstance(layer, nn.ConvTranspose2d):
        per_channel //= layer.stride[0] * layer.stride[1]
    return layer.in_channels // layer.groups * per_channel


def draw_weights(net: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw the weights of every convolution from N(0, sqrt(2 / N)), where N is its incoming nodes; set biases to 0.

    Each feature map then starts with about unit variance. Source: paper, section 3.
    """
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            if layer.weight.is_meta:
                continue  # a file will fill it, and drawing on "meta" would import PyTorch's compiler
            deviation = math.sqrt(2 / incoming_nodes(layer))
            nn.init.normal_(layer.weight, 0.0, deviation, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
