"""The network of Fig. 1: sizes, widths, layers, weights, and what is copied, cropped and put side by side."""

import numpy as np
import pytest
import torch
from torch import nn

from unseam.geometry import lay_tiles
from unseam.nets import FCN, UNet
from unseam.nets.blocks import incoming_nodes


@pytest.fixture(scope="module")
def paper_net():
    """The paper's network in full size, weights and all; made once."""
    torch.manual_seed(20150518)
    return UNet().eval()


def convolutions(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


def test_572_px_give_388(paper_net):
    """Fig. 1. On the meta device: the sizes of every layer, without the computing."""
    with torch.device("meta"):
        logits = UNet()(torch.empty(1, 1, 572, 572))
    assert logits.shape == (1, 2, 388, 388)
    assert paper_net.geometry.output_for(572) == 388


def test_sizes_inside_are_those_of_the_figure():
    """Fig. 1: the length of the map after every double convolution, every pooling and every up-convolution."""
    with torch.device("meta"):
        net, lengths = UNet(), {"pool": []}
        net.pools[0].register_forward_hook(lambda _, __, out: lengths["pool"].append(out.shape[-1]))
        for path in ("contracting", "up", "expansive"):
            lengths[path] = []
            for block in getattr(net, path):
                block.register_forward_hook(lambda _, __, out, path=path: lengths[path].append(out.shape[-1]))
        net(torch.empty(1, 1, 572, 572))
    assert lengths["contracting"] == [568, 280, 136, 64, 28]
    assert lengths["pool"] == [284, 140, 68, 32], "32 px at the lowest resolution, as the figure's caption has it"
    assert lengths["up"] == [56, 104, 200, 392]
    assert lengths["expansive"] == [52, 100, 196, 388]


def test_smallest_input_is_188_px(paper_net):
    with torch.inference_mode():
        assert paper_net(torch.zeros(1, 1, 188, 188)).shape == (1, 2, 4, 4)
    assert paper_net.geometry.min_input == 188
    assert not any(paper_net.geometry.is_admissible(n) for n in range(188))


def test_every_pooling_meets_an_even_size(paper_net):
    """Walk each admissible length down: an odd one would lose a row in a pooling."""
    for admissible in (188, 204, 572, 1212):
        assert paper_net.geometry.is_admissible(admissible)
        length = admissible - 4
        for _ in range(4):
            assert length % 2 == 0
            length = length // 2 - 4


def test_23_convolutional_layers(paper_net):
    layers = convolutions(paper_net)
    assert len(layers) == 23
    sizes = [layer.kernel_size for layer in layers]
    assert (sizes.count((3, 3)), sizes.count((2, 2)), sizes.count((1, 1))) == (18, 4, 1)


def test_31030658_parameters(paper_net):
    assert sum(weight.numel() for weight in paper_net.parameters()) == 31_030_658


def test_the_released_network_has_31100354_parameters(paper_net):
    """The authors' release keeps 128 features in its last up-convolution, so 192 enter the last double convolution."""
    last_up, after_it = paper_net.up[-1], paper_net.expansive[-1][0]
    as_released = nn.ConvTranspose2d(last_up.in_channels, 128, 2, stride=2), nn.Conv2d(64 + 128, after_it.out_channels, 3)
    more = sum(w.numel() for layer in as_released for w in layer.parameters())
    more -= sum(w.numel() for layer in (last_up, after_it) for w in layer.parameters())
    assert 31_030_658 + more == 31_100_354


def test_features_double_down_and_halve_up(paper_net):
    assert [block[2].out_channels for block in paper_net.contracting] == [64, 128, 256, 512, 1024]
    assert [(up.in_channels, up.out_channels) for up in paper_net.up] == [(1024, 512), (512, 256), (256, 128), (128, 64)]
    assert [(block[0].in_channels, block[0].out_channels) for block in paper_net.expansive] == [
        (1024, 512),
        (512, 256),
        (256, 128),
        (128, 64),
    ]


def test_double_convolutions_are_valid_with_a_relu_after_each(paper_net):
    for block in [*paper_net.contracting, *paper_net.expansive]:
        assert [type(part) for part in block] == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU]
        assert {(part.kernel_size, part.padding, part.stride) for part in (block[0], block[2])} == {((3, 3), (0, 0), (1, 1))}


def test_max_pooling_is_2_by_2_with_stride_2(paper_net):
    pools = [layer for layer in paper_net.modules() if isinstance(layer, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride, pool.padding) for pool in pools] == [(2, 2, 0)]


def test_the_last_layer_maps_64_features_to_classes(paper_net):
    last = paper_net.classify
    assert (last.in_channels, last.out_channels, last.kernel_size) == (64, 2, (1, 1))


def test_up_convolution_is_linear(paper_net):
    """As the paper's text has it: no ReLU between the up-convolution and the concatenation."""
    assert [type(up).__mro__[1] for up in paper_net.up] == [nn.ConvTranspose2d] * 4
    num_relus = sum(isinstance(layer, nn.ReLU) for layer in paper_net.modules())
    assert num_relus == 18


def test_no_layer_but_these(paper_net):
    """No fully connected layer, no normalisation: only valid operations, so that images of any size can pass."""
    leaves = {type(layer) for layer in paper_net.modules() if not list(layer.children())}
    assert {cls.__name__ for cls in leaves} == {"Conv2d", "ReLU", "MaxPool2d", "Dropout", "UpConvolution"}


def test_drop_out_at_the_end_of_the_contracting_path():
    """Which maps pass through drop-out: that of the last level before the bottom, and the bottom's. No others."""
    net = UNet(first_width=1)
    assert sum(isinstance(layer, nn.Dropout) for layer in net.modules()) == 1
    assert net.drop.p == 0.5
    dropped: list[tuple[int, ...]] = []
    net.drop.register_forward_hook(lambda _, __, out: dropped.append(tuple(out.shape[1:])))
    net(torch.zeros(1, 1, 572, 572))
    assert dropped == [(8, 64, 64), (16, 28, 28)]


def test_what_drop_out_takes_is_missing_across_as_well():
    """The map that is copied across is the dropped one: with all of it gone, nothing but the bottom's bias is left."""
    torch.manual_seed(0)
    net = UNet(first_width=2, depth=1).eval()
    seen: list[torch.Tensor] = []
    net.expansive[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    net.drop.register_forward_hook(lambda _, __, out: torch.zeros_like(out))
    net(torch.randn(1, 1, 18, 18))
    assert not seen[0].any()


def hand_built(take_from: str) -> UNet:
    """Depth 1, one feature: every convolution hands its middle pixel on; of the concatenation one half is taken."""
    net = UNet(first_width=1, depth=1).double().eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        for block in (net.contracting[0], net.contracting[1], net.expansive[0]):
            block[0].weight[0, 0, 1, 1] = block[2].weight[0, 0, 1, 1] = 1
        net.up[0].weight[0, 0] = 1
        net.expansive[0][0].weight[0, :, 1, 1] = torch.tensor([1.0, 0.0] if take_from == "below" else [0.0, 1.0])
        net.classify.weight[1, 0] = 1
    return net


def test_the_copied_map_is_cropped_centrally():
    """What comes across is the middle of the image, pixel for pixel: the same margin on every side."""
    net = hand_built("across")
    image = torch.rand(1, 1, 26, 30, dtype=torch.float64)
    logits = net(image)
    margin = net.context
    assert torch.equal(logits[:, 1:], image[..., margin:-margin, margin:-margin])
    assert not logits[:, 0].any()


def test_the_map_from_below_lies_on_the_same_pixels():
    """What comes from below is the pooled image, each of its pixels spread over the four that it was pooled from."""
    net = hand_built("below")
    image = torch.rand(1, 1, 26, 30, dtype=torch.float64)
    inside = image[0, 0, 2:-2, 2:-2].numpy()  # less the first double convolution
    pooled = inside.reshape(inside.shape[0] // 2, 2, -1, 2).max(axis=(1, 3))
    spread = np.kron(pooled, np.ones((2, 2)))
    margin = net.context - 2
    assert np.array_equal(net(image)[0, 1].numpy(force=True), spread[margin:-margin, margin:-margin])


def test_both_maps_are_put_side_by_side():
    """Concatenation, not a sum: twice the channels enter, the upsampled ones first."""
    torch.manual_seed(0)
    net = UNet(first_width=4, depth=2).eval()
    entering: list[torch.Tensor] = []
    raised: list[torch.Tensor] = []
    for block, up in zip(net.expansive, net.up, strict=True):
        block.register_forward_pre_hook(lambda _, args: entering.append(args[0]))
        up.register_forward_hook(lambda _, __, out: raised.append(out))
    levels: list[torch.Tensor] = []
    for block in net.contracting:
        block.register_forward_hook(lambda _, __, out: levels.append(out))
    net(torch.randn(1, 1, 60, 60))
    for both, below, across in zip(entering, raised, levels[-2::-1], strict=True):
        half = below.shape[1]
        assert both.shape[1] == 2 * half
        assert torch.equal(both[:, :half], below)
        lost = (across.shape[-1] - below.shape[-1]) // 2
        assert torch.equal(both[:, half:], across[..., lost:-lost, lost:-lost])


def test_one_class_for_each_pixel_that_has_its_context(paper_net):
    """Output pixel (0, 0) of a tile is input pixel (92, 92): 92 px of context on every side."""
    assert (572 - 388) // 2 == paper_net.context == 92
    assert paper_net.phase == 2**4


def test_of_388_px_384_agree_with_the_whole_image():
    """A departure from Fig. 2: 388 is no multiple of the 16 px by which tiles may be shifted."""
    assert 388 % 16 != 0
    assert lay_tiles(10_000, UNet(first_width=1).geometry, 572).stride == 384


def test_the_comparator_has_scores_only_on_the_way_up():
    """What the U-Net grew from: upsampled score maps are summed; no features, no concatenation."""
    with torch.device("meta"):
        net = FCN()
    assert [(up.in_channels, up.out_channels) for up in net.up] == [(2, 2)] * 4
    assert [score.in_channels for score in net.score] == [64, 128, 256, 512, 1024]


def test_a_3x3_convolution_after_64_features_has_576_incoming_nodes(paper_net):
    assert incoming_nodes(paper_net.contracting[0][2]) == 9 * 64 == 576
    assert incoming_nodes(paper_net.contracting[1][0]) == 576


def test_weights_of_every_layer_have_deviation_sqrt_2_over_n(paper_net):
    """N as the paper counts it, and for the up-convolution: a pixel of its output sees one pixel, so N is its channels."""
    expected_nodes = {(3, 3): lambda layer: 9 * layer.in_channels, (2, 2): lambda layer: layer.in_channels}
    for layer in convolutions(paper_net):
        nodes = expected_nodes.get(layer.kernel_size, lambda layer: layer.in_channels)(layer)
        weights = layer.weight.detach().double()
        error = 4 / np.sqrt(2 * weights.numel())  # four standard deviations of a standard deviation
        assert float(weights.std()) == pytest.approx(np.sqrt(2 / nodes), rel=error)
        assert abs(float(weights.mean())) < 4 * np.sqrt(2 / nodes / weights.numel())


def test_weights_are_gaussian(paper_net):
    weights = paper_net.contracting[3][2].weight.detach().double().numpy().ravel()
    scaled = weights / np.sqrt(2 / (9 * 512))
    assert np.mean(scaled**4) == pytest.approx(3, abs=0.05)
    assert np.mean(np.abs(scaled) < 1) == pytest.approx(0.6827, abs=0.005)
