"""An engine is one file and one line."""

import numpy as np
import tifffile
import torch

from families.package_copy import add_line, copy_package, run_python
from unseam.model import ModelInfo, save_model
from unseam.nets import UNetConfig

TOY = '''
"""An engine that computes in PyTorch and turns the logits round."""

from unseam.engines.torch_engine import TorchEngine


class UpsideDown(TorchEngine):
    """Class 0 for class 1 and the other way round."""

    def __call__(self, tile):
        return super().__call__(tile)[::-1]

    def __str__(self):
        return "the toy"


def make(net, device, dtype):
    """Make the engine."""
    return UpsideDown(net, device, dtype)
'''


def test_a_toy_engine_predicts_and_stands_in_the_help(tmp_path):
    copy = copy_package(tmp_path)
    (copy / "engines/toy_engine.py").write_text(TOY)
    add_line(copy / "engines/__init__.py", '"torch": "PyTorch",', '    "toy": "logits upside down",')
    torch.manual_seed(0)
    config = UNetConfig(first_width=2, depth=1)
    net = config.build()
    torch.nn.init.constant_(net.classify.bias, 0.1)
    torch.nn.init.constant_(net.classify.bias[1:], 0.2)  # so that no two logits are equal where all features are 0
    save_model(tmp_path / "m.safetensors", net, ModelInfo(net=config))
    tifffile.imwrite(tmp_path / "x.tif", np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8))
    predict = ["-m", "unseam", "predict", "m.safetensors", "x.tif", "--device", "cpu"]
    run_python(copy, [*predict, "--out", "plain", "--engine", "torch"])
    said = run_python(copy, [*predict, "--out", "toy", "--engine", "toy"])
    assert "x.tif" in said
    plain, toy = (tifffile.imread(tmp_path / folder / "x_classes.tif") for folder in ("plain", "toy"))
    assert (plain != toy).all()
    assert "logits upside down" in " ".join(run_python(copy, ["-m", "unseam", "predict", "--help"]).split())
