"""What computes: engines turn input tiles into logits, and state their geometry."""

from unseam.engines.base import Engine
from unseam.engines.ensemble_engine import EnsembleEngine
from unseam.engines.precision import Precision, choose_device, choose_dtype
from unseam.engines.torch_engine import TorchEngine

__all__ = ["Engine", "EnsembleEngine", "TorchEngine", "Precision", "choose_device", "choose_dtype"]
