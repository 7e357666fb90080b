"""Compare the hand-written gradients with PyTorch's: the same sums in another order."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unseam.nets import FCNConfig, NetConfig, ReleasedConfig, UNetConfig, fast_on_cpu, gradients
from unseam.nets.gradients import convolution_with_normalisation, convolution_with_relu, pool_and_copy, up_convolution

LAYOUTS = [torch.channels_last, torch.contiguous_format]
IDS = ["channels_last", "contiguous"]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def small_strips(monkeypatch):
    """Treat every map as large, and make strips of one or a few rows."""
    monkeypatch.setattr(gradients, "_LARGE_BYTES", 0)
    monkeypatch.setattr(gradients, "_STRIP_BYTES", 3000)


def leaves(generator: torch.Generator, *shapes: tuple[int, ...], layout=torch.channels_last) -> list[torch.Tensor]:
    made = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    laid = [tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor for tensor in made]
    return [tensor.requires_grad_() for tensor in laid]


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
@pytest.mark.parametrize("channels", [1, 4, 5])
def test_a_convolution_passes_the_check_by_finite_differences(generator, layout, channels):
    args = leaves(generator, (2, channels, 7, 6), (3, channels, 3, 3), (3,), layout=layout)
    assert torch.autograd.gradcheck(convolution_with_relu, args)


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
@pytest.mark.parametrize("channels", [1, 4, 5])
def test_a_convolution_with_normalisation_passes_the_check_by_finite_differences(generator, layout, channels):
    args = leaves(generator, (2, channels, 7, 6), (3, channels, 3, 3), (3,), (3,), layout=layout)
    assert torch.autograd.gradcheck(lambda *given: convolution_with_normalisation(*given, 1e-5)[0], args)


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
@pytest.mark.parametrize("channels", [1, 6])
def test_a_convolution_with_normalisation_equals_the_formula(generator, layout, channels):
    """The formula is written out, for PyTorch's own layer calls what ours calls."""
    args = leaves(generator, (2, channels, 19, 12), (5, channels, 3, 3), (5,), (5,), layout=layout)
    same = [arg.detach().clone().requires_grad_() for arg in args]
    ours, mean, variance = convolution_with_normalisation(*args, 1e-5)
    y = F.conv2d(same[0], same[1])
    spread, middle = torch.var_mean(y, (0, 2, 3), correction=0, keepdim=True)
    gain, offset = (line.view(1, -1, 1, 1) for line in same[2:])
    theirs = F.relu((y - middle) / torch.sqrt(spread + 1e-5) * gain + offset)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close(mean, y.mean((0, 2, 3)).detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(variance, y.var((0, 2, 3)).detach(), rtol=0, atol=1e-11)
    of_result = torch.randn(ours.shape, generator=generator, dtype=torch.float64)
    ours.backward(of_result)
    theirs.backward(of_result)
    for mine, other in zip(args, same, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=0, atol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_an_up_convolution_passes_the_check_by_finite_differences(generator, layout):
    assert torch.autograd.gradcheck(up_convolution, leaves(generator, (2, 4, 3, 2), (4, 3, 2, 2), (3,), layout=layout))


@pytest.mark.parametrize("margin", [0, 1, 3])
def test_pooling_and_copying_passes_the_check_by_finite_differences(generator, margin):
    (features,) = leaves(generator, (2, 3, 8, 10))
    assert torch.autograd.gradcheck(lambda f: pool_and_copy(f, margin), [features])


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_a_convolution_equals_pytorchs(generator, layout, channels):
    args = leaves(generator, (2, channels, 19, 12), (5, channels, 3, 3), (5,), layout=layout)
    same = [arg.detach().clone().requires_grad_() for arg in args]
    ours, theirs = convolution_with_relu(*args), F.relu(F.conv2d(*same))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    of_result = torch.randn(ours.shape, generator=generator, dtype=torch.float64)
    ours.backward(of_result)
    theirs.backward(of_result)
    for mine, other in zip(args, same, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=0, atol=1e-12)


def test_where_two_pixels_are_equally_large_the_gradient_goes_where_pytorch_sends_it():
    features = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    pooled, copied = pool_and_copy(features, 1)
    (pooled.sum() + 10 * copied.sum()).backward()
    expected = torch.zeros(4, 4, dtype=torch.float64)
    expected[::2, ::2] = 1  # the first of the four
    expected[1:3, 1:3] += 10
    torch.testing.assert_close(features.grad[0, 0], expected, rtol=0, atol=0)


def fast_step_of(net: nn.Module, image: torch.Tensor, autocast: bool = False) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    with fast_on_cpu(net):
        return step_of(net, image, autocast)


def step_of(net: nn.Module, image: torch.Tensor, autocast: bool = False) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return logits and gradients of one training step; drop-out drops the same features each time."""
    torch.manual_seed(5)
    net.train().zero_grad()
    with torch.random.fork_rng(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = net(image)
    logits.float().square().mean().backward() if autocast else logits.square().mean().backward()
    return logits.detach(), {name: weight.grad.clone() for name, weight in net.named_parameters()}


NETS: list[NetConfig] = [
    *(UNetConfig(in_channels=1, first_width=2, depth=depth, dropout=0.0) for depth in (1, 2, 3, 4)),
    UNetConfig(in_channels=5, num_classes=3, first_width=3, depth=2, dropout=0.0),
    FCNConfig(in_channels=3, first_width=2, depth=2, dropout=0.0),
    UNetConfig(in_channels=1, first_width=3, depth=3, dropout=0.0, normalisation="batch"),
    UNetConfig(in_channels=5, first_width=2, depth=1, dropout=0.0, normalisation="batch"),
    FCNConfig(in_channels=3, first_width=2, depth=2, dropout=0.0, normalisation="batch"),
    ReleasedConfig(in_channels=1, first_width=2, dropout=0.0),
]


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
@pytest.mark.parametrize("config", NETS, ids=str)
def test_a_step_of_a_whole_network_equals_pytorchs(config, layout):
    torch.manual_seed(1)
    net = config.build().double().to(memory_format=layout)
    size = net.geometry.min_input + net.geometry.phase
    image = torch.randn(2, config.in_channels, size, size, dtype=torch.float64).contiguous(memory_format=layout)
    other = copy.deepcopy(net)
    logits, ours = fast_step_of(net, image)
    expected, theirs = step_of(other, image)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-11, atol=1e-12, msg=lambda m, name=name: f"{name}: {m}")
    for name, stored in net.named_buffers():
        torch.testing.assert_close(stored, other.get_buffer(name), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("small_strips")
@pytest.mark.parametrize("normalisation", ["none", "batch"])
@pytest.mark.parametrize("channels", [1, 5])
def test_in_bfloat16_the_gradients_are_no_farther_from_the_exact_ones_than_pytorchs(channels, normalisation):
    """Both round every map to 8 bits. Ours sums strips in float32, so it may be more exact but not less.

    The exact gradients are those of float64. A fifth more than PyTorch's error is allowed, for the maps are small.
    """
    torch.manual_seed(2)
    net = UNetConfig(in_channels=channels, first_width=8, depth=2, dropout=0.0, normalisation=normalisation).build()
    size = net.geometry.min_input + 8 * net.geometry.phase
    net = net.to(memory_format=torch.channels_last)
    image = torch.randn(2, channels, size, size).contiguous(memory_format=torch.channels_last)
    _, ours = fast_step_of(net, image, autocast=True)
    _, theirs = step_of(net, image, autocast=True)
    _, exact = step_of(copy.deepcopy(net).double(), image.double())

    def error(found: dict[str, torch.Tensor], name: str) -> float:
        return float((found[name] - exact[name]).norm() / exact[name].norm())

    for name in exact:
        assert ours[name].dtype == torch.float32
        assert error(ours, name) < 1.2 * error(theirs, name) + 2e-3, name
        # Normalisation takes the largest part of a gradient away, and leaves the rounding of all of it.
        assert normalisation == "batch" or error(ours, name) < 0.1, name


def test_weights_have_the_names_that_model_files_hold():
    names = set(UNetConfig(first_width=2, depth=1).build().state_dict())
    blocks = ("contracting.0", "contracting.1", "expansive.0")
    expected = {f"{block}.{layer}.{part}" for block in blocks for layer in (0, 2) for part in ("weight", "bias")}
    assert names == expected | {f"{layer}.{part}" for layer in ("up.0", "classify") for part in ("weight", "bias")}
