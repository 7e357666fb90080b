"""Choose the engine: the fastest that this machine can run, or a named one."""

from importlib import import_module
from importlib.util import find_spec

import torch
from torch import nn

from unseam.engines import ENGINES
from unseam.engines.base import Engine
from unseam.engines.openvino_engine import OpenVINOEngine, UnknownOperationError
from unseam.engines.precision import Precision, choose_dtype
from unseam.engines.torch_engine import TorchEngine
from unseam.errors import SettingsError


def choose_engine(net: nn.Module, name: str = "auto", device: str = "cpu", precision: Precision = "float32") -> Engine:
    """Make the engine for a network.

    Parameters
    ----------
    net
        A network in float64 keeps its format and runs in PyTorch, since OpenVINO does not compute in float64.
    name
        One of `ENGINES`, or ``auto``: OpenVINO on a CPU where it is installed and can compute the network, otherwise PyTorch;
        docs/performance.md has the measurements.
    device
        Device of PyTorch; OpenVINO computes on the CPU.
    precision
        Number format of the convolutions.

    Raises
    ------
    SettingsError
        If there is no such engine, or it cannot run here, on that device, or with this network. ``auto`` always finds one.
    """
    if name != "auto" and name not in ENGINES:
        raise SettingsError(f"There is no engine {name!r}. Use auto or one of: {', '.join(ENGINES)}.")
    torch_device = torch.device(device)
    if next(net.parameters()).dtype == torch.float64:
        return TorchEngine(net, device, torch.float64)
    dtype = choose_dtype(precision, torch_device)
    if name == "auto" and torch_device.type == "cpu" and has_openvino():
        try:
            return OpenVINOEngine(net, dtype)
        except UnknownOperationError as error:
            return TorchEngine(net, device, dtype, note=f"OpenVINO cannot compute {error.operations}")
    made: Engine = import_module(f"unseam.engines.{'torch' if name == 'auto' else name}_engine").make(net, device, dtype)
    return made


def has_openvino() -> bool:
    """Return whether OpenVINO is installed, without importing it."""
    return find_spec("openvino") is not None
