"""The engines: they turn input tiles into logits and state their geometry."""

from unseam.engines.base import Engine, TellsMemory, geometry_of
from unseam.engines.choose import EngineName, choose_engine
from unseam.engines.ensemble_engine import EnsembleEngine, average_engines
from unseam.engines.openvino_engine import OpenVINOEngine
from unseam.engines.precision import Precision, choose_device, choose_dtype
from unseam.engines.torch_engine import TorchEngine

__all__ = [
    "Engine", "EngineName", "EnsembleEngine", "OpenVINOEngine", "Precision", "TellsMemory", "TorchEngine", "average_engines",
    "choose_device", "choose_dtype", "choose_engine", "geometry_of",
]  # fmt: skip
