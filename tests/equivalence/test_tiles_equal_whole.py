"""The promise in the name: tiles give what one pass over the whole mirrored image gives, for every size of both.

With weights that float64 computes exactly the two are equal to the bit, so the algorithm is exact. With any other
weights the same sums are rounded in another order, since the matrices are of other sizes: a few units in the last place.
"""

from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reference.whole_image import make_exact, whole_image_logits
from unseam.engines import TorchEngine
from unseam.geometry import AxisTiles
from unseam.heads.softmax import softmax
from unseam.inference import predict
from unseam.inference.predict import Predictor
from unseam.inference.tiles import TilePlan
from unseam.nets import FCN, UNet

NETS = st.sampled_from([UNet, FCN])
DEPTHS, CHANNELS = st.integers(1, 3), st.integers(1, 3)
LENGTHS = st.integers(1, 150)
PARTS = st.integers(1, 5)  # tiles along the longer axis, about
ROOM = st.integers(0, 20)  # px by which tiles are larger than that asks for


@lru_cache
def engine_of(net_class, depth: int, channels: int, kind: str) -> TorchEngine:
    torch.manual_seed(100 * depth + channels)
    dtype = torch.float32 if kind == "float32" else torch.float64
    net = net_class(channels, 3, first_width=4, depth=depth).to(dtype).eval()
    if kind == "exact":
        make_exact(net, seed=100 * depth + channels)
    return TorchEngine(net, dtype=dtype)


def tile_size(engine: TorchEngine, image: np.ndarray, parts: int, room: int) -> int:
    """Largest input tile, px, with which the longer axis takes about so many tiles."""
    output = max(engine.geometry.phase, -(-max(image.shape) // parts))
    return engine.geometry.input_for_output(output) + room


def both_ways(engine: TorchEngine, image: np.ndarray, parts: int, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities by tiles, and by one pass."""
    image = image.astype(np.float32 if engine.dtype == torch.float32 else np.float64)
    tiled = Predictor(engine, tile_size(engine, image, parts, room)).probabilities(image)
    return tiled, softmax(whole_image_logits(engine.net, image))


@settings(max_examples=120)
@given(NETS, DEPTHS, CHANNELS, LENGTHS, LENGTHS, PARTS, ROOM, st.integers(0, 10**6))
def test_equal_to_the_bit_where_nothing_is_rounded(net_class, depth, channels, height, width, parts, room, seed):
    engine = engine_of(net_class, depth, channels, "exact")
    image = np.random.default_rng(seed).integers(-4, 5, (channels, height, width))
    tiled, whole = both_ways(engine, image, parts, room)
    assert tiled.shape == (3, height, width)
    assert np.array_equal(tiled, whole), np.abs(tiled - whole).max()


@settings(max_examples=60)
@given(NETS, DEPTHS, CHANNELS, LENGTHS, LENGTHS, PARTS, ROOM, st.integers(0, 10**6))
def test_equal_but_for_rounding_in_float64(net_class, depth, channels, height, width, parts, room, seed):
    engine = engine_of(net_class, depth, channels, "float64")
    image = np.random.default_rng(seed).normal(size=(channels, height, width))
    tiled, whole = both_ways(engine, image, parts, room)
    assert np.abs(tiled - whole).max() < 1e-13


@settings(max_examples=60)
@given(NETS, DEPTHS, CHANNELS, LENGTHS, LENGTHS, PARTS, ROOM, st.integers(0, 10**6))
def test_equal_but_for_rounding_in_float32(net_class, depth, channels, height, width, parts, room, seed):
    engine = engine_of(net_class, depth, channels, "float32")
    image = np.random.default_rng(seed).normal(size=(channels, height, width))
    tiled, whole = both_ways(engine, image, parts, room)
    assert np.abs(tiled - whole).max() < 1e-5


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("net_class", [UNet, FCN])
def test_the_exact_networks_are_alive(net_class, depth):
    """A network whose neurons are all dead would pass every test above."""
    engine = engine_of(net_class, depth, 1, "exact")
    image = np.random.default_rng(0).integers(-4, 5, (1, 90, 90)).astype(np.float64)
    tiled, _ = both_ways(engine, image, 1, 0)
    assert tiled.std(axis=(1, 2)).max() > 0.1
    assert len(np.unique(tiled[0])) > 100
    assert np.mean((tiled[0] > 1e-6) & (tiled[0] < 1 - 1e-6)) > 0.5, "probabilities of 0 and 1 hide differences"


def laid_every(stride: int, engine: TorchEngine, length: int) -> AxisTiles:
    """Tiles of one size, their origins every ``stride`` px, on the phase grid or off it."""
    side = engine.geometry.input_for_output(stride)
    origins = tuple(range(0, length, stride))
    return AxisTiles(length, side, engine.geometry.output_for(side), stride, origins)


def by_tiles_laid_every(stride: int, engine: TorchEngine, image: np.ndarray, monkeypatch) -> np.ndarray:
    axes = tuple(laid_every(stride, engine, length) for length in image.shape[1:])
    plan = TilePlan(axes, (engine.geometry.context,) * 2, (0, 0))
    monkeypatch.setattr(predict, "plan_tiles", lambda *_, **__: plan)
    return Predictor(engine).probabilities(image)


@pytest.mark.parametrize("off", range(8))
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("net_class", [UNet, FCN])
def test_tiles_off_the_phase_grid_differ(net_class, depth, off, monkeypatch):
    """The control: the same machine, tiles laid a few px off. It must fail there, and only there."""
    engine = engine_of(net_class, depth, 1, "exact")
    image = np.random.default_rng(off).integers(-4, 5, (1, 110, 130)).astype(np.float64)
    tiled = by_tiles_laid_every(32 + off, engine, image, monkeypatch)
    difference = np.abs(tiled - softmax(whole_image_logits(engine.net, image))).max()
    if off % engine.geometry.phase:
        assert difference > 0.05
    else:
        assert difference == 0


@pytest.mark.parametrize("depth", [3, 4])
def test_tiles_laid_by_their_whole_output_differ(depth, monkeypatch):
    """As one would lay the paper's: every 388 px. An output tile is 4 px more than a multiple of the phase."""
    torch.manual_seed(0)
    engine = TorchEngine(UNet(first_width=4, depth=depth).double(), dtype=torch.float64)
    image = np.random.default_rng(0).normal(size=(1, 130, 100))
    whole = softmax(whole_image_logits(engine.net, image))
    stride = engine.geometry.output_for(engine.geometry.input_for_output(3 * engine.geometry.phase))
    assert stride == 3 * engine.geometry.phase + 4
    difference = np.abs(by_tiles_laid_every(stride, engine, image, monkeypatch) - whole).max()
    assert difference > 1e-3
    on_grid = np.abs(by_tiles_laid_every(stride - 4, engine, image, monkeypatch) - whole).max()
    assert on_grid < 1e-13


@settings(max_examples=30)
@given(st.integers(40, 150), PARTS, PARTS)
def test_every_tile_size_gives_the_same(length, parts, other_parts):
    assume(parts != other_parts)
    engine = engine_of(UNet, 2, 1, "exact")
    image = np.random.default_rng(length).integers(-4, 5, (1, length, length + 7))
    assert np.array_equal(both_ways(engine, image, parts, 0)[0], both_ways(engine, image, other_parts, 0)[0])
