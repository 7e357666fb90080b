"""The authors' network of 2015: the layers of its release, and the same answers as its definition read line by line."""

import numpy as np
import pytest
import torch
from torch import nn

import unseam
from reference.released_arrays import RELEASE, arrays, logits, set_by_hand
from unseam.engines import OpenVINOEngine, TorchEngine
from unseam.engines.record import record
from unseam.errors import SettingsError, SizeError
from unseam.inference.predict import Predictor
from unseam.nets import LAYERS_OF_RELEASE, ReleasedConfig, ReleasedUNet, UNet, add_to_logits, fast_on_cpu
from unseam.recipes.default import default
from unseam.settings import decode, encode, with_overrides


@pytest.fixture(scope="module")
def net():
    return set_by_hand(ReleasedUNet(2, 3, first_width=4), arrays(width=4, channels=2, classes=3))


def test_every_layer_has_the_shape_of_the_release():
    with torch.device("meta"):
        state = ReleasedUNet().state_dict()
    assert list(LAYERS_OF_RELEASE) == list(RELEASE), "in the order of the release"
    assert sorted(state) == sorted(f"{name}.{part}" for name in LAYERS_OF_RELEASE.values() for part in ("weight", "bias"))
    for name, ours in LAYERS_OF_RELEASE.items():
        assert tuple(state[f"{ours}.weight"].shape) == RELEASE[name], name
        outputs = RELEASE[name][1 if name.startswith("up") else 0]
        assert tuple(state[f"{ours}.bias"].shape) == (outputs,), name
    assert sum(weight.numel() for weight in state.values()) == 31_100_354


def test_572_px_give_388():
    with torch.device("meta"):
        net = ReleasedUNet()
        assert net(torch.empty(1, 1, 572, 572)).shape == (1, 2, 388, 388)
        paper = UNet().geometry
    assert net.geometry == paper, "tiles of the released network are those of the paper's"
    with pytest.raises(SizeError, match="556 or 572"):
        net(torch.empty(1, 1, 570, 572, device="meta"))


@pytest.mark.parametrize("size", [(188, 188), (204, 236)])
def test_it_computes_what_the_definition_lists(net, size):
    torch.manual_seed(3)
    image = torch.randn(2, 2, *size)
    with torch.no_grad():
        assert torch.equal(net(image), logits(arrays(width=4, channels=2, classes=3), image))


def test_a_relu_follows_each_up_convolution(net):
    entering = []
    hooks = [block.register_forward_pre_hook(lambda _, args: entering.append(args[0])) for block in net.expansive]
    with torch.no_grad():
        net(torch.randn(1, 2, 188, 188))
    for hook in hooks:
        hook.remove()
    assert [maps.shape[1] for maps in entering] == [64, 32, 16, 12], "of the release's 1024, 512, 256, 192"
    for maps, up in zip(entering, net.up, strict=True):
        assert float(maps[:, : up.out_channels].min()) == 0, "the raised map comes first, rectified"


def test_drop_out_stands_after_the_last_level_and_the_bottom():
    net, dropped = ReleasedUNet(first_width=1), []
    assert sum(isinstance(layer, nn.Dropout) for layer in net.modules()) == 1
    assert net.drop.p == 0.5
    net.drop.register_forward_hook(lambda _, __, out: dropped.append(tuple(out.shape[1:])))
    net(torch.zeros(1, 1, 188, 188))
    assert dropped == [(8, 16, 16), (16, 4, 4)]


def test_what_drop_out_takes_is_missing_across_as_well():
    """The lowest map that is copied across is the dropped one, in the step as it is written and in the fast one."""
    for is_fast in (False, True):
        torch.manual_seed(1)
        net = ReleasedUNet(first_width=2, dropout=0.9)
        entering, context = [], fast_on_cpu(net)
        net.expansive[0].register_forward_pre_hook(lambda _, args, entering=entering: entering.append(args[0]))
        if is_fast:
            with context:
                net(torch.randn(1, 1, 188, 188))
        else:
            net(torch.randn(1, 1, 188, 188))
        raised = net.up[0].out_channels
        assert (entering[0][:, raised:] == 0).float().mean() > 0.85


@pytest.mark.parametrize("make", [TorchEngine, OpenVINOEngine])
def test_engines_compute_the_same_and_tiles_have_no_seams(net, make, rng):
    if make is OpenVINOEngine:
        pytest.importorskip("openvino")
    engine, image = make(net), rng.random((2, 70, 90), np.float32)
    assert "converter" not in str(engine), "our own translation knows all its operations"
    whole = Predictor(engine, 1000).probabilities(image)
    assert np.abs(Predictor(engine, 220).probabilities(image) - whole).max() < 1e-5
    assert np.abs(whole - Predictor(TorchEngine(net)).probabilities(image)).max() < 1e-5


def test_its_memory_is_counted(net):
    operations = record(net, (1, 2, 188, 188))
    assert sum(operation.name == "aten.relu_.default" for operation in operations) == 22
    assert 0 < TorchEngine(net).footprint((2, 188, 188)).total < 200e6


def test_a_number_can_be_added_to_the_logits_of_each_class():
    net, image, shifts = ReleasedUNet(1, 3, first_width=1).eval(), torch.randn(1, 1, 188, 188), torch.tensor([0.0, 1.5, -0.5])
    with torch.no_grad():
        before = net(image)
        add_to_logits(net, shifts)
        torch.testing.assert_close(net(image), before + shifts[:, None, None])


def test_it_trains_and_the_model_file_keeps_it(tmp_path, rng):
    image = rng.integers(0, 256, (60, 70), np.uint8)
    words = ["net.released.first_width=2", "training.output_size=20", "normalise.fixed=[0, 255]"]
    model = unseam.train([image], [(image > 128).astype(np.uint8)], out=tmp_path / "run", steps=3, settings=words, device="cpu")
    again = unseam.load(tmp_path / "run", "cpu")
    assert isinstance(again.net, ReleasedUNet)
    assert again.info.net == ReleasedConfig(first_width=2, dropout=0.1)
    assert again.info.normalise.fixed == (0, 255)
    assert np.array_equal(again.predict(image).probabilities, model.predict(image).probabilities)


def test_settings_choose_it():
    run = with_overrides(default(), ["net.released.dropout=0.2"])
    assert run.net == ReleasedConfig(first_width=16, dropout=0.2), "what networks share by name is carried over"
    assert decode(type(run), encode(run)) == run
    with pytest.raises(SettingsError, match=r"net\.released\.depth"):
        with_overrides(default(), ["net.released={depth=3}"])
    with pytest.raises(SettingsError, match=r"released\.dropout"):
        ReleasedConfig(dropout=1.0)
