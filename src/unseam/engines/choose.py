"""Which engine computes: the fastest that this machine can run, or the one that is named."""

from importlib.util import find_spec
from typing import Literal

import torch
from torch import nn

from unseam.engines.base import Engine
from unseam.engines.cuda_graph import GraphEngine
from unseam.engines.openvino_engine import OpenVINOEngine
from unseam.engines.precision import Precision, choose_dtype
from unseam.engines.torch_engine import TorchEngine
from unseam.errors import SettingsError

EngineName = Literal["auto", "torch", "compiled", "recorded", "openvino"]
"""``auto``: OpenVINO on a CPU where it is installed, PyTorch otherwise; docs/performance.md has the figures behind it.

``compiled`` and ``recorded`` are PyTorch too, with a program compiled for each size of tile, or with the work of a size
recorded on a CUDA GPU and replayed. Neither is chosen by itself: the first takes a minute, and the second has not been
measured on a GPU.
"""


def choose_engine(
    net: nn.Module, name: EngineName = "auto", device: str = "cpu", precision: Precision = "float32"
) -> Engine:
    """The engine for a network.

    Parameters
    ----------
    net
        A network; one in float64 stays in float64, and in PyTorch, since the others do not compute in it.
    name
        Which; see :data:`EngineName`.
    device
        Where PyTorch computes; OpenVINO computes on the CPU.
    precision
        Number format of the convolutions.

    Raises
    ------
    SettingsError
        If the engine that is named cannot run here, or not on that device.
    """
    where = torch.device(device)
    if next(net.parameters()).dtype == torch.float64:
        return TorchEngine(net, device, torch.float64)
    dtype = choose_dtype(precision, where)
    if name == "auto":
        name = "openvino" if where.type == "cpu" and has_openvino() else "torch"
    if name == "openvino":
        if where.type != "cpu":
            raise SettingsError(f"The engine 'openvino' computes on the CPU, and the device is {device}. Give --device cpu.")
        return OpenVINOEngine(net, dtype)
    engine = TorchEngine(net, device, dtype, is_compiled=name == "compiled")
    return GraphEngine(engine) if name == "recorded" else engine


def has_openvino() -> bool:
    """Whether OpenVINO is installed; it is not imported for that."""
    return find_spec("openvino") is not None
