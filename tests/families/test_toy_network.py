"""A network unlike the U-Net, added by the documented line: it trains, is reported, and predicts with every engine."""

import numpy as np
import pytest
import tifffile

from families.package_copy import add_line, copy_package, run_python
from reference.toy import spots

TOY = '''
"""A first layer of stride 2, batch normalisation, also inside a double convolution, and leaky ReLUs."""

from dataclasses import dataclass

from torch import nn

from unseam.geometry import Geometry
from unseam.nets.base import Net
from unseam.nets.blocks import DoubleConvolution, UpConvolution


@dataclass(frozen=True)
class ToyConfig:
    in_channels: int = 1
    num_classes: int = 2
    width: int = 4

    def build(self):
        return Toy(self)


class Toy(Net):
    def __init__(self, config):
        super().__init__()
        self.config = config
        block = DoubleConvolution(config.width, config.width)
        block.insert(1, nn.BatchNorm2d(config.width))
        self.layers = nn.Sequential(
            nn.Conv2d(config.in_channels, config.width, 2, stride=2), nn.BatchNorm2d(config.width), nn.LeakyReLU(0.1),
            block, UpConvolution(config.width), nn.Conv2d(config.width // 2, config.num_classes, 1),
        )

    def forward(self, image):
        return self.layers(image)

    @property
    def last_bias(self):
        return self.layers[-1].bias

    @property
    def geometry(self):
        return Geometry(context=4, phase=2, min_input=10)
'''

IN_ONE_PROCESS = """
import numpy as np, tifffile
from unseam.cli.app import run
from unseam.model import Model
small = ["net.toy.width=4", "training.output_size=24", "training.precision=float32"]
words = [word for setting in small for word in ("--set", setting)]
assert run(["train", "data", "--out", "run", "--steps", "20", "--device", "cpu", *words]) == 0
assert run(["info", "run"]) == 0
image = tifffile.imread("data/images/a.tif")
maps = {}
for engine in ("torch", "auto"):
    model = Model.load("run", "cpu", "float32", engine)
    maps[engine] = model.predict(image).probabilities
    tiled = model.predict(image, max_input_tile=44).probabilities
    assert np.abs(tiled - maps[engine]).max() < 1e-5, "tiles are not the whole"
assert np.abs(maps["torch"] - maps["auto"]).max() < 1e-4
assert maps["torch"].std() > 0
print(model.engine)
assert any("running_mean" in name and bool(w.any()) for name, w in model.net.state_dict().items())
assert run(["predict", "run", "data/images/a.tif", "--out", "out", "--engine", "openvino", "--device", "cpu"]) == 0
assert run(["seams", "run", "data/images/a.tif"]) == 0
"""


@pytest.fixture
def copy(tmp_path, rng):
    """The package with the toy in its list of networks, next to a folder with two annotated images."""
    folder = copy_package(tmp_path)
    (folder / "nets/toy.py").write_text(TOY, encoding="utf-8")
    face = folder / "nets/__init__.py"
    add_line(face, "import FCN, FCNConfig", "from unseam.nets.toy import ToyConfig")
    add_line(face, "NetConfig = UNetConfig | FCNConfig", "NetConfig = UNetConfig | FCNConfig | ToyConfig")
    for name in "ab":
        image, labels = spots(rng)
        for kind, array in (("images", image), ("masks", (labels > 0).astype(np.uint8))):
            (tmp_path / "data" / kind).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(tmp_path / "data" / kind / f"{name}.tif", array)
    return folder


def test_a_network_with_batch_normalisation_leaky_relu_and_another_first_layer(copy):
    pytest.importorskip("openvino")
    printed = run_python(copy, IN_ONE_PROCESS)
    assert "toy, width 4" in printed
    assert "OpenVINO (by its own converter" in printed
    assert "batch_norm" in printed
    assert "leaky_relu" in printed
    assert "[net.toy]" in (copy.parent / "run/config.toml").read_text()
    assert (copy.parent / "run/report.html").stat().st_size > 1000
