"""The folded network computes what the normalised one does, and has no normalisation left."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from unseam.heads import Classes
from unseam.inference.seams import compare_tiles
from unseam.nets import Ensemble, FCNConfig, Net, UNetConfig, folded, normalisations
from unseam.nets.blocks import DoubleConvolution

CONFIGS = [
    UNetConfig(first_width=3, depth=1, normalisation="batch"),
    UNetConfig(in_channels=2, num_classes=3, first_width=2, depth=3, normalisation="batch"),
    UNetConfig(first_width=2, depth=2, normalisation="batch", resolution="half"),
    FCNConfig(in_channels=2, first_width=2, depth=2, normalisation="batch"),
]


def used(config) -> Net:
    """A network whose statistics and learnt factors are far from those it begins with."""
    torch.manual_seed(1)
    net = config.build()
    for layer in normalisations(net):
        for tensor in (layer.weight, layer.bias, layer.mean):
            nn.init.normal_(tensor)
        nn.init.uniform_(layer.variance, 0.01, 3.0)
    return net


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_logits_are_the_same_in_float64(config):
    net = used(config).double().eval()
    size = net.geometry.min_input + 2 * net.geometry.phase
    images = torch.randn(1, config.in_channels, size, size, dtype=torch.float64)
    plain = folded(net)
    expected = net(images)
    assert type(plain) is type(net)
    assert plain.config.normalisation == "none"
    torch.testing.assert_close(plain(images), expected, rtol=0, atol=1e-12 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_it_has_the_names_of_a_plain_network_and_its_own_memory(config):
    net = used(config)
    before = copy.deepcopy(net.state_dict())
    plain = folded(net)
    assert plain.state_dict().keys() == replace(config, normalisation="none").build().state_dict().keys()
    assert not normalisations(plain)
    assert not any(weight.is_meta for weight in plain.parameters())
    for weight in plain.parameters():
        weight.data.zero_()
    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_weights_are_computed_in_float64_and_rounded_once():
    torch.manual_seed(2)
    net = used(CONFIGS[0])
    kernel, layer = net.contracting[0][0].weight.detach().double(), net.contracting[0][1]
    gain, offset, mean, variance = (
        part.detach().double().numpy() for part in (layer.weight, layer.bias, layer.mean, layer.variance)
    )
    factor = gain / np.sqrt(variance + 1e-5)
    first = folded(net).contracting[0][0]
    assert np.array_equal(first.weight.detach().numpy(), (kernel.numpy() * factor[:, None, None, None]).astype(np.float32))
    assert np.array_equal(first.bias.detach().numpy(), (offset - mean * factor).astype(np.float32))


def test_the_same_weights_give_the_same_bits_and_no_random_number_is_drawn():
    net = used(CONFIGS[1])
    state = torch.get_rng_state()
    first, second = folded(net), folded(net.to(memory_format=torch.channels_last))
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)


def test_a_network_without_normalisation_is_itself():
    net = UNetConfig(first_width=2, depth=1).build()
    assert folded(net) is net
    block = DoubleConvolution(2, 2)
    block.insert(1, nn.BatchNorm2d(2))  # of somebody's own network
    assert folded(block) is block


def test_an_ensemble_is_folded_member_by_member():
    members = [used(CONFIGS[0]).eval(), used(CONFIGS[0]).eval()]
    plain = folded(Ensemble(members))
    assert plain.config.normalisation == "none"
    image = torch.randn(1, 1, 40, 40)
    for member, of_plain in zip(members, plain.members, strict=True):
        torch.testing.assert_close(of_plain(image), member(image), rtol=1e-4, atol=1e-4)


def test_it_has_no_seams():
    image = np.random.default_rng(0).random((2, 70, 60))
    lines = list(compare_tiles(folded(used(CONFIGS[1])), Classes(), image, (100, 116)))
    assert len(lines) == 2
    assert max(line.difference for line in lines) < 1e-14
