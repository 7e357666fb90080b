"""The building blocks of Fig. 1: double convolution, up-convolution, crop, and the initial weights.

A kernel of two lengths makes a layer for planes (B, C, H, W), one of three a layer for volumes (B, C, D, H, W).
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.nets.normalisation import BatchNormalisation

Normalisation = Literal["none", "batch"]
"""What stands between a 3x3 convolution and its ReLU."""


class DoubleConvolution(nn.Sequential):
    """Two 3x3 valid convolutions, each followed by a ReLU: (B, C, H, W) -> (B, width, H - 4, W - 4).

    Parameters
    ----------
    in_channels, width
        Features of the input and of the result.
    normalisation
        What stands before each ReLU.
    kernel
        Of both convolutions, one length an axis; (3, 3, 3) for volumes, (1, 3, 3) where their planes stay apart.
    inner
        Features between the two convolutions; None: ``width``.

    Source: paper, section 2.

    Departs: with ``batch``, a batch normalisation stands before each ReLU. Its offset takes the place of the bias.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        normalisation: Normalisation = "none",
        kernel: tuple[int, ...] = (3, 3),
        inner: int | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        between = width if inner is None else inner
        for channels, features in ((in_channels, between), (between, width)):
            if normalisation == "batch":
                layers += [convolution(channels, features, kernel, bias=False), BatchNormalisation(features)]
            else:
                layers.append(convolution(channels, features, kernel))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


def convolution(in_channels: int, width: int, kernel: tuple[int, ...], *, bias: bool = True) -> "Convolution":
    """Return a valid convolution."""
    layer: type[Any] = nn.Conv3d if len(kernel) == 3 else nn.Conv2d
    made: Convolution = layer(in_channels, width, kernel, bias=bias)
    return made


def max_pooling(factors: tuple[int, ...]) -> nn.MaxPool2d | nn.MaxPool3d:
    """Return a max-pooling over windows of ``factors`` px that do not overlap; those of planes are always 2x2."""
    return nn.MaxPool3d(factors, factors) if len(factors) == 3 else nn.MaxPool2d(kernel_size=2, stride=2)


def contracting_path(in_channels: int, widths: Sequence[int], normalisation: Normalisation = "none") -> nn.ModuleList:
    """Return the double convolutions of the contracting path, one per level, from the image down to the bottom."""
    before = [in_channels, *widths[:-1]]
    return nn.ModuleList(DoubleConvolution(b, width, normalisation) for b, width in zip(before, widths, strict=True))


class UpConvolution(nn.ConvTranspose2d):
    """Upsampling and a 2x2 convolution that halves the channels: (B, C, H, W) -> (B, C / 2, 2 H, 2 W).

    ``width`` is another number of features than the half, for the network of the release.

    Source: paper, section 2.
    """

    def __init__(self, in_channels: int, width: int | None = None, *, bias: bool = True) -> None:
        super().__init__(in_channels, in_channels // 2 if width is None else width, kernel_size=2, stride=2, bias=bias)


class VolumeUpConvolution(nn.ConvTranspose3d):
    """The same for volumes: each axis grows by its factor, 1 along the planes of a flat level.

    Source: Cicek et al. 2016, section 2.
    """

    def __init__(self, in_channels: int, width: int, factors: tuple[int, int, int], *, bias: bool = True) -> None:
        super().__init__(in_channels, width, kernel_size=factors, stride=factors, bias=bias)


def make_up_convolution(in_channels: int, width: int, factors: tuple[int, ...], *, bias: bool = True) -> nn.Module:
    """Return an up-convolution with as many axes as ``factors``; those of planes are always 2."""
    if len(factors) == 3:
        return VolumeUpConvolution(in_channels, width, (factors[0], factors[1], factors[2]), bias=bias)
    return UpConvolution(in_channels, width, bias=bias)


def crop(features: Float[Tensor, "batch channel *space"], *lengths: int) -> Float[Tensor, "batch channel *smaller"]:
    """Return the centre of a feature map, one length an axis: the "copy and crop" of Fig. 1."""
    for axis, length in enumerate(lengths, start=2):
        features = features.narrow(axis, (features.shape[axis] - length) // 2, length)
    return features


Convolution = nn.Conv2d | nn.Conv3d
TransposedConvolution = nn.ConvTranspose2d | nn.ConvTranspose3d


def incoming_nodes(layer: Convolution | TransposedConvolution) -> int:
    """Return N of the paper's initialisation: the number of inputs that one output neuron of this layer sees.

    A 3x3 convolution of 64 channels has N = 9 * 64 = 576. A 2x2 up-convolution of stride 2 spreads each input over four
    outputs, so each output sees one input pixel only: N is the number of channels, not four times that.
    """
    per_channel = math.prod(layer.kernel_size)
    if isinstance(layer, TransposedConvolution):
        per_channel //= math.prod(layer.stride)
    return layer.in_channels // layer.groups * per_channel


def draw_weights(net: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw the weights of every convolution from N(0, sqrt(2 / N)), where N is its incoming nodes; set biases to 0.

    Each feature map then starts with about unit variance. Source: paper, section 3.
    """
    for layer in net.modules():
        if isinstance(layer, Convolution | TransposedConvolution):
            if layer.weight.is_meta:
                continue  # a file will fill it, and drawing on "meta" would import PyTorch's compiler
            deviation = math.sqrt(2 / incoming_nodes(layer))
            nn.init.normal_(layer.weight, 0.0, deviation, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
