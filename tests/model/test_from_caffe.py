"""The released network from a file of Caffe: taken over as it is, or refused with the first thing that does not fit."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from reference.caffe_files import caffemodel, hdf5
from reference.released_arrays import arrays, set_by_hand
from unseam.errors import ModelFileError
from unseam.model.from_caffe import load_released
from unseam.nets import ReleasedUNet

WIDTH = 2


def written(folder: Path, layers: dict[str, list[np.ndarray]], form: str = "new") -> Path:
    if form == "HDF5":
        pytest.importorskip("h5py")
        return hdf5(folder / "net.caffemodel.h5", layers)
    path = folder / "net.caffemodel"
    path.write_bytes(caffemodel(layers, form))
    return path


@pytest.mark.parametrize("form", ["new", "V1", "HDF5"])
@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 5)])
def test_the_weights_are_those_of_the_file(form, channels, classes, tmp_path):
    layers = arrays(WIDTH, channels, classes)
    net = load_released(written(tmp_path, layers, form), WIDTH)
    by_hand = set_by_hand(ReleasedUNet(channels, classes, first_width=WIDTH), layers)
    assert net.config == by_hand.config
    assert not net.training
    for name, weight in by_hand.state_dict().items():
        assert torch.equal(net.state_dict()[name], weight), name
    image = torch.randn(1, channels, 188, 188)
    with torch.no_grad():
        assert torch.equal(net(image), by_hand(image))


def test_it_can_be_trained_further(tmp_path):
    net = load_released(written(tmp_path, arrays(WIDTH)), WIDTH).train()
    before = net.classify.weight.clone()
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    net(torch.randn(1, 1, 188, 188)).square().mean().backward()
    optimiser.step()
    assert all(weight.grad is not None for weight in net.parameters())
    assert not torch.equal(net.classify.weight, before)


def without(name):
    def change(layers):
        del layers[name]

    return change


def other(name, part, shape):
    def change(layers):
        layers[name][part] = np.zeros(shape, np.float32)

    return change


def transposed(layers):
    """The order (height, width, inputs, outputs), which some programs write: the same number of weights."""
    layers["conv_d0b-c"][0] = layers["conv_d0b-c"][0].transpose(2, 3, 1, 0).copy()


def named_otherwise(layers):
    for name in list(layers):
        layers[f"{name}_x"] = layers.pop(name)


def one_more(layers):
    layers["conv_more"] = [np.zeros((2, 2), np.float32)]


def without_bias(layers):
    layers["conv_u1c-d"].pop()


def not_finite(layers):
    layers["upconv_u3d_u2a"][1][3] = np.nan


def too_large_for_float32(layers):
    layers["conv_d0a-b"] = [layers["conv_d0a-b"][0].astype(np.float64), np.full(WIDTH, 1e300)]


REFUSED = [
    (without("conv_d2b-c"), r"lacks 1 of the 23 layers \('conv_d2b-c'\), so it is another network"),
    (named_otherwise, r"lacks 23 of the 23 layers \('conv_d0a-b', 'conv_d0b-c', .*\.\.\.\)"),
    (one_more, r"1 more layer\(s\) with weights \('conv_more'\)"),
    (without_bias, r"'conv_u1c-d' has 1 array\(s\)"),
    (transposed, r"weight of the layer 'conv_d0b-c' has the shape \(3, 3, 2, 2\), and the network needs \(2, 2, 3, 3\)"),
    (other("upconv_u1d_u0a", 0, (4, 2, 2, 2)), r"'upconv_u1d_u0a' has the shape \(4, 2, 2, 2\), and .* \(4, 4, 2, 2\)"),
    (other("conv_u0b-c", 0, (2, 4, 3, 3)), r"'conv_u0b-c' has the shape \(2, 4, 3, 3\), and the network needs \(2, 6, 3, 3\)"),
    (other("conv_d1a-b", 1, (5,)), r"bias of the layer 'conv_d1a-b' has the shape \(5,\), and the network needs \(4,\)"),
    (other("conv_d1a-b", 1, (2, 2)), r"bias of the layer 'conv_d1a-b' has the shape \(2, 2\), and the network needs \(4,\)"),
    (other("conv_u0d-score", 0, (1, 2, 1, 1)), r"'conv_u0d-score' has the shape \(1, 2, 1, 1\), and the network needs \(2, 2,"),
    (other("conv_d0a-b", 0, (2, 5000, 3, 3)), r"'conv_d0a-b' has the shape \(2, 5000, 3, 3\), and the network needs \(2, 1,"),
    (other("conv_d0a-b", 0, (0, 1, 3, 3)), r"'conv_d0a-b' has the shape \(0, 1, 3, 3\)"),
    (not_finite, r"bias of the layer 'upconv_u3d_u2a' holds numbers that are not finite"),
    (too_large_for_float32, r"bias of the layer 'conv_d0a-b' holds numbers that are not finite"),
]


@pytest.mark.parametrize("form", ["new", "HDF5"])
@pytest.mark.parametrize(("change", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(change, words, form, tmp_path):
    layers = arrays(WIDTH)
    change(layers)
    with pytest.raises(ModelFileError, match=words):
        load_released(written(tmp_path, layers, form), WIDTH)


def test_the_first_layer_that_does_not_fit_is_named(tmp_path):
    """A network of twice the width: the message speaks of the first layer, in the order of the release."""
    path = written(tmp_path, dict(reversed(arrays(2 * WIDTH).items())))
    with pytest.raises(
        ModelFileError, match=r"'conv_d0a-b' has the shape \(4, 1, 3, 3\), and the network needs \(2, 1, 3, 3\)"
    ):
        load_released(path, WIDTH)


@pytest.mark.parametrize(
    "data", [b"", b"\x0a\x01x", caffemodel({}), bytes(10), b"GIF89a", b"PK\x03\x04" * 30, b"\x80\x02cos\n."]
)
def test_what_is_no_network(data, tmp_path):
    (tmp_path / "a.caffemodel").write_bytes(data)
    with pytest.raises(ModelFileError):
        load_released(tmp_path / "a.caffemodel")


def test_another_network_is_refused_before_its_weights_are_read(tmp_path):
    """Of two layers, the second does not fit: the first, of 4 MB, is not read either."""
    layers = arrays(WIDTH)
    layers["conv_d0a-b"][0] = np.zeros((1000, 1000), np.float32)
    path = written(tmp_path, layers)
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=r"\(1000, 1000\)"):
        load_released(path, WIDTH)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
