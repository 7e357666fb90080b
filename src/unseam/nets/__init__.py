"""The networks. Each file holds one network, which states its geometry, and the settings of that network."""

from unseam.nets.base import Net, add_to_logits
from unseam.nets.carried import Layers, Start, carry_over, differing_settings, set_learning
from unseam.nets.cpu_training import fast_on_cpu
from unseam.nets.ensemble import Ensemble, members_of
from unseam.nets.fcn import FCN, FCNConfig
from unseam.nets.folding import folded, without_normalisation
from unseam.nets.normalisation import normalisations, recompute_statistics, set_fixed, set_momentum
from unseam.nets.released import DEPTH_OF_RELEASE, LAYERS_OF_RELEASE, ReleasedConfig, ReleasedUNet
from unseam.nets.unet import UNet, UNetConfig

NetConfig = UNetConfig | FCNConfig | ReleasedConfig
"""The closed list: every network that settings and model files can name."""

__all__ = [
    "Net", "NetConfig", "Ensemble", "Layers", "Start", "add_to_logits", "carry_over", "differing_settings", "fast_on_cpu",
    "folded", "members_of", "normalisations", "recompute_statistics", "set_fixed", "set_learning", "set_momentum",
    "without_normalisation", "UNet", "UNetConfig", "FCN", "FCNConfig", "DEPTH_OF_RELEASE", "LAYERS_OF_RELEASE",
    "ReleasedConfig", "ReleasedUNet",
]  # fmt: skip
