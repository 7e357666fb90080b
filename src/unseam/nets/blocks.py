"""The bricks of Fig. 1: double convolution, up-convolution, copy and crop, and the Gaussian they start from."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.nets.gradients import by_hand, convolution_with_relu, pooled_and_copied, up_convolution


class DoubleConvolution(nn.Sequential):
    """Two 3x3 valid convolutions, each followed by a ReLU: (B, C, H, W) -> (B, width, H - 4, W - 4).

    Source: paper, section 2.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, width, kernel_size=3),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, kernel_size=3),
            nn.ReLU(inplace=True),
        )

    def forward(
        self, features_BCHW: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch features rows cols"]:
        """The four layers in turn; in training on a CPU with gradients written out by hand."""
        if not by_hand(self, features_BCHW):
            return super().forward(features_BCHW)
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                assert layer.bias is not None
                features_BCHW = convolution_with_relu(features_BCHW, layer.weight, layer.bias)
        return features_BCHW


def contracting_path(in_channels: int, widths: Sequence[int]) -> nn.ModuleList:
    """The double convolutions of the contracting path, one a level, from the image down to the bottom."""
    before = [in_channels, *widths[:-1]]
    return nn.ModuleList(DoubleConvolution(b, width) for b, width in zip(before, widths, strict=True))


def contract(
    features_BCHW: Float[Tensor, "batch channel height width"],
    path: nn.ModuleList,
    pool: nn.Module,
    drop: nn.Module,
    margins: Sequence[int] = (),
) -> list[Tensor]:
    """Walk down the contracting path: the map that each level copies across, from the first on, and the bottom's.

    Each copy is cropped by its level's ``margins`` px on every side; not at all without margins. Drop-out acts at the path's
    end: on the bottom, and on the level above it, on its way down and across.

    Source: paper, section 2; drop-out: section 3.1, and the authors' release for where exactly.
    """
    copied: list[Tensor] = []
    for level, double_convolution in enumerate(path):
        features_BCHW = double_convolution(features_BCHW)
        if level >= len(path) - 2:
            features_BCHW = drop(features_BCHW)
        if level < len(path) - 1:
            margin = margins[level] if margins else 0
            copy_BCHW, features_BCHW = copy_and_pool(features_BCHW, pool, margin)
            copied.append(copy_BCHW)
    return [*copied, features_BCHW]


def copy_and_pool(
    features_BCHW: Float[Tensor, "batch channel height width"], pool: nn.Module, margin: int
) -> tuple[Float[Tensor, "batch channel rows cols"], Float[Tensor, "batch channel half_rows half_cols"]]:
    """What goes across from a level, less ``margin`` px on each side, and what goes down."""
    if by_hand(pool, features_BCHW):
        pooled_BCHW, copied_BCHW = pooled_and_copied(features_BCHW, margin)
        return copied_BCHW, pooled_BCHW
    height, width = features_BCHW.shape[-2:]
    return crop(features_BCHW, height - 2 * margin, width - 2 * margin), pool(features_BCHW)


def copied_margins(depth: int) -> list[int]:
    """How much "copy and crop" takes from each side of every level's map, the first level's first.

    At half the resolution a map loses 2 px a side in each double convolution, before and after its own crop; the lowest
    level has one double convolution and no crop.

    >>> copied_margins(4)  # Fig. 1: 568 -> 392, 280 -> 200, 136 -> 104, 64 -> 56
    [88, 40, 16, 4]
    """
    margins = [4]
    while len(margins) < depth:
        margins.insert(0, 2 * (2 + margins[0] + 2))
    return margins


class UpConvolution(nn.ConvTranspose2d):
    """Upsampling and a 2x2 convolution that halves the channels: (B, C, H, W) -> (B, C / 2, 2 H, 2 W).

    Source: paper, section 2.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, in_channels // 2, kernel_size=2, stride=2)

    def forward(
        self, features_BCHW: Float[Tensor, "batch channel height width"], output_size: list[int] | None = None
    ) -> Float[Tensor, "batch half rows cols"]:
        """The raised map; in training on a CPU with gradients written out by hand."""
        if output_size is not None or not by_hand(self, features_BCHW):
            return super().forward(features_BCHW, output_size)
        assert self.bias is not None
        return up_convolution(features_BCHW, self.weight, self.bias)


def crop(
    features: Float[Tensor, "batch channel height width"], height: int, width: int
) -> Float[Tensor, "batch channel rows cols"]:
    """The central ``height`` x ``width`` px of a feature map: the "copy and crop" of Fig. 1."""
    top = (features.shape[-2] - height) // 2
    left = (features.shape[-1] - width) // 2
    return features[..., top : top + height, left : left + width]


def incoming_nodes(layer: nn.Conv2d | nn.ConvTranspose2d) -> int:
    """N of the paper's initialisation: how many inputs one output neuron of this layer sees.

    A 3x3 convolution after 64 channels has N = 9 * 64 = 576. A 2x2 up-convolution of stride 2 spreads each input over
    four outputs, so each output sees one input pixel only: N is the number of channels, not four times that.
    """
    per_channel = layer.kernel_size[0] * layer.kernel_size[1]
    if isinstance(layer, nn.ConvTranspose2d):
        per_channel //= layer.stride[0] * layer.stride[1]
    return layer.in_channels // layer.groups * per_channel


def draw_weights(net: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw every convolution's weights from N(0, sqrt(2 / N)), N its incoming nodes; biases become 0.

    Source: paper, section 3; so each feature map starts with about unit variance.
    """
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            if layer.weight.is_meta:
                continue  # a network without memory, to be filled from a file: PyTorch would load its compiler to draw nothing
            deviation = math.sqrt(2 / incoming_nodes(layer))
            nn.init.normal_(layer.weight, 0.0, deviation, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

