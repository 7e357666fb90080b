"""Tiles that fit into a memory budget, and what happens when memory runs out."""

import numpy as np
import pytest
import torch

from unseam.engines import TorchEngine
from unseam.errors import MemoryShortError, SettingsError
from unseam.inference.memory import is_out_of_memory, parse_bytes, resident_bytes
from unseam.inference.predict import Predictor, likeliest_class
from unseam.nets import UNet


class Narrow(TorchEngine):
    """Has memory for tiles up to a size only."""

    most = 0

    def __call__(self, tile):
        if max(tile.shape) > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return super().__call__(tile)


def narrow(most):
    torch.manual_seed(0)
    engine = Narrow(UNet(first_width=2, depth=2))
    engine.most = most
    return engine


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 1610612736), ("7", 7)])
def test_amounts(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "2 elephants"])
def test_no_amounts(text):
    with pytest.raises(SettingsError, match="such as 2GB"):
        parse_bytes(text)


def test_out_of_memory_halves_the_tile_and_says_so(rng):
    image, notes = rng.random((1, 300, 300), np.float32), []
    result = Predictor(narrow(120), 200, on_note=notes.append).probabilities(image)
    assert len(notes) == 1
    assert "memory ran out" in notes[0]
    assert np.array_equal(result, Predictor(narrow(999), 96).probabilities(image))


def test_it_gives_up_at_the_smallest_tile(rng):
    with pytest.raises(MemoryShortError, match="smallest tile"):
        Predictor(narrow(1), 200).probabilities(rng.random((1, 300, 300), np.float32))


def test_other_errors_pass():
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert is_out_of_memory(MemoryError())


def test_larger_tiles_take_more():
    engine = TorchEngine(UNet(first_width=4, depth=2))
    sizes = [engine.footprint((1, side, side)).total for side in range(60, 400, 4) if engine.geometry.is_admissible(side)]
    assert sizes == sorted(set(sizes))


@pytest.mark.skipif(resident_bytes() is None, reason="what the process holds is not known here")
def test_too_small_a_budget_names_what_is_needed(rng):
    with pytest.raises(MemoryShortError, match=r"needs .* even with the smallest tiles"):
        Predictor(narrow(999), 200, max_bytes=1000).probabilities(rng.random((1, 300, 300), np.float32))


def test_likeliest_class_is_argmax(rng):
    probabilities = rng.integers(0, 3, (4, 20, 30)).astype(np.float32)
    assert np.array_equal(likeliest_class(probabilities), probabilities.argmax(axis=0))
