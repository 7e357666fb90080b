"""PyTorch with a program compiled for each size of tile."""

import torch
from torch import nn

from unseam.engines.base import Engine
from unseam.engines.torch_engine import TorchEngine


def make(net: nn.Module, device: str, dtype: torch.dtype) -> Engine:
    """Make the engine; raise SettingsError if this machine has no compiler."""
    return TorchEngine(net, device, dtype, is_compiled=True)
