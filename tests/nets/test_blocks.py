"""Compare the building blocks of Fig. 1 with loops over pixels."""

import numpy as np
import pytest
import torch
from torch import nn

from unseam.nets import FCN, UNet
from unseam.nets.blocks import DoubleConvolution, UpConvolution, crop, draw_weights, incoming_nodes


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def convolved(image: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Compute a valid convolution as the paper draws it: one window, one number."""
    num_out, _, size, _ = weight.shape
    rows, columns = image.shape[1] - size + 1, image.shape[2] - size + 1
    out = np.empty((num_out, rows, columns))
    for k, i, j in np.ndindex(out.shape):
        out[k, i, j] = np.sum(image[:, i : i + size, j : j + size] * weight[k]) + bias[k]
    return out


def test_double_convolution_by_windows(rng):
    block = DoubleConvolution(2, 3).double()
    first, second = block[0], block[2]
    image = rng.normal(size=(2, 7, 6))
    expected = image
    for layer in (first, second):
        expected = np.maximum(0, convolved(expected, layer.weight.detach().numpy(), layer.bias.detach().numpy()))
    result = block(torch.from_numpy(image)[None])[0].detach().numpy()
    assert result.shape == (3, 3, 2)
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_double_convolution_ends_in_a_relu(generator):
    out = DoubleConvolution(1, 4)(torch.randn(1, 1, 40, 40, generator=generator))
    assert out.min() == 0
    assert out.max() > 0


def test_up_convolution_spreads_each_pixel_over_four(rng):
    """Each px of the input gives 2x2 px of the output: no output px sees two inputs."""
    up = UpConvolution(4).double()
    weight, bias = up.weight.detach().numpy(), up.bias.detach().numpy()
    features = rng.normal(size=(4, 3, 5))
    result = up(torch.from_numpy(features)[None])[0].detach().numpy()
    assert result.shape == (2, 6, 10)
    for k, i, j in np.ndindex(result.shape):
        expected = features[:, i // 2, j // 2] @ weight[:, k, i % 2, j % 2] + bias[k]
        assert result[k, i, j] == pytest.approx(expected, abs=1e-12)


def test_crop_takes_the_centre():
    features = torch.arange(2 * 8 * 6.0).reshape(1, 2, 8, 6)
    assert torch.equal(crop(features, 4, 2), features[:, :, 2:6, 2:4])
    assert torch.equal(crop(features, 8, 6), features)


@pytest.mark.parametrize(
    ("layer", "nodes"),
    [
        (nn.Conv2d(64, 128, 3), 576),
        (nn.Conv2d(1, 64, 3), 9),
        (nn.Conv2d(64, 2, 1), 64),
        (nn.Conv2d(64, 64, 3, groups=64), 9),
        (nn.Conv2d(8, 4, (3, 1)), 24),
        (UpConvolution(1024), 1024),
        (nn.ConvTranspose2d(8, 8, kernel_size=4, stride=2, padding=2), 32),
    ],
)
def test_incoming_nodes(layer, nodes):
    assert incoming_nodes(layer) == nodes


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 3), nn.ConvTranspose2d(3, 5, 2, stride=2), nn.ConvTranspose2d(3, 5, 4, 2)])
def test_incoming_nodes_by_asking_the_layer(layer):
    """Count the inputs that one output number in the middle depends on."""
    image = torch.ones(1, 3, 8, 8, requires_grad=True)
    out = layer(image)
    out[0, 0, out.shape[2] // 2, out.shape[3] // 2].backward()
    assert np.count_nonzero(image.grad.numpy()) == incoming_nodes(layer)


def test_draw_weights_is_the_generators_and_leaves_torchs_own_alone(generator):
    net = UNet(first_width=2, depth=1)
    state = torch.get_rng_state()
    draw_weights(net, generator)
    first = {name: w.clone() for name, w in net.state_dict().items()}
    draw_weights(net, torch.Generator().manual_seed(0))
    assert all(torch.equal(w, first[name]) for name, w in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_biases_start_at_zero():
    nn_layers = [m for m in UNet(first_width=2, depth=2).modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(nn_layers) == 13
    assert not any(layer.bias.any() for layer in nn_layers)


def test_layers_without_a_bias_are_drawn_too():
    layer = nn.Conv2d(64, 64, 3, bias=False)
    draw_weights(layer)
    assert float(layer.weight.detach().std()) == pytest.approx(np.sqrt(2 / 576), rel=0.02)


@pytest.mark.parametrize("net", [UNet, FCN])
def test_the_same_seed_gives_the_same_network(net):
    torch.manual_seed(5)
    first = net(first_width=2, depth=1).state_dict()
    torch.manual_seed(5)
    second = net(first_width=2, depth=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
