"""Choose the engine: the fastest that this machine can run, or a named one."""

from importlib.util import find_spec
from typing import Literal

import torch
from torch import nn

from unseam.engines.base import Engine
from unseam.engines.openvino_engine import OpenVINOEngine, UnknownOperationError
from unseam.engines.precision import Precision, choose_dtype
from unseam.engines.torch_engine import TorchEngine
from unseam.errors import SettingsError

EngineName = Literal["auto", "torch", "compiled", "openvino"]
"""``auto``: OpenVINO on a CPU where it is installed and can compute the network, otherwise PyTorch; docs/performance.md has the
measurements. ``compiled``: PyTorch with a program compiled for each size of tile, which takes a minute."""


def choose_engine(net: nn.Module, name: EngineName = "auto", device: str = "cpu", precision: Precision = "float32") -> Engine:
    """Make the engine for a network.

    Parameters
    ----------
    net
        A network in float64 keeps its format and runs in PyTorch, since OpenVINO does not compute in float64.
    name
        See :data:`EngineName`.
    device
        Device of PyTorch; OpenVINO computes on the CPU.
    precision
        Number format of the convolutions.

    Raises
    ------
    SettingsError
        If the named engine cannot run here, on that device, or with this network. ``auto`` always finds an engine.
    """
    torch_device = torch.device(device)
    if next(net.parameters()).dtype == torch.float64:
        return TorchEngine(net, device, torch.float64)
    dtype = choose_dtype(precision, torch_device)
    if name == "auto" and torch_device.type == "cpu" and has_openvino():
        try:
            return OpenVINOEngine(net, dtype)
        except UnknownOperationError as error:
            return TorchEngine(net, device, dtype, note=f"OpenVINO cannot compute {error.operations}")
    if name == "openvino":
        if torch_device.type != "cpu":
            raise SettingsError(f"The engine 'openvino' computes on the CPU, and the device is {device}. Give --device cpu.")
        return OpenVINOEngine(net, dtype)
    return TorchEngine(net, device, dtype, is_compiled=name == "compiled")


def has_openvino() -> bool:
    """Return whether OpenVINO is installed, without importing it."""
    return find_spec("openvino") is not None
