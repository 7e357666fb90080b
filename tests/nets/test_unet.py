"""The U-Net has the sizes that its geometry states, for every width, depth and size of input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unseam.errors import SettingsError, SizeError
from unseam.nets import Net, UNet, UNetConfig


@pytest.fixture
def net():
    torch.manual_seed(0)
    return UNet(first_width=2, depth=2).eval()


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(2, 4))
def test_sizes_are_those_of_the_geometry(depth, more_rows, more_columns, channels, num_classes):
    net = UNet(channels, num_classes, first_width=1, depth=depth)
    geometry = net.geometry
    height, width = (geometry.min_input + k * geometry.phase for k in (more_rows, more_columns))
    logits = net(torch.zeros(2, channels, height, width))
    assert logits.shape == (2, num_classes, geometry.output_for(height), geometry.output_for(width))


def test_context_and_phase_are_the_geometrys(net):
    assert (net.context, net.phase) == (net.geometry.context, net.geometry.phase) == (20, 4)
    assert isinstance(net, Net)


@pytest.mark.parametrize("shape", [(45, 44), (44, 46), (43, 44), (40, 40), (0, 44)])
def test_sizes_that_cannot_pass_are_refused(net, shape):
    wrong = next(length for length in shape if length != 44)
    with pytest.raises(SizeError, match=f"{wrong} px"):
        net(torch.zeros(1, 1, *shape))


def test_the_config_builds_its_network():
    config = UNetConfig(in_channels=3, num_classes=4, first_width=2, depth=1, dropout=0.25)
    net = config.build()
    assert net.config == config
    assert (net.drop.p, net.contracting[0][0].in_channels, net.classify.out_channels) == (0.25, 3, 4)
    assert UNet().config == UNetConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [("in_channels", 0), ("num_classes", 1), ("num_classes", 256), ("first_width", 0), ("depth", 0), ("depth", 8)]
    + [("dropout", value) for value in (-0.1, 1.0, float("nan"))],
)
@pytest.mark.parametrize("of", [UNetConfig, UNet])
def test_settings_out_of_range_are_refused(of, name, value):
    with pytest.raises(SettingsError, match=rf"unet\.{name}"):
        of(**{name: value})


@pytest.mark.parametrize("shift", [1, 2, 3, 4, 8])
def test_only_shifts_by_the_phase_shift_the_output(net, shift):
    image = torch.randn(1, 1, 60, 60, dtype=torch.float64)
    net = net.double()
    moved = net(image[..., shift : shift + 44, :])
    same = net(image)[..., shift : shift + moved.shape[-2], :]
    difference = float((moved - same).abs().max().detach())
    assert (difference < 1e-12) == (shift % net.phase == 0), difference


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_pixel_reaches_beyond_the_context_by_less_than_a_phase(depth):
    """All pixels of a phase see the same input, so only one of them reaches as far as the context on each side."""
    torch.manual_seed(0)
    net = UNet(first_width=4, depth=depth).double().eval()
    side = net.geometry.input_for_output(net.phase)
    reach = []
    for row in range(net.phase):
        image = torch.randn(4, 1, side, side, dtype=torch.float64, requires_grad=True)
        net(image)[:, :, row].abs().sum().backward()
        seen = image.grad.abs().sum((0, 1, 3)).nonzero()
        reach += [row + net.context - int(seen[0]), int(seen[-1]) - row - net.context]
    assert (min(reach), max(reach)) == (net.context, net.context + net.phase - 1)


def test_every_image_of_a_batch_is_alone(net):
    images = torch.randn(3, 1, 48, 44)
    together = net(images)
    alone = torch.cat([net(image[None]) for image in images])
    torch.testing.assert_close(together, alone)


def test_every_weight_has_a_share(net):
    net(torch.randn(1, 1, 60, 60)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.parameters())


def test_drop_out_only_in_training(net):
    image = torch.randn(1, 1, 44, 44)
    assert torch.equal(net(image), net(image))
    net.train()
    torch.manual_seed(1)
    first = net(image)
    assert not torch.equal(first, net(image))
    torch.manual_seed(1)
    assert torch.equal(first, net(image)), "the seed decides what drop-out drops"


def test_no_drop_out_if_none_is_asked_for():
    net = UNet(first_width=2, depth=1, dropout=0.0).train()
    image = torch.randn(1, 1, 18, 18)
    assert torch.equal(net(image), net(image))


def test_the_input_is_left_as_it_was(net):
    """The ReLUs work in place and must not change the caller's image."""
    image = torch.randn(1, 1, 44, 44)
    before = image.clone()
    net(image)
    assert torch.equal(image, before)


def test_it_can_be_written_down_and_read_back(net):
    other = UNet(first_width=2, depth=2).eval()
    image = torch.randn(1, 1, 44, 44)
    assert not torch.equal(net(image), other(image))
    other.load_state_dict(net.state_dict())
    assert torch.equal(net(image), other(image))


HALF = UNetConfig(in_channels=2, num_classes=3, first_width=2, depth=2, dropout=0.0, resolution="half")


def test_half_resolution_is_the_same_network_on_pixels_of_two_by_two():
    net = HALF.build().eval()
    inner = UNet(8, 12, first_width=2, depth=2).eval()
    inner.load_state_dict(net.state_dict())
    side = net.geometry.min_input + net.geometry.phase
    image = torch.randn(1, 2, side, side)
    corners = [image[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
    as_channels = torch.stack(corners, dim=2).flatten(1, 2)  # channel by channel, its four pixels in reading order
    coarse = inner(as_channels).view(1, 3, 4, *[net.geometry.output_for(side) // 2] * 2)
    fine = net(image)
    for number, (i, j) in enumerate((i, j) for i in (0, 1) for j in (0, 1)):
        torch.testing.assert_close(fine[..., i::2, j::2], coarse[:, :, number])


def test_half_resolution_doubles_context_and_phase():
    net, full = HALF.build(), UNet(first_width=2, depth=2)
    assert (net.context, net.phase) == (2 * full.context, 2 * full.phase)
    with pytest.raises(SizeError):
        net(torch.zeros(1, 2, net.geometry.min_input + 4, net.geometry.min_input))


@pytest.mark.parametrize("shift", [4, 8, 16])
def test_at_half_resolution_only_shifts_by_the_phase_shift_the_output(shift):
    torch.manual_seed(0)
    net = HALF.build().double().eval()
    side = net.geometry.min_input + 8
    image = torch.randn(1, 2, side + shift, side, dtype=torch.float64)
    above, below = net(image[:, :, :side]), net(image[:, :, shift:])
    is_phase = shift % net.phase == 0
    if shift < above.shape[2]:
        same = torch.allclose(above[:, :, shift:], below[:, :, :-shift], rtol=0, atol=1e-12)
        assert same == is_phase


def test_what_training_has_not_chosen_is_built_full():
    assert UNetConfig(resolution="auto").build().geometry == UNet().geometry
