"""Choose the named engine or the fastest one available; refuse an engine that cannot run, in one line."""

import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from unseam.engines import Engine, OpenVINOEngine, TorchEngine, choose, choose_engine, openvino_engine
from unseam.engines.precision import has_fast_bfloat16
from unseam.errors import SettingsError
from unseam.geometry import Geometry
from unseam.machine.cores import num_cores
from unseam.nets import UNet, UNetConfig


@pytest.fixture
def net():
    torch.manual_seed(0)
    return UNet(first_width=2, depth=1)


def test_auto_takes_openvino_where_it_is_installed(net, monkeypatch):
    monkeypatch.setattr(choose, "has_openvino", lambda: True)
    assert isinstance(choose_engine(net), OpenVINOEngine)
    monkeypatch.setattr(choose, "has_openvino", lambda: False)
    assert isinstance(choose_engine(net), TorchEngine)


@pytest.mark.parametrize("name", ["auto", "torch", "openvino"])
def test_every_engine_keeps_the_protocol_and_says_what_it_is(net, name):
    engine = choose_engine(net, name, precision="float32")
    assert isinstance(engine, Engine)
    assert engine.geometry == net.geometry
    assert engine.num_classes == 2
    assert "float32" in str(engine)
    assert "threads" in str(engine)


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_the_number_format_follows_the_processor(net, name):
    expected = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    assert expected in str(choose_engine(net, name, precision="auto"))


def test_a_network_in_float64_stays_in_it(net):
    engine = choose_engine(net.double(), "openvino")
    assert isinstance(engine, TorchEngine)
    assert engine.dtype == torch.float64


def test_openvino_on_a_gpu_is_refused(net):
    with pytest.raises(SettingsError, match=r"device is cuda.*--device cpu"):
        choose_engine(net, "openvino", "cuda")


def test_openvino_that_is_not_there(net, monkeypatch):
    openvino_engine.openvino_core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(SettingsError, match=r"pip install 'unseam\[openvino\]'"):
        OpenVINOEngine(net)
    openvino_engine.openvino_core.cache_clear()


def test_what_our_translation_lacks_is_left_to_openvinos_converter_and_said():
    """Runs in a separate process: sizes are tensors while the converter traces, which the shape checks of the tests refuse."""
    pytest.importorskip("openvino")
    code = (
        "import numpy as np, sys\n"
        "from unseam.engines import OpenVINOEngine, TorchEngine, choose_engine, openvino_engine\n"
        "from unseam.nets import UNet\n"
        "del openvino_engine._TRANSLATIONS['aten.max_pool2d_with_indices.default']\n"
        "net, tile = UNet(first_width=2, depth=1), np.random.default_rng(0).random((1, 44, 52), np.float32)\n"
        "engine = choose_engine(net)\n"
        "assert isinstance(engine, OpenVINOEngine) and 'max_pool2d_with_indices' in str(engine), engine\n"
        "assert np.abs(engine(tile) - TorchEngine(net)(tile)).max() < 1e-5\n"
        "assert engine.footprint(tile.shape).total > 0\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'openvino_telemetry'], 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Odd(nn.Module):
    """A network of operations that our translation knows, but with arguments that it does not."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.config = kind, UNetConfig(in_channels=2)
        self.layer = nn.Conv2d(2, 2, 1, groups=2 if kind == "groups" else 1)
        self.geometry = Geometry(context=0, phase=2, min_input=2)
        self.register_buffer("table", torch.ones(1, 2, 1, 1), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.kind == "weighted sum":
            return torch.add(self.layer(image), image, alpha=2)
        if self.kind == "sum with a buffer":
            return self.layer(image) + self.table
        if self.kind == "computed weights":
            return nn.functional.conv2d(image, self.layer.weight * 2)
        return self.layer(image)


@pytest.mark.parametrize("kind", ["groups", "weighted sum", "sum with a buffer", "computed weights"])
def test_known_operations_with_other_arguments_are_not_translated_either(kind):
    assert openvino_engine._unknown_operations(Odd(kind))
    assert not openvino_engine._unknown_operations(Odd("plain"))


def test_what_openvino_cannot_compute_at_all_is_left_to_pytorch_and_said(net, monkeypatch):
    openvino = pytest.importorskip("openvino")

    def refuse(*_, **__):
        raise RuntimeError("no")

    monkeypatch.delitem(openvino_engine._TRANSLATIONS, "aten.max_pool2d_with_indices.default")
    monkeypatch.setattr(openvino, "convert_model", refuse)
    engine = choose_engine(net)
    assert isinstance(engine, TorchEngine)
    assert "max_pool2d_with_indices" in str(engine)
    with pytest.raises(SettingsError, match=r"max_pool2d_with_indices.* --engine torch"):
        choose_engine(net, "openvino")


def test_no_telemetry_is_imported():
    """OpenVINO reports its import if its telemetry can be imported."""
    code = (
        "import sys\n"
        "from unseam.engines.openvino_engine import openvino_core\n"
        "openvino_core()\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'openvino_telemetry'], 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compiled_without_a_compiler(net, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SettingsError, match=r"C\+\+ compiler.*--engine torch"):
        choose_engine(net, "compiled")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_compiled_computes_the_same(net):
    """Runs in a separate process: the compiler emits warnings, and its workers outlive a test."""
    code = (
        "import numpy as np, torch\n"
        "from unseam.engines import TorchEngine\n"
        "from unseam.nets import UNet\n"
        "torch.manual_seed(0)\n"
        "net = UNet(first_width=2, depth=1)\n"
        "tile = np.random.default_rng(0).random((1, 44, 44), np.float32)\n"
        "difference = np.abs(TorchEngine(net, is_compiled=True)(tile) - TorchEngine(net)(tile)).max()\n"
        "assert difference < 1e-5, difference\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_the_first_tile_does_not_wait_for_a_compiler(name):
    """Importing PyTorch's compiler takes a second, and some harmless calls do so."""
    code = (
        "import sys, numpy as np\n"
        "from unseam.model import Model\n"
        "from unseam.model.model_file import ModelInfo\n"
        "from unseam.nets import UNetConfig\n"
        "config = UNetConfig(first_width=2, depth=1)\n"
        f"model = Model(config.build(), ModelInfo(net=config), 'cpu', 'float32', {name!r})\n"
        "model.predict(np.zeros((44, 44), np.uint8))\n"
        "assert 'torch._dynamo' not in sys.modules, 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("threads", [1, 10_000])
def test_threads_are_bound_to_cores_only_where_all_are_ours(threads):
    engine = OpenVINOEngine(UNetConfig(first_width=2, depth=1).build().eval(), num_threads=threads)
    assert engine._settings["ENABLE_CPU_PINNING"] == (threads >= num_cores())
