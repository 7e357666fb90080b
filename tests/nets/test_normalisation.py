"""Batch normalisation: by the batch in training, by stored statistics in evaluation."""

import pytest
import torch
from torch import nn

from unseam.nets import UNetConfig, fast_on_cpu, normalisations, recompute_statistics, set_fixed, set_momentum
from unseam.nets.blocks import DoubleConvolution
from unseam.nets.normalisation import BatchNormalisation


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def maps(number: int, channels: int = 3) -> list[torch.Tensor]:
    return [torch.randn(2, channels, 9, 8) * (step + 1) + step for step in range(number)]


def learnt(layer: nn.Module) -> nn.Module:
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    return layer


def test_in_training_it_is_pytorchs():
    ours, theirs = learnt(BatchNormalisation(3)), nn.BatchNorm2d(3)
    theirs.load_state_dict(ours.state_dict() | theirs.state_dict() | dict(ours.named_parameters()), strict=False)
    for features in maps(3):
        assert torch.equal(ours(features), theirs(features))


@pytest.mark.parametrize("momentum", [0.05, 0.5])
def test_the_stored_statistics_are_a_mean_at_first_and_then_a_slow_average(momentum):
    layer = BatchNormalisation(3, momentum)
    mean, variance = torch.zeros(3), torch.ones(3)
    for step, features in enumerate(maps(30)):
        layer(features)
        share = max(momentum, 1 / (step + 1))
        mean = (1 - share) * mean + share * features.mean((0, 2, 3))
        variance = (1 - share) * variance + share * features.var((0, 2, 3))
        torch.testing.assert_close(layer.mean, mean)
        torch.testing.assert_close(layer.variance, variance)
    assert float(layer.num_batches) == 30


def test_in_evaluation_it_is_a_factor_and_an_offset_and_the_statistics_stay():
    layer = learnt(BatchNormalisation(3))
    for features in maps(3):
        layer(features)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    (features,) = maps(1)
    per_feature = (layer.weight, layer.mean, layer.variance, layer.bias)
    gain, mean, variance, offset = (part.detach().view(1, 3, 1, 1) for part in per_feature)
    torch.testing.assert_close(layer.eval()(features), (features - mean) / (variance + 1e-5).sqrt() * gain + offset)
    torch.testing.assert_close(layer.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("at", [0, 1])
def test_a_batch_that_is_not_finite_leaves_the_statistics_alone(bad, at):
    """Such a step is not applied, and one bad crop must not spoil all predictions after it."""
    layer, clean = BatchNormalisation(3), BatchNormalisation(3)
    for step, features in enumerate(maps(3)):
        if step == at:
            spoilt = features.clone()
            spoilt[0, 1, 0, 0] = bad
            layer(spoilt)
        layer(features)
        clean(features)
    torch.testing.assert_close(layer.state_dict(), clean.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("is_fast", [False, True])
def test_the_paths_store_the_same(is_fast):
    block, other = DoubleConvolution(3, 4, "batch"), DoubleConvolution(3, 4, "batch")
    other.load_state_dict(block.state_dict())
    for features in maps(3):
        if is_fast:
            with fast_on_cpu(block):
                block(features)
        else:
            block(features)
        other(features)
    torch.testing.assert_close(block.state_dict(), other.state_dict())
    assert float(block[1].num_batches) == 3


def test_recomputed_statistics_are_the_mean_over_the_batches_without_drop_out():
    net = UNetConfig(first_width=2, depth=1, dropout=0.9, normalisation="batch").build().train()
    size = net.geometry.min_input + 20
    batches = [torch.randn(1, 1, size, size) + step for step in range(4)]
    set_momentum(net, 0.3)
    net(batches[0])
    recompute_statistics(net, iter(batches))
    first, *_, last = normalisations(net)
    torch.testing.assert_close(first.mean, sum(net.contracting[0][0](images).mean((0, 2, 3)) for images in batches) / 4)
    seen = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    torch.manual_seed(9)
    recompute_statistics(net, iter(batches))
    torch.testing.assert_close(net.state_dict(), seen, rtol=0, atol=0)
    assert not any(layer.training for layer in net.modules())
    assert last.momentum == 0.3
    assert float(last.num_batches) == 4


def test_with_fixed_statistics_a_training_step_computes_what_prediction_does():
    net = UNetConfig(first_width=3, depth=2, normalisation="batch", dropout=0.0).build().train()
    image = torch.randn(1, 1, net.geometry.min_input + 8, net.geometry.min_input)
    for _ in range(3):
        net(image + torch.randn(()))
    set_fixed(net, is_fixed=True)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    logits = net(image)
    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)
    torch.testing.assert_close(net.eval()(image), logits, rtol=0, atol=0)
    set_fixed(net, is_fixed=False)
    assert not torch.allclose(net.train()(image), logits)


def test_with_fixed_statistics_the_hand_written_gradients_are_pytorchs():
    net = UNetConfig(first_width=3, depth=2, normalisation="batch", dropout=0.0).build().train()
    image = torch.randn(2, 1, net.geometry.min_input, net.geometry.min_input)
    for _ in range(3):
        net(image)
    set_fixed(net, is_fixed=True)
    expected = net(image)
    expected.square().sum().backward()
    gradients = [weight.grad.clone() for weight in net.parameters()]
    net.zero_grad()
    with fast_on_cpu(net):
        found = net(image)
        found.square().sum().backward()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for weight, gradient in zip(net.parameters(), gradients, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-3, atol=1e-3 * float(gradient.abs().max()))
