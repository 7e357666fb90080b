"""A model's engine uses the current weights."""

import numpy as np
import pytest
import torch

from unseam.engines.choose import has_openvino
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import UNetConfig, normalisations

ENGINES = ["torch", pytest.param("openvino", marks=pytest.mark.skipif(not has_openvino(), reason="an extra"))]
IMAGE = np.arange(400, dtype=np.uint8).reshape(20, 20)


def model_with(engine) -> Model:
    torch.manual_seed(0)
    config = UNetConfig(first_width=2, depth=1)
    return Model(config.build(), ModelInfo(net=config), "cpu", engine=engine)


def a_larger_step(net) -> None:
    optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
    sum(weight.sum() for weight in net.parameters()).backward()
    optimiser.step()


def other_weights(net) -> None:
    net.load_state_dict({name: weight + 0.5 for name, weight in net.state_dict().items()})


def one_number(net) -> None:
    with torch.no_grad():
        net.classify.bias[0] += 3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("change", [a_larger_step, other_weights, one_number])
def test_changed_weights_are_seen(engine, change):
    model = model_with(engine)
    before = model.predict(IMAGE).probabilities
    change(model.net)
    after = model.predict(IMAGE).probabilities
    assert not np.allclose(after, before, atol=1e-3)
    assert np.array_equal(after, Model(model.net, model.info, "cpu", engine=engine).predict(IMAGE).probabilities)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_stays_while_the_weights_do(engine):
    model = model_with(engine)
    first = model.engine
    model.predict(IMAGE)
    assert model.engine is first


def test_a_network_with_normalisation_is_folded_into_a_plain_one(tmp_path):
    config = UNetConfig(first_width=2, depth=1, normalisation="batch")
    net = config.build()
    size = net.geometry.min_input + 20
    net(torch.randn(2, 1, size, size))
    Model(net, ModelInfo(net=config), "cpu").save(tmp_path / "m.safetensors")
    loaded = Model.load(tmp_path / "m.safetensors", "cpu")
    assert loaded.info.net.normalisation == "none"
    assert normalisations(net)
    image = torch.randn(1, 1, size, size)
    torch.testing.assert_close(loaded.net(image), net.eval()(image), rtol=1e-4, atol=1e-4)


def test_a_network_made_float64_is_seen():
    model = model_with("auto")
    model.predict(IMAGE)
    model.net.double()
    assert "float64" in str(model.engine)
