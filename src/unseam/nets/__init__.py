"""The networks: each a module of valid convolutions that states its geometry, with its settings beside it."""

from unseam.nets.base import Net
from unseam.nets.fcn import FCN, FCNConfig
from unseam.nets.unet import UNet, UNetConfig

NetConfig = UNetConfig | FCNConfig
"""The closed list: every network that settings and model files can name."""

__all__ = ["Net", "NetConfig", "UNet", "UNetConfig", "FCN", "FCNConfig"]
