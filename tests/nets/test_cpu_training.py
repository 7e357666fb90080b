"""The functions that replace the blocks of Fig. 1 compute the same, and only while a network trains on a CPU."""

import pytest
import torch
from torch import nn

from unseam.nets import UNetConfig, fast_on_cpu
from unseam.nets.blocks import DoubleConvolution, UpConvolution
from unseam.nets.cpu_training import copied_margins, draw_kept, drop_out


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def never(monkeypatch):
    """Return a function that forbids the hand-written gradients from then on."""
    return lambda: monkeypatch.setattr(torch.autograd.Function, "apply", lambda *_: pytest.fail("hand-written gradient taken"))


@pytest.mark.parametrize("normalisation", ["none", "batch"])
def test_evaluation_and_steps_without_gradients_take_pytorchs_own_path(normalisation, never):
    net = UNetConfig(first_width=2, depth=2, normalisation=normalisation).build()
    image = torch.randn(1, 1, net.geometry.min_input, net.geometry.min_input)
    expected = net.eval()(image)
    never()
    with fast_on_cpu(net):
        assert torch.equal(net(image), expected)
        with torch.no_grad():
            net.train()(image)


def test_nothing_is_left_of_it(never):
    net = UNetConfig(first_width=2, depth=2).build().train()
    names = list(net.state_dict())
    with fast_on_cpu(net), fast_on_cpu(net):
        assert list(net.state_dict()) == names
    never()
    net(torch.randn(1, 1, net.geometry.min_input, net.geometry.min_input))
    assert not any("forward" in vars(brick) for brick in net.modules())


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block.insert(1, nn.BatchNorm2d(4)),
        lambda block: block.append(nn.Dropout2d(0.5)),
        lambda block: block.__setitem__(1, nn.LeakyReLU()),
        lambda block: block.__setitem__(2, nn.Conv2d(4, 4, 3, padding=1)),
        lambda block: block.__setitem__(0, nn.Conv2d(6, 4, 3, stride=2)),
        lambda block: block.__setitem__(0, nn.Conv2d(6, 4, 3, bias=False)),
        lambda block: block.__setitem__(0, nn.Conv2d(6, 4, 1)),
    ],
    ids=["batch normalisation", "one more layer", "leaky ReLU", "padding", "stride", "no bias", "1x1"],
)
def test_a_double_convolution_that_was_changed_skips_no_layer(change, never):
    check_no_layer_is_skipped(DoubleConvolution(6, 4), change, never)


def check_no_layer_is_skipped(block, change, never):
    change(block.train())
    seen = []
    for layer in block:
        layer.register_forward_hook(lambda layer, *_: seen.append(layer))
    never()
    with fast_on_cpu(block):
        block(torch.randn(2, 6, 12, 12)).sum().backward()
    assert seen == list(block)


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block.__setitem__(1, nn.BatchNorm2d(4)),
        lambda block: block.__setitem__(0, nn.Conv2d(6, 4, 3)),
        lambda block: block.insert(3, nn.Dropout2d(0.5)),
    ],
    ids=["another normalisation", "a bias", "one more layer"],
)
def test_nor_does_one_with_normalisation(change, never):
    check_no_layer_is_skipped(DoubleConvolution(6, 4, "batch"), change, never)


def test_weights_that_are_not_trained_get_no_gradient_and_the_others_their_own():
    net = nn.Sequential(DoubleConvolution(6, 4), UpConvolution(4))
    block, up = net
    block[0].weight.requires_grad_(False)
    up.weight.requires_grad_(False)
    with fast_on_cpu(net):
        net(torch.randn(1, 6, 9, 9)).sum().backward()
    assert block[0].weight.grad is None
    assert up.weight.grad is None
    for weight in (block[0].bias, block[2].weight, up.bias):
        assert weight.grad.any()


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_margins_are_what_remains_to_be_cropped(depth):
    """At each level the copy across has the same size as the map from below."""
    margins = copied_margins(depth)
    lengths, length = [], 2**depth * 40
    for _ in range(depth):
        lengths.append(length - 4)
        length = (length - 4) // 2
    raised = length - 4
    for level in reversed(range(depth)):
        raised *= 2
        assert (lengths[level] - raised) / 2 == margins[level] or (lengths[level] - raised) % 2
        raised = lengths[level] - 2 * margins[level] - 4


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.95])
def test_features_are_dropped_with_their_probability_each_for_itself(p):
    features = torch.ones(2, 64, 60, 60)
    out = drop_out(features, p)
    share = float((out == 0).float().mean())
    deviation = (p * (1 - p) / out.numel()) ** 0.5
    assert abs(share - p) < 4 * deviation + 1 / 2**16
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)], rel=1e-3)
    dropped = (out == 0).float()
    for shift, axis in ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)):  # neighbours share a random number
        both = float((dropped * dropped.roll(shift, axis)).mean())
        assert both == pytest.approx(share**2, abs=5 / out.numel() ** 0.5)


def test_each_quarter_of_a_number_is_random_over_its_whole_range():
    torch.manual_seed(1)
    for dropped in (1, 2**14, 2**15, 2**16 - 1):
        lost = ~draw_kept(torch.Size((1, 4, 400, 400)), dropped)
        for quarter in lost.float().mean(dim=(0, 2, 3)):  # four channels: one of each 64 bit number
            p = dropped / 2**16
            assert abs(float(quarter) - p) < 5 * (p * (1 - p) / 400**2) ** 0.5


def test_the_mean_stays_and_the_gradient_is_that_of_what_was_kept():
    torch.manual_seed(2)
    features = torch.rand(1, 8, 50, 50, requires_grad=True)
    out = drop_out(features, 0.3)
    assert float(out.detach().mean()) == pytest.approx(float(features.detach().mean()), rel=0.03)
    out.sum().backward()
    torch.testing.assert_close(features.grad, (out / features).detach(), rtol=1e-5, atol=1e-6)


def test_the_same_seed_drops_the_same_however_the_map_lies_in_memory():
    features = torch.rand(2, 5, 7, 9) + 1
    found = []
    for layout in (torch.channels_last, torch.contiguous_format):
        torch.manual_seed(3)
        found.append(drop_out(features.contiguous(memory_format=layout), 0.5))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], drop_out(features, 0.5))


def test_a_drop_out_layer_takes_the_fast_mask_in_training_only():
    layer, features = nn.Dropout(0.5), torch.rand(1, 4, 5, 5)
    with fast_on_cpu(layer):
        torch.manual_seed(4)
        dropped = layer(features)
        assert torch.equal(layer.eval()(features), features)
    torch.manual_seed(4)
    assert torch.equal(dropped, drop_out(features, 0.5))


def test_a_map_in_bfloat16_stays_in_it():
    assert drop_out(torch.rand(1, 4, 5, 5).to(torch.bfloat16), 0.5).dtype == torch.bfloat16
