"""The FCN has the same contracting path, upsamples score maps bilinearly, and sums them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unseam.errors import SettingsError, SizeError
from unseam.nets import FCN, FCNConfig, Net, UNet
from unseam.nets.fcn import bilinear_kernel


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(2, 4))
def test_sizes_are_those_of_the_geometry(depth, more_rows, more_columns, channels, num_classes):
    net = FCN(channels, num_classes, first_width=1, depth=depth)
    geometry = net.geometry
    height, width = (geometry.min_input + k * geometry.phase for k in (more_rows, more_columns))
    logits = net(torch.zeros(2, channels, height, width))
    assert logits.shape == (2, num_classes, geometry.output_for(height), geometry.output_for(width))


def test_context_and_phase_at_the_papers_depth():
    with torch.device("meta"):
        net = FCN()
    assert (net.context, net.phase, net.geometry.min_input) == (77, 16, 156)
    assert isinstance(net, Net)


def test_sizes_that_cannot_pass_are_refused():
    with pytest.raises(SizeError, match="17 px"):
        FCN(first_width=1, depth=1)(torch.zeros(1, 1, 17, 16))


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingsError, match=r"fcn\.depth = 8.*1 and 7"):
        FCNConfig(depth=8)


def test_the_config_builds_its_network():
    config = FCNConfig(in_channels=2, num_classes=3, first_width=2, depth=1, dropout=0.1)
    assert config.build().config == config
    assert FCNConfig() == FCN(first_width=64, depth=4).config


def test_the_contracting_path_is_the_unets():
    with torch.device("meta"):
        ours, unets = FCN().contracting, UNet().contracting
    assert [w.shape for w in ours.parameters()] == [w.shape for w in unets.parameters()]


def test_the_kernel_shares_each_pixel_out_whole():
    kernel = bilinear_kernel()
    assert torch.equal(kernel, kernel.T)
    assert torch.equal(kernel, kernel.flip(0))
    for i in range(2):
        assert float(kernel[i::2].sum(0)[0:3:2].sum()) == 1.0


def test_upsampling_starts_bilinear(rng):
    """Classes do not mix; each output px has 3/4 of the nearer and 1/4 of the farther px, along both axes."""
    up = FCN(num_classes=3, first_width=1, depth=1).up[0]
    scores = rng.normal(size=(3, 5, 6))
    result = up(torch.from_numpy(scores.astype(np.float32))[None])[0].detach().numpy()
    expected = scores
    for axis in (1, 2):
        near, far = (np.moveaxis(expected, axis, 0)[k:] for k in (0, 1))
        near = near[: len(far)]
        pairs = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], axis=1)
        expected = np.moveaxis(pairs.reshape(-1, *pairs.shape[2:]), 0, axis)
    assert result.shape == (3, 8, 10)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_score_maps_are_summed_where_they_lie():
    """Depth 1 by hand: the upsampled score of the bottom plus the score of the first level, centre on centre."""
    torch.manual_seed(0)
    net = FCN(first_width=2, depth=1).double().eval()
    image = torch.randn(1, 1, 20, 22, dtype=torch.float64)
    first = net.contracting[0](image)
    bottom = net.contracting[1](net.pool(first))
    raised = net.up[0](net.score[1](bottom))
    lost = [(a - b) // 2 for a, b in zip(first.shape[-2:], raised.shape[-2:], strict=True)]
    assert lost == [5, 5]
    expected = raised + net.score[0](first)[..., 5:-5, 5:-5]
    torch.testing.assert_close(net(image), expected)


@pytest.mark.parametrize("axis", [2, 3])
def test_a_mirror_image_gives_a_mirror_image(axis):
    """With symmetric kernels, upsampling, crop and sum keep the centre."""
    torch.manual_seed(0)
    net = FCN(first_width=2, depth=2).double().eval()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_((layer.weight + layer.weight.flip(axis)) / 2)
    image = torch.randn(1, 1, 36, 44, dtype=torch.float64)
    torch.testing.assert_close(net(image.flip(axis)), net(image).flip(axis))


def test_every_weight_has_a_share():
    torch.manual_seed(0)
    net = FCN(first_width=2, depth=2).eval()
    net(torch.randn(1, 1, 60, 60)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.parameters())


def test_drop_out_only_in_training():
    torch.manual_seed(0)
    net = FCN(first_width=4, depth=1)
    image = torch.randn(1, 1, 20, 20)
    assert not torch.equal(net.train()(image), net(image))
    assert torch.equal(net.eval()(image), net(image))
