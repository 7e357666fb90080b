"""The form in which a model is exported: a network of :mod:`unseam.sharing.plain_nets`, and what a program must know of it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unseam._version import __version__
from unseam.errors import SettingsError
from unseam.heads.softmax import SoftMax
from unseam.model import Model
from unseam.model.model_info import ModelInfo
from unseam.nets import DEPTH_OF_RELEASE, FCNConfig, NetConfig, ReleasedConfig, UNetConfig
from unseam.settings import table_name
from unseam.sharing import plain_nets
from unseam.sharing.grey_scale import GreyScale

SOURCE_NAME = "unseam_nets.py"
"""The name of :mod:`unseam.sharing.plain_nets` beside exported weights."""


@dataclass(frozen=True, eq=False)
class PlainForm:
    """A model in the form in which it is exported.

    Attributes
    ----------
    model
        What it must agree with.
    grey
        How grey values are scaled before the network.
    net
        The network, in evaluation mode, on the CPU.
    kind, settings
        Its class in :mod:`unseam.sharing.plain_nets` and the arguments of that class.
    """

    model: Model
    grey: GreyScale
    net: plain_nets.Segmenter
    kind: str
    settings: dict[str, Any]

    @property
    def info(self) -> ModelInfo:
        return self.model.info

    @property
    def halo(self) -> int:
        """Pixels that a tile must bring on each side: the least multiple of the phase that holds all that a pixel sees.

        A pixel sees its context. On the side where windows of the poolings end it sees further, by the part of a phase that the
        shortest input is longer than twice the context.
        """
        net = self.net
        further = (net.shortest - 2 * net.context) % net.phase
        return -(-(net.context + further) // net.phase) * net.phase

    @property
    def shortest(self) -> int:
        """The shortest tile: both halos and one phase. Some programs take only multiples of the step, and this is one."""
        return 2 * self.halo + self.net.phase

    @cached_property
    def facts(self) -> str:
        """What a program must know besides the weights, as JSON."""
        return json.dumps(
            {
                "made_with": f"unseam {__version__}",
                "grey_values": self.grey.sentence,
                "maps": list(self.info.map_names),
                "kinds_of_maps": ["probability"],
                "average": self.info.average,
                "context": self.net.context,
                "phase": self.net.phase,
                "halo": self.halo,
            }
        )

    def loading_lines(self, weights: str, module: str) -> tuple[str, ...]:
        """Return the lines of Python that load a file of weights into this form; ``module`` is the file of the network."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return (
            f"import torch; from {module} import {self.kind}",
            f"net = {self.kind}({given}).eval()",
            f'net.load_state_dict(torch.load("{weights}", weights_only=True))',
        )


def plain_form(model: Model, grey: GreyScale) -> PlainForm:
    """Return the form in which a model is exported.

    Raises
    ------
    SettingsError
        If it averages over rotations or planes, which take the whole image and are no part of a network, or if there is no such
        form of its network or head.
    """
    info = model.info
    if info.average == "planes":
        raise SettingsError(
            "The model averages over three orientations of a volume, which no exported network can do. Export it with "
            "--average none."
        )
    if info.average == "rotations":
        raise SettingsError(
            "The model averages over seven rotations of the whole image, which no exported network can do. Export it with "
            "--average flips or --average none."
        )
    kind, settings = _network(info.net)
    settings |= {"head": _head_name(info), "average": info.average}
    if info.members:
        kind, settings = "PlainEnsemble", {"members": len(info.members), "network": kind, **settings}
    net: plain_nets.Segmenter = getattr(plain_nets, kind)(**settings)
    net.load_state_dict(model.net.state_dict())
    return PlainForm(model, grey, net.eval(), kind, settings)


def source_text() -> str:
    """Return the text of the file that defines the networks and needs PyTorch alone."""
    return Path(plain_nets.__file__).read_text(encoding="utf-8")


def _network(config: NetConfig) -> tuple[str, dict[str, Any]]:
    """Return the name of a plain network and its settings; BiaPy looks for the number of maps under ``out_channels``."""
    sizes: dict[str, Any] = {
        "in_channels": config.in_channels,
        "out_channels": config.num_classes,
        "first_width": config.first_width,
    }
    if isinstance(config, UNetConfig) and (config.dims, config.doubling) != (2, "after"):
        raise SettingsError("There is no form to export of a U-Net for volumes, or of one that doubles before its poolings.")
    if isinstance(config, UNetConfig):
        resolution = config.resolution if config.resolution == "half" else "full"
        return "PlainUNet", {**sizes, "depth": config.depth, "resolution": resolution}
    if isinstance(config, FCNConfig):
        return "PlainFCN", {**sizes, "depth": config.depth}
    if isinstance(config, ReleasedConfig):
        return "PlainUNet", {**sizes, "depth": DEPTH_OF_RELEASE, "released": True}
    raise SettingsError(f"There is no form to export of the network {table_name(type(config))}. Export a U-Net or an FCN.")


def _head_name(info: ModelInfo) -> str:
    if isinstance(info.head, SoftMax):
        return "softmax"
    raise SettingsError(f"There is no form to export of the head {table_name(type(info.head))}.")
