"""The promise in the name, for volumes: tiles give what one pass over the whole mirrored volume gives, flat levels or not."""

from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.whole_image import make_exact, whole_image_logits
from unseam.engines import FlipsEngine, TorchEngine, geometries_of
from unseam.heads import Classes
from unseam.heads.softmax import softmax
from unseam.inference.predict import Predictor
from unseam.inference.seams import compare_tiles
from unseam.nets import UNet

SHAPES = st.sampled_from([(depth, flat) for depth in (1, 2) for flat in range(depth + 1)])
LENGTHS, PARTS, ROOM = st.integers(1, 26), st.integers(1, 4), st.integers(0, 6)


@lru_cache
def engine_of(depth: int, flat: int, doubling: str) -> TorchEngine:
    torch.manual_seed(10 * depth + flat)
    net = UNet(1, 2, first_width=4, depth=depth, dims=3, flat_levels=flat, doubling=doubling).double().eval()
    make_exact(net, seed=10 * depth + flat)
    return TorchEngine(net, dtype=torch.float64)


@settings(max_examples=40)
@given(SHAPES, st.sampled_from(["after", "before"]), LENGTHS, LENGTHS, LENGTHS, PARTS, ROOM, st.integers(0, 10**6))
def test_equal_to_the_bit_where_nothing_is_rounded(shape, doubling, planes, rows, columns, parts, room, seed):
    engine = engine_of(*shape, doubling)
    image = np.random.default_rng(seed).integers(-4, 5, (1, planes, rows, columns)).astype(np.float64)
    tile = tuple(
        geometry.input_for_output(max(geometry.phase, -(-length // parts))) + room
        for length, geometry in zip(image.shape[1:], geometries_of(engine), strict=True)
    )
    tiled = Predictor(engine, tile).probabilities(image)
    whole = softmax(whole_image_logits(engine.net, image))
    assert tiled.shape == (2, planes, rows, columns)
    assert np.array_equal(tiled, whole), np.abs(tiled - whole).max()


@pytest.mark.parametrize(("depth", "flat"), [(2, 0), (2, 1), (2, 2)])
def test_the_exact_networks_are_alive(depth, flat):
    engine = engine_of(depth, flat, "after")
    image = np.random.default_rng(0).integers(-4, 5, (1, 20, 30, 30)).astype(np.float64)
    assert len(np.unique(Predictor(engine).probabilities(image)[0])) > 100


def test_a_window_equals_that_part_of_the_whole(rng):
    engine = engine_of(2, 1, "after")
    image = rng.integers(-4, 5, (1, 12, 30, 21)).astype(np.float64)
    whole = Predictor(engine).probabilities(image)
    window = (slice(3, 9), slice(11, 30), slice(2, 20))
    assert np.array_equal(Predictor(engine, 52).probabilities(image, window), whole[:, *window])


@pytest.mark.parametrize("average", ["none", "flips"])
def test_the_seam_check_of_a_volume_finds_none(average, rng):
    torch.manual_seed(0)
    net = UNet(1, 3, first_width=2, depth=2, dims=3, flat_levels=1)
    lines = list(compare_tiles(net, Classes(), rng.random((1, 12, 28, 24)), (44, 48), average=average))
    assert [line.num_tiles > 1 for line in lines] == [True, True]
    assert max(line.difference for line in lines) < 1e-12
    assert sum(line.num_changed for line in lines) == 0


def test_the_eight_poses_of_a_volume_are_its_mirror_images(rng):
    engine = engine_of(1, 0, "after")
    flips = FlipsEngine(engine, Classes().mean_logits)
    tile = rng.normal(size=(1, *(g.input_for_output(6) for g in geometries_of(engine))))
    expected = flips(tile)
    assert np.allclose(flips(tile[:, ::-1, :, ::-1].copy())[:, ::-1, :, ::-1], expected, atol=1e-12)
    assert not np.allclose(engine(tile[:, ::-1].copy())[:, ::-1], engine(tile))
