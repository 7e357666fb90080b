"""An ensemble gives the mean probabilities of its networks, with any engine, and is stored in one file."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from unseam.engines import EnsembleEngine, TorchEngine
from unseam.errors import ModelFileError
from unseam.heads import Classes
from unseam.heads.softmax import softmax
from unseam.inference.predict import Predictor
from unseam.model import Model
from unseam.model.card import facts
from unseam.model.model_file import ENSEMBLE_FORMAT, ModelInfo, TrainingRecord, load_model, read_info, save_model
from unseam.nets import Ensemble, UNetConfig, members_of

CONFIG = UNetConfig(num_classes=3, first_width=2, depth=2)
CLASSES = {"class_names": ("background", "a", "b"), "class_values": (0, 1, 2)}
INFO = ModelInfo(net=CONFIG, members=tuple(TrainingRecord(steps=n) for n in (1, 2, 3)), **CLASSES)


@pytest.fixture(scope="module")
def nets() -> list[torch.nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return [CONFIG.build().eval() for _ in range(3)]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random((50, 61), np.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_its_probabilities_are_the_mean_of_those_of_its_members(nets, dtype, rng):
    ensemble = Ensemble([CONFIG.build() for _ in nets])
    for net, own in zip(ensemble.members, nets, strict=True):
        net.load_state_dict(own.state_dict())
    ensemble = ensemble.to(dtype)
    tile = rng.random((1, 60, 76)).astype(np.float64 if dtype == torch.float64 else np.float32)
    engines = [TorchEngine(net, dtype=dtype) for net in ensemble.members]
    mean = np.mean([softmax(engine(tile)) for engine in engines], axis=0)
    tolerance = 1e-14 if dtype == torch.float64 else 1e-6
    np.testing.assert_allclose(softmax(EnsembleEngine(engines, Classes().mean_logits)(tile)), mean, atol=tolerance)


def test_it_keeps_a_probability_that_is_nearly_nothing(nets):
    """The logarithm of a mean of zeros would not be finite."""

    class Sure(TorchEngine):
        def __call__(self, tile):
            logits = super().__call__(tile)
            logits[0] += 1e4
            return logits

    tile = np.zeros((1, 60, 60), np.float32)
    logits = EnsembleEngine([Sure(nets[0]), Sure(nets[1])], Classes().mean_logits)(tile)
    assert np.isfinite(logits).all()
    np.testing.assert_array_equal(softmax(logits)[0], 1)


def test_tiles_change_nothing(nets, image):
    double = [CONFIG.build().double() for _ in nets]
    for copy, net in zip(double, nets, strict=True):
        copy.load_state_dict(net.state_dict())
    engine = EnsembleEngine([TorchEngine(net, dtype=torch.float64) for net in double], Classes().mean_logits)
    whole = Predictor(engine).probabilities(image[None].astype(np.float64))
    tiled = Predictor(engine, 60).probabilities(image[None].astype(np.float64))
    np.testing.assert_allclose(tiled, whole, atol=1e-14)


def test_a_file_holds_all_of_it(nets, image, tmp_path):
    model = Model(Ensemble(nets), INFO, "cpu")
    model.save(tmp_path / "model.safetensors")
    loaded = Model.load(tmp_path, "cpu")
    assert loaded.info == INFO == read_info(tmp_path / "model.safetensors")
    assert "3 x UNet" in repr(loaded)
    np.testing.assert_array_equal(loaded.predict(image).probabilities, model.predict(image).probabilities)
    single = [Model(net, ModelInfo(net=CONFIG, **CLASSES), "cpu").predict(image).probabilities for net in nets]
    np.testing.assert_allclose(model.predict(image).probabilities, np.mean(single, axis=0), atol=1e-6)
    assert dict(facts(loaded.info))["ensemble"] == "3 networks, their probabilities averaged"


def test_a_damaged_part_is_named(nets, tmp_path):
    path = tmp_path / "e.safetensors"
    save_model(path, Ensemble(nets), INFO)
    data = path.read_bytes()
    weights = load(data)
    weights["members.1.classify.bias"] += 1
    length = int.from_bytes(data[:8], "little")
    about = json.loads(data[8 : 8 + length])["__metadata__"]
    assert json.loads(about["unseam"])["format"] == ENSEMBLE_FORMAT
    path.write_bytes(save(weights, metadata=about))
    with pytest.raises(ModelFileError, match=r"network 2 of 3.*damaged"):
        load_model(path)


def test_a_part_that_is_missing_is_refused(nets, tmp_path):
    path = tmp_path / "e.safetensors"
    save_model(path, Ensemble(nets), INFO)
    data = path.read_bytes()
    weights = {name: w for name, w in load(data).items() if not name.startswith("members.2")}
    about = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    path.write_bytes(save(weights, metadata=about))
    with pytest.raises(ModelFileError, match="weights"):
        load_model(path)


def test_members_of_one_network_is_itself(nets):
    assert members_of(nets[0]) == (nets[0],)
    assert members_of(Ensemble(nets)) == tuple(nets)
