"""The mean over eight poses of each tile: by a plain loop over the whole image, and without seams."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unseam.engines import FlipsEngine, TorchEngine
from unseam.errors import SettingsError
from unseam.geometry import Geometry
from unseam.heads import Classes
from unseam.inference.averaging import averaged
from unseam.inference.predict import Predictor
from unseam.nets import UNet

HEAD = Classes()


class Remembering:
    """An engine of one pixel's context that returns logits of its own and keeps its inputs."""

    geometry = Geometry(context=0, phase=1, min_input=1)
    num_classes = 2

    def __init__(self, logits_of=lambda tile: np.concatenate([-tile, tile])):
        self.seen, self.logits_of = [], logits_of

    def __call__(self, tile):
        assert tile.flags.c_contiguous
        self.seen.append(tile.copy())
        return self.logits_of(tile)


def probabilities(engine, tile):
    return HEAD.activate(FlipsEngine(engine, HEAD.mean_logits)(tile))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 10**6))
def test_what_turns_along_stays(height, width, seed):
    tile = np.random.default_rng(seed).normal(size=(1, height, width)).astype(np.float32)
    np.testing.assert_allclose(probabilities(Remembering(), tile), HEAD.activate(np.concatenate([-tile, tile])), atol=1e-6)


def test_the_poses_are_the_eight_of_a_square(rng):
    tile, engine = rng.random((1, 4, 4), np.float32), Remembering()
    probabilities(engine, tile)
    expected = {np.rot90(m, k, axes=(1, 2)).copy().tobytes() for m in (tile, tile[:, :, ::-1]) for k in range(4)}
    assert {pose.tobytes() for pose in engine.seen} == expected
    assert len(engine.seen) == len(expected) == 8


def test_the_mean_is_that_of_probabilities():
    """An engine that is sure of foreground in the upper row: over eight poses every border pixel is, one time in four."""

    def upper_row(tile):
        logits = np.zeros((2, *tile.shape[1:]), np.float32)
        logits[0] = 50
        logits[:, 0] = np.array([0, 50], np.float32)[:, None]
        return logits

    result = probabilities(Remembering(upper_row), np.zeros((1, 4, 5), np.float32))[1]
    np.testing.assert_allclose(result[1:-1, 1:-1], 0, atol=1e-6)
    np.testing.assert_allclose(result[0, 1:-1], 0.25, atol=1e-6)
    np.testing.assert_allclose(result[1:-1, 0], 0.25, atol=1e-6)
    np.testing.assert_allclose(result[0, 0], 0.5, atol=1e-6)


@pytest.mark.parametrize("resolution", ["full", "half"])
@pytest.mark.parametrize("shape", [(61, 90), (33, 128), (1, 7)])
def test_tiles_agree_with_one_pass(resolution, shape, rng):
    torch.manual_seed(2)
    net = UNet(first_width=2, depth=2, resolution=resolution).double()
    engine = averaged(TorchEngine(net, "cpu", torch.float64), "flips", HEAD)
    image = rng.normal(size=(1, *shape))
    whole = Predictor(engine, engine.geometry.input_for_output(max(shape)), head=HEAD).probabilities(image)
    smallest = engine.geometry.input_for_output(engine.geometry.phase)
    for tile in (smallest, smallest + 3 * engine.geometry.phase):
        tiled = Predictor(engine, tile, head=HEAD).probabilities(image)
        np.testing.assert_allclose(tiled, whole, atol=1e-14)
    plain = Predictor(TorchEngine(net, "cpu", torch.float64), head=HEAD).probabilities(image)
    assert np.abs(plain - whole).max() > 1e-4, "the poses of this network do not differ, so the test shows nothing"


def test_memory_holds_both_shapes_of_a_long_tile():
    engine = TorchEngine(UNet(first_width=2, depth=2))
    flips = FlipsEngine(engine, HEAD.mean_logits)
    one, eight = engine.footprint((1, 44, 76)), flips.footprint((1, 44, 76))
    assert eight.passing > one.passing
    assert FlipsEngine(Remembering(), HEAD.mean_logits).footprint((1, 44, 76)).total > 0


def test_an_unknown_word_is_refused():
    """Outside the tests nothing checks the annotation."""
    unchecked = inspect.unwrap(averaged)
    for wrong in ("flip", "", "mean"):
        with pytest.raises(SettingsError, match=f"{wrong!r}.*'none', 'rotations', 'flips' or 'planes'"):
            unchecked(Remembering(), wrong, HEAD)
