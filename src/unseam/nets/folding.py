"""A network without its normalisations, which computes the same: their factors and offsets move into the convolutions."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from unseam.nets.base import NetSettings
from unseam.nets.blocks import Convolution, DoubleConvolution
from unseam.nets.ensemble import Ensemble
from unseam.nets.normalisation import EPSILON, BatchNormalisation, normalisations

Config = TypeVar("Config", bound=NetSettings)


def without_normalisation(config: Config) -> Config:
    """Return the settings of the folded network; those of a network that has no such setting stay as they are."""
    has_setting = "normalisation" in {field.name for field in fields(config)}  # type: ignore[arg-type]
    return replace(config, normalisation="none") if has_setting else config  # type: ignore[type-var]


def folded(net: nn.Module) -> nn.Module:
    """Return the plain network that computes what this one does in evaluation; ``net`` itself if it has no normalisation.

    A stored mean m and variance v make the normalisation of a feature a constant: g (y - m) / sqrt(v + e) + b. So the
    convolution before it gets the weights w g / sqrt(v + e) and the bias b - m g / sqrt(v + e). They are computed in float64
    and rounded once, so the same weights give the same bits. ``net`` stays unchanged, and shares no memory with the result.

    Prediction then takes as long as without normalisation, and every engine computes it.
    """
    if not normalisations(net):
        return net
    if isinstance(net, Ensemble):
        return Ensemble([folded(member) for member in net.members])
    config: NetSettings = net.config  # type: ignore[assignment]
    with torch.device("meta"):  # draws no random numbers
        plain = without_normalisation(config).build()
    weights = {name: weight for name, weight in net.state_dict().items() if name in plain.state_dict()}
    for name, block in net.named_modules():
        if isinstance(block, DoubleConvolution):
            weights |= {f"{name}.{part}": weight for part, weight in _of_block(block, plain.get_submodule(name))}
    plain.load_state_dict({name: weight.detach().clone() for name, weight in weights.items()}, assign=True)
    result: nn.Module = plain.train(net.training)
    return result


def _of_block(block: DoubleConvolution, plain: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of each weight of the plain double convolution."""
    names = [name for name, layer in plain.named_children() if isinstance(layer, Convolution)]
    convolutions = [layer for layer in block if isinstance(layer, Convolution)]
    for name, convolution, normalisation in zip(names, convolutions, normalisations(block), strict=True):
        kernel, bias = _folded_pair(convolution, normalisation)
        yield f"{name}.weight", kernel
        yield f"{name}.bias", bias


def _folded_pair(convolution: Convolution, normalisation: BatchNormalisation) -> tuple[Tensor, Tensor]:
    own = convolution.weight
    kernel, gain, offset, mean, variance = (
        tensor.detach().to("cpu", torch.float64)
        for tensor in (own, normalisation.weight, normalisation.bias, normalisation.mean, normalisation.variance)
    )
    factor = gain / torch.sqrt(variance + EPSILON)
    return (kernel * factor.view(-1, *[1] * (kernel.dim() - 1))).to(own), (offset - mean * factor).to(own)
