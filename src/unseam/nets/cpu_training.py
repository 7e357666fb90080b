"""Faster training on a CPU: while a network trains, faster functions replace the forward passes of the blocks of Fig. 1.

They compute the same mathematics with the gradients of :mod:`unseam.nets.gradients`. Weights, their names and the order in
which random numbers are drawn stay the same. A block that differs in any way from those of this package (another padding,
another layer in between) computes as it is written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unseam.nets.blocks import DoubleConvolution, UpConvolution
from unseam.nets.gradients import convolution_with_normalisation, convolution_with_relu, pool_and_copy, up_convolution
from unseam.nets.normalisation import EPSILON, BatchNormalisation, normalisations
from unseam.nets.released import ReleasedUNet
from unseam.nets.unet import UNet

_STEPS = 2**16  # values of one 16-bit random number


@contextmanager
def fast_on_cpu(net: nn.Module) -> Iterator[None]:
    """Use hand-written gradients for the training steps of a network on a CPU, as long as the context lasts.

    Evaluation, other devices and steps without gradients run the network as it is written.
    """
    # A block whose forward was already replaced is left alone, so that contexts may nest.
    replaced = [block for block in net.modules() if type(block) in _FASTER and "forward" not in vars(block)]
    for block in replaced:
        # Set on the object: set on the class, it would change every network of the process. Hooks still run.
        block.forward = partial(_forward, block, type(block).forward, _FASTER[type(block)])
    try:
        yield
    finally:
        for block in replaced:
            del block.forward


def _forward(block: nn.Module, as_written: Callable[..., Tensor], faster: Callable[..., Tensor | None], maps: Tensor) -> Tensor:
    # Decided at each call: one context spans training steps and the validation between them.
    is_training_step = block.training and torch.is_grad_enabled() and maps.device.type == "cpu"
    result = faster(block, maps) if is_training_step else None
    return as_written(block, maps) if result is None else result


def _double_convolution(block: DoubleConvolution, features_BCHW: Tensor) -> Tensor | None:
    convolutions = [layer for layer in block if isinstance(layer, nn.Conv2d)]
    # A network may have changed or added layers, and then the hand-written version would compute something else.
    if not all(map(_is_plain, convolutions)):
        return None
    kinds, biases = [type(layer) for layer in block], [layer.bias for layer in convolutions if layer.bias is not None]
    if kinds == 2 * [nn.Conv2d, nn.ReLU] and len(biases) == 2:
        for convolution, bias in zip(convolutions, biases, strict=True):
            features_BCHW = convolution_with_relu(features_BCHW, convolution.weight, bias)
        return features_BCHW
    if kinds == 2 * [nn.Conv2d, BatchNormalisation, nn.ReLU] and not biases:
        for convolution, layer in zip(convolutions, normalisations(block), strict=True):
            if layer.is_fixed:  # a constant, which moves into the convolution before it
                factor = layer.weight * torch.rsqrt(layer.variance + EPSILON)
                kernel = convolution.weight * factor[:, None, None, None]
                features_BCHW = convolution_with_relu(features_BCHW, kernel, layer.bias - layer.mean * factor)
                continue
            features_BCHW, *statistics = convolution_with_normalisation(
                features_BCHW, convolution.weight, layer.weight, layer.bias, EPSILON
            )
            layer.remember(*statistics)
        return features_BCHW
    return None


def _is_plain(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is 3x3 and valid."""
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
    return shape == ((3, 3), (1, 1), (0, 0), (1, 1), 1)


def _up_convolution(up: UpConvolution, features_BCHW: Tensor) -> Tensor | None:
    return None if up.bias is None else up_convolution(features_BCHW, up.weight, up.bias)


def _drop_out(layer: nn.Dropout, features_BCHW: Tensor) -> Tensor | None:
    return None if layer.p == 0 or features_BCHW.dim() != 4 else drop_out(features_BCHW, layer.p)


def _unet(net: UNet, image: Tensor) -> Tensor | None:
    if net.config.dims != 2:
        return None
    net.check_size(image)
    features_BCHW, copied = _contract(net, net.enter(image))
    for up, double_convolution in zip(net.up, net.expansive, strict=True):
        features_BCHW = double_convolution(torch.cat([up(features_BCHW), copied.pop()], dim=1))
    return net.leave(net.classify(features_BCHW))


def _released(net: ReleasedUNet, image: Tensor) -> Tensor:
    net.check_size(image)
    features_BCHW, copied = _contract(net, image)
    for up, double_convolution in zip(net.up, net.expansive, strict=True):
        raised_BCHW = F.relu(up(features_BCHW), inplace=True)
        features_BCHW = double_convolution(torch.cat([raised_BCHW, copied.pop()], dim=1))
    return net.classify(features_BCHW)


def _contract(net: UNet | ReleasedUNet, features_BCHW: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Compute the contracting path with the crop on the way down, where pooling and copy can share one gradient.

    PyTorch would make a gradient of the whole map for each of the two, mostly zeros, and add them. Returns the map of the
    bottom, and the cropped map of each level.
    """
    *levels, bottom = net.contracting
    copied: list[Tensor] = []
    for double_convolution, margin in zip(levels, copied_margins(len(levels)), strict=True):
        features_BCHW = double_convolution(features_BCHW)
        if double_convolution is levels[-1]:
            # Before the copy, as in UNet.forward: the copy across has drop-out, too, and the random numbers stay the same.
            features_BCHW = net.drop(features_BCHW)
        features_BCHW, copy_BCHW = pool_and_copy(features_BCHW, margin)
        copied.append(copy_BCHW)
    return net.drop(bottom(features_BCHW)), copied


def copied_margins(depth: int) -> list[int]:
    """Return the pixels that "copy and crop" takes from each side of the map of every level, first level first.

    A map loses 2 px per side in each double convolution, and one level up these are 4 px. Between the copy of a level and its
    concatenation lie both double convolutions of the level below and that level's own margin; the bottom has only one.

    >>> copied_margins(4)  # Fig. 1: 568 -> 392, 280 -> 200, 136 -> 104, 64 -> 56
    [88, 40, 16, 4]
    """
    margins = [4]
    while len(margins) < depth:
        margins.insert(0, 2 * (2 + margins[0] + 2))
    return margins


def drop_out(features: Float[Tensor, "batch channel height width"], p: float) -> Float[Tensor, "batch channel height width"]:
    """Set a feature to 0 with probability p and scale the others by 1 / (1 - p), so that the mean stays.

    Drawing the mask is 15 times faster than in PyTorch. The mask depends on PyTorch's generator and on the shape, not on how
    the map lies in memory.

    Source: paper, section 3.1.

    Departs: four features share one random number of 64 bits, so p is rounded to the nearest 1/65536 (one half is exact).
    """
    dropped = round(p * _STEPS)
    return features * draw_kept(features.shape, dropped) * (_STEPS / (_STEPS - dropped))


def draw_kept(shape: torch.Size, dropped: int) -> Bool[Tensor, "batch channel height width"]:
    """Draw which features of a map (B, C, H, W) stay: each is lost with probability ``dropped`` / 65536."""
    batch, channels, height, width = shape
    num_numbers = -(-shape.numel() // 4)
    # Over the whole range of int64 all 64 bits are random, and so is each quarter; a smaller range would leave high bits 0.
    bits = torch.empty(num_numbers, dtype=torch.int64).random_(-(2**63), None)
    drawn_BHWC = bits.view(torch.int16)[: shape.numel()].view(batch, height, width, channels)
    return (drawn_BHWC >= dropped - _STEPS // 2).permute(0, 3, 1, 2)


_FASTER: dict[type[nn.Module], Callable[..., Tensor | None]] = {
    DoubleConvolution: _double_convolution,
    UpConvolution: _up_convolution,
    nn.Dropout: _drop_out,
    UNet: _unet,
    ReleasedUNet: _released,
}
"""Faster function of each block. A subclass may compute something else, so it runs as it is written."""
