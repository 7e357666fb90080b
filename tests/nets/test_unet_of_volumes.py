"""The U-Net for volumes: the marks of the 3-D paper (Cicek et al. 2016), flat levels, and what is refused."""

import numpy as np
import pytest
import torch

from unseam.engines import OpenVINOEngine, TorchEngine, geometries_of
from unseam.errors import SettingsError, SizeError
from unseam.geometry import Geometry
from unseam.inference.predict import Predictor
from unseam.nets import UNet, UNetConfig, fast_on_cpu, folded, recompute_statistics

PAPER_3D = UNetConfig(3, 3, 32, depth=3, dims=3, doubling="before")


def test_it_has_the_weights_of_the_3d_paper():
    with torch.device("meta"):
        net = PAPER_3D.build()
    assert sum(weight.numel() for weight in net.parameters()) == 19_069_955


def test_its_tile_is_that_of_the_3d_paper():
    lengths = (116, 132, 132)  # planes, rows, columns
    with torch.device("meta"):
        net = PAPER_3D.build()
    assert [g.output_for(length) for length, g in zip(lengths, net.geometries, strict=True)] == [28, 44, 44]
    assert (net.context, net.phase, net.geometry.min_input) == (44, 8, 92)
    with torch.device("meta"):
        assert net(torch.zeros(1, 3, *lengths, device="meta")).shape == (1, 3, 28, 44, 44)


@pytest.mark.parametrize(
    ("depth", "flat", "planes", "rows"),
    [
        (2, 0, (20, 4, 44), (20, 4, 44)),
        (2, 1, (8, 2, 18), (20, 4, 44)),
        (2, 2, (2, 1, 5), (20, 4, 44)),
        (3, 1, (20, 4, 44), (44, 8, 92)),
        (3, 2, (8, 2, 18), (44, 8, 92)),
        (4, 1, (44, 8, 92), (92, 16, 188)),
        (4, 2, (20, 4, 44), (92, 16, 188)),
    ],
)
def test_flat_levels_need_fewer_planes(depth, flat, planes, rows):
    net = UNet(1, 2, 1, depth=depth, dims=3, flat_levels=flat)
    assert net.geometries == (Geometry(*planes), Geometry(*rows), Geometry(*rows))
    smallest = [geometry.min_input for geometry in net.geometries]
    expected = [geometry.min_output for geometry in net.geometries]
    if depth < 4:
        assert net(torch.zeros(1, 1, *smallest)).shape == (1, 2, *expected)


def test_planes_stay_apart_where_levels_are_flat():
    """With all levels flat only the bottom looks at other planes: two on each side."""
    torch.manual_seed(0)
    net = UNet(1, 2, 2, depth=1, dims=3, flat_levels=1).eval()
    side = net.geometry.input_for_output(4)
    image = torch.randn(1, 1, 9, side, side)
    changed = image.clone()
    changed[:, :, 0] += 1
    with torch.no_grad():
        difference = (net(image) - net(changed)).abs().amax(dim=(0, 1, 3, 4))
    assert difference[0] > 0
    assert (difference[1:] == 0).all()


def test_a_network_of_planes_is_the_same_as_ever():
    """Its weights are drawn in the same order, so a seed gives the same network as before volumes."""
    torch.manual_seed(0)
    net = UNet(first_width=2, depth=2)
    assert [tuple(weight.shape) for weight in net.parameters()][-2:] == [(2, 2, 1, 1), (2,)]
    torch.manual_seed(0)
    assert torch.equal(
        UNetConfig(first_width=2, depth=2, dims=2, doubling="after").build().classify.weight, net.classify.weight
    )


@pytest.mark.parametrize(
    "wrong",
    [{"flat_levels": 1}, {"dims": 3, "flat_levels": 3, "depth": 2}, {"dims": 3, "resolution": "half"}, {"flat_levels": -1}],
)
def test_settings_that_do_not_fit_are_refused(wrong):
    with pytest.raises(SettingsError, match=r"unet\.(flat_levels|resolution)"):
        UNetConfig(**wrong)


def test_planes_and_volumes_are_not_confused(rng):
    plane, volume = UNet(first_width=1, depth=1), UNet(first_width=1, depth=1, dims=3)
    with pytest.raises(SizeError, match="takes volumes"):
        volume(torch.zeros(1, 1, 20, 20))
    with pytest.raises(SizeError, match="takes planes"):
        plane(torch.zeros(1, 1, 20, 20, 20))
    with pytest.raises(SizeError, match="Use a model of volumes"):
        Predictor(TorchEngine(plane)).probabilities(rng.random((1, 5, 20, 20)))
    with pytest.raises(SizeError, match="Use a model of planes"):
        Predictor(TorchEngine(volume)).probabilities(rng.random((1, 20, 20)))
    with pytest.raises(SizeError, match="21 px cannot pass"):
        volume(torch.zeros(1, 1, 20, 21, 20))


def test_normalisation_is_folded_in_and_a_training_step_is_the_plain_one():
    torch.manual_seed(0)
    net = UNet(1, 2, 2, depth=1, dims=3, flat_levels=1, normalisation="batch", dropout=0.0)
    shape = [geometry.input_for_output(4) for geometry in net.geometries]
    image = torch.randn(2, 1, *shape)
    recompute_statistics(net, [image])
    with torch.no_grad():
        assert torch.allclose(folded(net)(image), net(image), atol=1e-5)
    net.train()
    expected = net(image)
    with fast_on_cpu(net):
        assert torch.equal(net(image), expected)


def test_openvino_computes_the_same_volume(rng):
    pytest.importorskip("openvino")
    torch.manual_seed(0)
    net = UNet(2, 3, 4, depth=2, dims=3, flat_levels=1).eval()
    engine = OpenVINOEngine(net)
    image = rng.random((2, 7, 25, 30)).astype(np.float32)
    found, expected = (Predictor(one).probabilities(image) for one in (engine, TorchEngine(net)))
    assert "converter" not in str(engine)
    assert np.abs(found - expected).max() < 1e-5


class Blank(TorchEngine):
    """Computes nothing, and remembers what it was asked."""

    seen: list[tuple[int, ...]]

    def __call__(self, tile):
        self.seen.append(tile.shape)
        lengths = [g.output_for(length) for length, g in zip(tile.shape[1:], geometries_of(self), strict=True)]
        return np.zeros((2, *lengths), np.float32)


def test_tiles_of_a_volume_grow_where_it_saves_most():
    """A flat slab is covered whole in z, and the memory of its maps stays within a gigabyte."""
    engine = Blank(UNet(1, 2, 16, depth=2, dims=3))
    engine.seen = []
    Predictor(engine).probabilities(np.zeros((1, 24, 500, 700), np.float32))
    (shape,) = set(engine.seen)
    assert shape[1] == 64, "24 planes and their context of 20 on each side"
    assert engine.footprint(shape).total <= 2**30
    assert shape[2] >= 140
    assert shape[3] >= 140
