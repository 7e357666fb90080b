"""Weights carried over: exact where nothing differs, by the stated rules where channels or classes do."""

from dataclasses import replace

import pytest
import torch

from unseam.errors import SettingsError
from unseam.nets import FCNConfig, UNetConfig, carry_over, differing_settings, set_learning

CONFIGS = {
    "U-Net": UNetConfig(first_width=2, depth=1),
    "U-Net at half resolution": UNetConfig(first_width=2, depth=1, resolution="half"),
    "FCN": FCNConfig(first_width=2, depth=1),
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def config(request):
    return request.param


def built(config, seed=1, **changes):
    """A network with every number drawn, biases and fixed kernels, too."""
    torch.manual_seed(seed)
    net = replace(config, **changes).build().eval().double()  # the numbers are large, and sums in float32 would round
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight))
    return net


def image_for(net, channels, seed=3):
    size = net.geometry.input_for_output(24)
    drawn = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(seed))
    return drawn.to(next(net.parameters()).dtype)


def logits(net, image):
    with torch.no_grad():
        return net(image)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_channels_and_classes_give_the_same_logits_to_the_bit(config, classes):
    changes = {"in_channels": 2, "num_classes": classes}
    start, net = built(config, **changes).float(), built(config, 2, **changes).float()
    image = image_for(start, 2)
    assert not torch.equal(logits(net, image), logits(start, image))
    carry_over(start, net, range(classes))
    assert torch.equal(logits(net, image), logits(start, image))


@pytest.mark.parametrize(("before", "now"), [(1, 3), (3, 1), (2, 4), (1, 2)])
def test_channels_of_equal_content_give_the_same_logits(before, now, config):
    start, net = built(config, in_channels=before), built(config, 2, in_channels=now)
    carry_over(start, net, range(2))
    grey = image_for(start, 1)
    expected = logits(start, grey.repeat(1, before, 1, 1))
    torch.testing.assert_close(logits(net, grey.repeat(1, now, 1, 1)), expected, rtol=1e-9, atol=1e-9)


def test_more_channels_repeat_the_old_ones_in_turn(config):
    start, net = built(config, in_channels=2), built(config, 2, in_channels=5)
    carry_over(start, net, range(2))
    image = image_for(start, 5)
    folded = torch.stack([image[:, [0, 2, 4]].sum(1), image[:, [1, 3]].sum(1)], dim=1) * (2 / 5)
    torch.testing.assert_close(logits(net, image), logits(start, folded), rtol=1e-9, atol=1e-9)


def test_fewer_channels_are_the_first_ones_louder(config):
    start, net = built(config, in_channels=3), built(config, 2, in_channels=2)
    carry_over(start, net, range(2))
    image = image_for(start, 2)
    louder = torch.cat([1.5 * image, torch.zeros_like(image[:, :1])], dim=1)
    torch.testing.assert_close(logits(net, image), logits(start, louder), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["U-Net", "U-Net at half resolution"])
def test_a_class_keeps_its_logits_at_any_place_and_others_keep_what_was_drawn(name):
    config = CONFIGS[name]
    start, net = built(config, num_classes=3), built(config, 2, num_classes=4)
    drawn = net.classify.weight.detach().clone().unflatten(0, (4, -1))
    carry_over(start, net, [0, None, 2, 1])
    before, now = logits(start, image_for(start, 1)), logits(net, image_for(start, 1))
    torch.testing.assert_close(now[:, [0, 3, 2]], before, rtol=1e-9, atol=1e-9)
    assert torch.equal(net.classify.weight.detach().unflatten(0, (4, -1))[1], drawn[1])


def test_the_fcn_keeps_what_one_kept_class_adds_to_another():
    """Its up-convolutions have a kernel from every class to every class."""
    start, net = built(CONFIGS["FCN"], num_classes=2), built(CONFIGS["FCN"], 2, num_classes=3)
    drawn = net.up[0].weight.detach().clone()
    carry_over(start, net, [0, None, 1])
    assert torch.equal(net.up[0].weight[[0, 2]][:, [0, 2]], start.up[0].weight)
    assert torch.equal(net.up[0].weight[1], drawn[1])
    assert torch.equal(net.up[0].weight[:, 1], drawn[:, 1])


def test_the_start_stays_as_it_is(config):
    start = built(config)
    before = {name: weight.clone() for name, weight in start.state_dict().items()}
    net = built(config, 2)
    carry_over(start, net, [0, 1])
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    assert all(torch.equal(weight, before[name]) for name, weight in start.state_dict().items())


def test_settings_that_must_agree():
    start = UNetConfig(first_width=2, depth=1)
    assert not differing_settings(start, replace(start, in_channels=3, num_classes=5, dropout=0.2))
    assert differing_settings(start, replace(start, depth=2, resolution="half")) == {
        "depth": (1, 2), "resolution": ("full", "half"),
    }  # fmt: skip
    assert differing_settings(start, FCNConfig())


@pytest.mark.parametrize(
    ("layers", "learn"),
    [
        ("all", ("contracting", "up", "expansive", "classify")),
        ("expansive", ("up", "expansive", "classify")),
        ("last", ("classify",)),
    ],
)
def test_which_weights_learn(layers, learn):
    net = CONFIGS["U-Net"].build()
    set_learning(net, layers)
    net(image_for(net, 1)).sum().backward()
    moved = {name.partition(".")[0] for name, weight in net.named_parameters() if weight.grad is not None}
    assert moved == set(learn)
    set_learning(net, "all")
    assert all(weight.requires_grad for weight in net.parameters())


def test_the_last_layers_of_the_fcn_are_those_of_the_scores():
    net = CONFIGS["FCN"].build()
    set_learning(net, "last")
    assert {name.partition(".")[0] for name, w in net.named_parameters() if w.requires_grad} == {"score", "up"}


def test_a_network_without_a_contracting_path_has_nothing_to_leave_out():
    net = CONFIGS["U-Net"].build()
    del net.contracting
    with pytest.raises(SettingsError, match=r"training.layers = 'expansive'.*Set it to 'all'"):
        set_learning(net, "expansive")
