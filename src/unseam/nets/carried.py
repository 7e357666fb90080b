"""Weights carried over from a trained network into one that takes other channels or distinguishes other classes.

::

    first layer   3 -> 1 channels   the sum over the channels
                  1 -> 3            repeated in turn, times 1/3: three equal channels give the logits of grey
    last layer    background, axon -> background, myelin, axon
                  0          1        0           drawn   1        a row for each class

All other weights are copied. At half resolution, a channel and a class have four entries in a row, those of 2x2 px.

Not in the paper, whose networks begin with drawn weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor, nn

from unseam.errors import SettingsError
from unseam.nets.base import Net, NetSettings
from unseam.settings import check_range

Layers = Literal["all", "expansive", "last"]
"""The layers that learn: all; all but the contracting path; or those with a part for each class. The others stay."""

_FREE = ("in_channels", "num_classes", "dropout")
"""Settings in which a network may differ from its start."""


@dataclass(frozen=True)
class Start:
    """The trained network that a training begins with.

    Attributes
    ----------
    model
        Its file or run folder; in a model file only the name. Empty for a model that was handed over in memory.
    sha256
        The check sum of the file. If it is set and the file has another one, training refuses the file.
    member
        Which network of an ensemble, from 1; None: the model holds a single one.
    licence
        Of its weights, if known.
    rescale_to_um
        Size of a pixel (row, column), micrometres, to which the images of the training are resampled: that of the images that
        it learnt from. None: they stay as they are.
    """

    model: str = ""
    sha256: str = ""
    member: int | None = None
    licence: str = ""
    rescale_to_um: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.member is not None:
            check_range("start", "member", self.member, 1, 1000)
        for size in self.rescale_to_um or ():
            check_range("start", "rescale_to_um", size, 1e-6, 1e6)


def carry_over(start: Net, net: Net, kept: Sequence[int | None]) -> None:
    """Copy the weights of a start into a freshly drawn network of the same settings but for channels and classes.

    With equal channels and ``kept`` = 0, 1, 2, ... the network then gives the logits of the start to the bit.

    Parameters
    ----------
    start
        Trained, without normalisation. It stays unchanged.
    net
        Changed in place.
    kept
        For each logit of ``net`` the number of the start's logit whose weights it gets; None: those that are drawn stay.
    """
    assert not differing_settings(start.config, net.config), "networks of different settings"
    channels, classes = _axes(net.config, "in_channels"), _axes(net.config, "num_classes")
    own = net.state_dict()
    with torch.no_grad():
        for name, weight in start.state_dict().items():
            given = weight.detach().to(own[name])
            for axis, entries in channels[name]:
                given = with_channels(given, axis, entries, net.config.in_channels)
            if not classes[name]:
                own[name].copy_(given)
                continue
            at = _places(own[name].shape, classes[name], [new for new, old in enumerate(kept) if old is not None])
            own[name][at] = given[_places(given.shape, classes[name], [old for old in kept if old is not None])]


def with_channels(weight: Tensor, axis: int, entries: int, number: int) -> Tensor:
    """Return a weight for another number of image channels; ``entries`` in a row along ``axis`` belong to each channel.

    To one channel: the sum over the channels. Otherwise they are repeated in turn, times old / new, so that the sum over
    channels of equal content stays about what it was (timm's rule for pretrained networks).

    >>> with_channels(torch.tensor([[1.0, 2.0, 3.0]]), 1, 1, 1), with_channels(torch.tensor([[6.0]]), 1, 1, 3)
    (tensor([[6.]]), tensor([[2., 2., 2.]]))
    """
    by_channel = weight.unflatten(axis, (-1, entries))
    before = by_channel.shape[axis]
    if number == before:
        return weight
    if number == 1:
        return by_channel.sum(axis)
    in_turn = torch.arange(number, device=weight.device) % before
    return (by_channel.index_select(axis, in_turn) * (before / number)).flatten(axis, axis + 1)


def differing_settings(start: NetSettings, other: NetSettings) -> dict[str, tuple[object, object]]:
    """Return the settings that a network must share with its start and does not: the start's value and the other one."""
    if type(start) is not type(other):
        return {"": (start, other)}
    names = [field.name for field in fields(start) if field.name not in _FREE]  # type: ignore[arg-type]
    pairs = {name: (getattr(start, name), getattr(other, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def set_learning(net: nn.Module, layers: Layers) -> None:
    """Set which weights learn. The others get no gradient, so no optimiser moves them.

    Raises SettingsError if the network has no contracting path to leave out.
    """
    of_classes = _axes(net.config, "num_classes") if layers == "last" else {}  # type: ignore[arg-type]
    left_out = 0
    for name, weight in net.named_parameters():
        learns = name in of_classes and bool(of_classes[name]) if layers == "last" else not name.startswith("contracting.")
        weight.requires_grad_(learns or layers == "all")
        left_out += not weight.requires_grad
    if layers != "all" and not left_out:
        raise SettingsError(f"training.layers = {layers!r}: this network has no other layers. Set it to 'all'.")


def _axes(config: NetSettings, setting: str) -> dict[str, list[tuple[int, int]]]:
    """Return for each weight its axes that grow with a setting, and by how many entries. No weights are drawn."""
    with torch.device("meta"):
        few, more = (replace(config, **{setting: number}).build().state_dict() for number in (2, 3))  # type: ignore[type-var]
    grown = {name: [new - old for old, new in zip(few[name].shape, more[name].shape, strict=True)] for name in few}
    return {name: [(axis, entries) for axis, entries in enumerate(of_one) if entries] for name, of_one in grown.items()}


def _places(shape: torch.Size, axes: Sequence[tuple[int, int]], chosen: Sequence[int]) -> tuple[Tensor, ...]:
    """Return an index of a weight that takes the chosen classes along the axes of classes, and all of every other axis."""
    entries_of = dict(axes)
    index = []
    for axis, length in enumerate(shape):
        along = torch.arange(length)
        if (entries := entries_of.get(axis)) is not None:
            along = along.view(-1, entries)[list(chosen)].flatten()
        index.append(along.view(-1, *[1] * (len(shape) - axis - 1)))
    return tuple(index)
