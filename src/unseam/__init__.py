"""unseam: the U-Net of Ronneberger, Fischer and Brox (2015) as software.

It learns from a few annotated images and segments images of any size without seams. The public names below are loaded on
first use, so ``import unseam`` is fast and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from unseam._version import __version__ as __version__

if TYPE_CHECKING:
    from unseam.api import plot
    from unseam.api.check import check
    from unseam.api.evaluate import Evaluation, evaluate
    from unseam.api.export import export
    from unseam.api.importing import import_caffe
    from unseam.api.measure import Measurements, Table, measure
    from unseam.api.models import Model, load
    from unseam.api.outlines import read_outlines, write_outlines
    from unseam.api.predict import predict
    from unseam.api.reports import write_report
    from unseam.api.training import train
    from unseam.data.weight_map import weight_map
    from unseam.errors import UnseamError
    from unseam.model import Segmentation
    from unseam.nets.fcn import FCN
    from unseam.nets.unet import UNet

_HOME = {
    "UNet": "unseam.nets.unet",
    "FCN": "unseam.nets.fcn",
    "weight_map": "unseam.data.weight_map",
    "check": "unseam.api.check",
    "train": "unseam.api.training",
    "load": "unseam.api.models",
    "import_caffe": "unseam.api.importing",
    "predict": "unseam.api.predict",
    "evaluate": "unseam.api.evaluate",
    "measure": "unseam.api.measure",
    "write_outlines": "unseam.api.outlines",
    "read_outlines": "unseam.api.outlines",
    "write_report": "unseam.api.reports",
    "export": "unseam.api.export",
    "Evaluation": "unseam.api.evaluate",
    "Measurements": "unseam.api.measure",
    "Table": "unseam.api.measure",
    "Model": "unseam.model",
    "Segmentation": "unseam.model",
    "UnseamError": "unseam.errors",
}

__all__ = [
    "UNet", "FCN", "weight_map", "check", "train", "load", "import_caffe", "predict", "evaluate", "measure", "write_outlines",
    "read_outlines", "write_report", "export", "Evaluation", "Measurements", "Table", "Model", "Segmentation", "UnseamError",
    "plot",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "plot":
        return import_module("unseam.api.plot")
    if name not in _HOME:
        raise AttributeError(f"module 'unseam' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
