"""Predict with engines whose output is known, so that each pixel shows whether it lies in its place."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from unseam.engines import Engine, TorchEngine
from unseam.errors import SizeError
from unseam.geometry import Geometry, path_geometry
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.inference.predict import Predictor
from unseam.nets import FCN, UNet


class Centre:
    """Returns logits (0, grey value): the image without the context."""

    num_classes = 2

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.tiles: list[tuple[int, ...]] = []

    def __call__(self, tile: np.ndarray) -> np.ndarray:
        self.tiles.append(tile.shape)
        for length in tile.shape[1:]:
            self.geometry.output_for(length)
        inside = slice(self.geometry.context, -self.geometry.context)
        return np.stack([np.zeros_like(tile[0, inside, inside]), tile[0, inside, inside]])


PAPER = path_geometry(4, 4, 4)


@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 3), st.integers(0, 100))
def test_each_pixel_stands_in_its_place(height, width, depth, room):
    geometry = path_geometry(depth, 4, 4)
    image = np.random.default_rng(room).normal(size=(1, height, width))
    engine = Centre(geometry)
    result = Predictor(engine, geometry.input_for_output(4 * geometry.phase) + room).probabilities(image)
    np.testing.assert_allclose(result, [special.expit(-image[0]), special.expit(image[0])], rtol=1e-12)


def test_a_fake_engine_is_an_engine():
    assert isinstance(Centre(PAPER), Engine)
    assert isinstance(TorchEngine(UNet(first_width=1, depth=1)), Engine)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (2, 3), (188, 572), (401, 399)])
@pytest.mark.parametrize("net_class", [UNet, FCN])
def test_images_of_any_size(net_class, shape, rng):
    torch.manual_seed(0)
    net = net_class(in_channels=2, num_classes=3, first_width=2, depth=2)
    image = rng.random((2, *shape), np.float32)
    result = Predictor(TorchEngine(net), 200).probabilities(image)
    assert (result.shape, result.dtype) == ((3, *shape), np.float32)
    np.testing.assert_allclose(result.sum(axis=0), 1, atol=1e-6)
    assert result.min() >= 0


def test_the_image_is_only_read(rng):
    image = rng.random((1, 30, 30), np.float32)
    image.flags.writeable = False
    Predictor(TorchEngine(UNet(first_width=1, depth=1)), 30).probabilities(image)


def test_progress_is_told_after_each_tile():
    told: list[tuple[int, int]] = []
    engine = Centre(PAPER)
    Predictor(engine, 572, on_tile=lambda done, of: told.append((done, of))).probabilities(np.zeros((1, 800, 500)))
    assert told == [(k, 6) for k in range(1, 7)]
    assert len(engine.tiles) == 6


def test_tiles_are_no_larger_than_asked_for():
    engine = Centre(PAPER)
    Predictor(engine, 500).probabilities(np.zeros((1, 900, 700)))
    assert max(max(shape[1:]) for shape in engine.tiles) <= 500


def test_the_default_tile_spends_little_on_context():
    share = 1 - ((DEFAULT_INPUT_TILE - 2 * PAPER.context) / DEFAULT_INPUT_TILE) ** 2
    assert PAPER.is_admissible(DEFAULT_INPUT_TILE)
    assert share == pytest.approx(0.28, abs=0.005)


def test_a_tile_that_is_all_context_is_refused():
    with pytest.raises(SizeError, match=r"150 px.*204 px"):
        Predictor(Centre(PAPER), 150).probabilities(np.zeros((1, 500, 500)))


def test_drop_out_is_off(rng):
    net = UNet(first_width=2, depth=1, dropout=0.9).train()
    predictor = Predictor(TorchEngine(net), 40)
    image = rng.random((1, 20, 20), np.float32)
    assert np.array_equal(predictor.probabilities(image), predictor.probabilities(image))
