"""The engines: they turn input tiles into logits and state their geometry.

An engine is one file, ``NAME_engine.py`` with a function ``make(net, device, dtype)``, and one line in `ENGINES`.
Names load when they are first used, so the command line lists the engines without loading torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unseam.engines.base import Engine, TellsMemory, geometries_of, geometry_of
    from unseam.engines.choose import choose_engine
    from unseam.engines.ensemble_engine import EnsembleEngine, average_engines
    from unseam.engines.flips_engine import FlipsEngine
    from unseam.engines.openvino_engine import OpenVINOEngine
    from unseam.engines.precision import Precision, choose_device, choose_dtype, describe_choice, settle_precision
    from unseam.engines.torch_engine import TorchEngine

ENGINES = {
    "torch": "PyTorch",
    "compiled": "PyTorch with a program compiled for the tile, which takes about a minute before the first tile",
    "openvino": "OpenVINO, on a processor",
}
"""The closed list, with the text of the help. ``auto`` is OpenVINO on a processor where it is installed, otherwise PyTorch."""

_HOME = {
    "Engine": "base", "TellsMemory": "base", "geometries_of": "base", "geometry_of": "base",
    "choose_engine": "choose",
    "EnsembleEngine": "ensemble_engine", "average_engines": "ensemble_engine",
    "FlipsEngine": "flips_engine",
    "OpenVINOEngine": "openvino_engine",
    "Precision": "precision", "choose_device": "precision", "choose_dtype": "precision",
    "describe_choice": "precision", "settle_precision": "precision",
    "TorchEngine": "torch_engine",
}  # fmt: skip

__all__ = [
    "ENGINES", "Engine", "EnsembleEngine", "FlipsEngine", "OpenVINOEngine", "Precision", "TellsMemory", "TorchEngine",
    "average_engines", "choose_device", "choose_dtype", "choose_engine", "describe_choice", "geometries_of", "geometry_of",
    "settle_precision",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'unseam.engines' has no attribute {name!r}")
    return getattr(import_module(f"unseam.engines.{_HOME[name]}"), name)
