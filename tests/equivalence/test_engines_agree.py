"""Engine == engine: OpenVINO computes what PyTorch computes, in float32 to rounding, and neither has seams."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unseam.engines import OpenVINOEngine, TorchEngine
from unseam.engines.precision import has_fast_bfloat16
from unseam.inference.predict import Predictor
from unseam.nets import FCN, UNet

pytest.importorskip("openvino")

HAS_BFLOAT16 = has_fast_bfloat16(torch.device("cpu"))


def network(net_class, channels: int = 1, depth: int = 2, width: int = 16) -> torch.nn.Module:
    torch.manual_seed(7)
    return net_class(channels, 3, first_width=width, depth=depth).eval()


@settings(max_examples=10)
@given(st.sampled_from([UNet, FCN]), st.integers(1, 3), st.integers(1, 2), st.integers(1, 50), st.integers(1, 50))
def test_the_same_logits(net_class, channels, depth, height, width):
    net = network(net_class, channels, depth, width=4)
    size = [net.geometry.input_for_output(length) for length in (height, width)]
    tile = np.random.default_rng(height).normal(size=(channels, *size)).astype(np.float32)
    expected, found = TorchEngine(net)(tile), OpenVINOEngine(net)(tile)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("net_class", [UNet, FCN])
def test_no_seams(net_class, rng):
    engine = OpenVINOEngine(network(net_class))
    image = rng.random((1, 130, 157), np.float32)
    whole = Predictor(engine, 1000).probabilities(image)
    for side in (60, 76, 100):
        assert np.abs(Predictor(engine, side).probabilities(image) - whole).max() < 1e-5


@pytest.mark.skipif(not HAS_BFLOAT16, reason="this processor has no bfloat16; elsewhere it would be emulated, ten times slower")
@pytest.mark.parametrize("engine_class", [TorchEngine, OpenVINOEngine])
def test_bfloat16_is_near_float32_and_has_no_seams_either(engine_class, rng):
    net = network(UNet)
    engine = engine_class(net, dtype=torch.bfloat16)
    image = rng.random((1, 100, 120), np.float32)
    whole = Predictor(engine, 1000).probabilities(image)
    exact = Predictor(TorchEngine(net)).probabilities(image)
    difference = np.abs(whole - exact).max()
    assert 0 < difference < 0.1, "it rounds to 8 bits: not equal, and not far"
    assert np.abs(Predictor(engine, 76).probabilities(image) - whole).max() < 0.02


def test_the_tiles_of_one_image_do_not_disturb_each_other(rng):
    """An engine may write every tile's logits into the same memory; the predictor must have used them by then."""
    engine = OpenVINOEngine(network(UNet))
    first, second = rng.random((2, 1, 60, 60), np.float32)
    expected = engine(first).copy()
    engine(second)
    assert np.array_equal(engine(first), expected)


def test_a_tile_that_is_a_view_or_read_only(rng):
    engine = OpenVINOEngine(network(UNet))
    image = rng.random((1, 120, 120), np.float32)
    image.flags.writeable = False
    view = image[:, ::2, ::2]
    assert np.array_equal(engine(view), engine(np.ascontiguousarray(view)))
