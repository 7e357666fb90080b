"""Muon moves kernels by orthogonal matrices, and everything else as Adam does."""

import copy

import pytest
import torch
from torch import nn

from unseam.errors import SettingsError
from unseam.nets import UNetConfig
from unseam.training import Muon
from unseam.training.muon import orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (16, 90), (90, 16), (1, 9), (64, 576)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape) * 1e-3
    (found,) = orthogonal([matrix])
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    assert (values / values[0]).min() > 1e-3, "the matrix of this test is well conditioned"
    in_directions = u.T @ found @ v.T  # diagonal, if each direction only changed its length
    lengths = in_directions.diagonal()
    assert float((in_directions - torch.diag(lengths)).abs().max()) < 0.02
    assert float(lengths.min()) > 0.3
    assert float(lengths.max()) < 1.3


def test_the_rounds_are_those_of_the_source():
    """Newton and Schulz's iteration as it is written, one matrix at a time."""
    torch.manual_seed(4)
    matrices = [torch.randn(shape) for shape in [(16, 90), (16, 144), (40, 16), (32, 64)]]
    for matrix, found in zip(matrices, orthogonal(matrices), strict=True):
        x = (matrix.T if matrix.shape[0] > matrix.shape[1] else matrix).double()
        x = x / x.norm()
        for _ in range(5):
            square = x @ x.T
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
        expected = (x.T if matrix.shape[0] > matrix.shape[1] else x).float()
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_a_gradient_of_zeros_moves_nothing():
    assert torch.equal(orthogonal([torch.zeros(4, 36)])[0], torch.zeros(4, 36))
    net = nn.Conv2d(2, 4, 3)
    before = copy.deepcopy(net.state_dict())
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    Muon().build(net).step()
    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_the_first_step_of_a_kernel_by_hand():
    torch.manual_seed(1)
    net = nn.Conv2d(3, 5, 3, bias=False)
    before = net.weight.detach().clone()
    net.weight.grad = torch.randn_like(net.weight)
    Muon(learning_rate=0.1, momentum=0.9).build(net).step()
    # Of the first momentum a tenth is the gradient; its direction is the gradient's.
    expected = orthogonal([net.weight.grad.flatten(1)])[0].view_as(before)
    torch.testing.assert_close(before - net.weight, 0.1 * expected, rtol=1e-3, atol=1e-6)


def test_everything_but_kernels_moves_as_in_adam():
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 3))
    theirs = copy.deepcopy(net)
    own = Muon(learning_rate=0.02, of_others=0.05).build(net)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.001, betas=(0.9, 0.99))
    for _ in range(5):
        for mine, other in zip(net.parameters(), theirs.parameters(), strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        own.step()
        adam.step()
    for name in ("0.weight", "0.bias", "1.bias"):
        torch.testing.assert_close(net.state_dict()[name], theirs.state_dict()[name], rtol=1e-4, atol=1e-7)
    assert not torch.allclose(net[1].weight, theirs[1].weight)


def test_channels_last_changes_nothing():
    torch.manual_seed(3)
    net = UNetConfig(first_width=4, depth=1).build()
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)
    for mine, theirs in zip(net.parameters(), other.parameters(), strict=True):
        mine.grad = torch.randn_like(mine)
        theirs.grad = torch.empty_like(theirs).copy_(mine.grad)
    Muon().build(net).step()
    Muon().build(other).step()
    torch.testing.assert_close(net.state_dict(), other.state_dict())


@pytest.mark.parametrize("setting", [{"learning_rate": -1.0}, {"momentum": 1.0}, {"of_others": float("nan")}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(SettingsError, match="muon"):
        Muon(**setting)
