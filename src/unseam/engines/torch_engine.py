"""The network itself as an engine: PyTorch, eager, on the CPU or on a GPU."""

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from unseam.geometry import Geometry


class TorchEngine:
    """Runs a network of this house on a device.

    Parameters
    ----------
    net
        With ``geometry`` and ``config.num_classes``; it is put into evaluation mode (no drop-out).
    device
        ``"cpu"``, ``"cuda"``, ...
    dtype
        Number format of the convolutions. float32 by default; in float64 tiles agree with one pass to about 1e-15, which
        is rounding.
    """

    def __init__(self, net: nn.Module, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.net = net.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.device = torch.device(device)
        self.dtype = dtype

    @property
    def geometry(self) -> Geometry:
        """The network's."""
        geometry = self.net.geometry
        assert isinstance(geometry, Geometry)
        return geometry

    @property
    def num_classes(self) -> int:
        """K of the network."""
        return int(self.net.config.num_classes)

    def __call__(self, tile: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "klass rows cols"]:
        """Logits of one input tile, float32 (float64 if that is the engine's format)."""
        with torch.inference_mode():
            images = torch.from_numpy(tile)[None].to(self.device, memory_format=torch.channels_last)
            if self.dtype in (torch.bfloat16, torch.float16):
                with torch.autocast(self.device.type, self.dtype):
                    logits = self.net(images).float()
            else:
                logits = self.net(images.to(self.dtype))
            return logits[0].cpu().numpy()
