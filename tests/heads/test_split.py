"""Objects in the tree of components: against a recursion over masks, and on small fields that one can read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, special

from unseam.errors import SettingsError
from unseam.heads.objects import Objects
from unseam.heads.split import LEVELS, split_cores

levels_above = st.sampled_from([0.3, 0.5, 0.7, 0.9]).map(lambda low: (low, *(level for level in LEVELS if level > low)))


def by_recursion(likely: np.ndarray, levels: tuple[float, ...], share: float, least: float) -> list[np.ndarray]:
    """The masks of the cores: each component is looked at with its own pixels alone."""

    def parts_of(mask: np.ndarray, level: int) -> list[np.ndarray]:
        for higher in range(level + 1, len(levels)):
            pieces, number = ndimage.label(mask & (likely > levels[higher]))
            masks = [pieces == n for n in range(1, number + 1)]
            large = [piece for piece in masks if piece.sum() >= max(least, share * mask.sum())]
            if len(large) > 1:
                return [part for piece in large for part in parts_of(piece, higher)]
        return [mask]

    lowest, number = ndimage.label(likely > levels[0])
    return [part for n in range(1, number + 1) for part in parts_of(lowest == n, 0)]


@given(
    levels=levels_above,
    share=st.sampled_from([0.05, 0.15, 0.3, 0.5]),
    least=st.sampled_from([0.0, 3.0, 12.5]),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    sigma=st.floats(0.6, 4),
    seed=st.integers(0, 1 << 30),
)
def test_the_tree_equals_the_recursion(levels, share, least, shape, sigma, seed):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    likely = special.expit(8 * field / (np.abs(field).max() + 1e-9)).astype(np.float32)
    cores = split_cores(likely, levels, share, least)
    expected = by_recursion(likely, levels, share, least)
    assert cores.max() == len(expected)
    found = {(cores == number).tobytes() for number in range(1, cores.max() + 1)}
    assert found == {mask.tobytes() for mask in expected}


LINE = np.array([[0.1, 0.7, 0.99, 0.99, 0.7, 0.65, 0.8, 0.85, 0.7, 0.1, 0.55, 0.55, 0.1]], np.float32)


def test_one_threshold_cannot_what_the_tree_can():
    """Two that touch where the lower one is below 0.9, and a faint one that nothing above 0.6 shows."""
    assert Objects(min_size=0)(LINE).tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 2, 0]] or Objects(min_size=0, grow_px=0)(
        LINE
    ).tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 2, 0]]
    higher = Objects(min_size=0, threshold=0.75, grow_px=0)(LINE)
    assert higher.tolist() == [[0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0]], "the faint one is lost"
    split = Objects(min_size=0, split=0.2, grow_px=0)(LINE)
    assert split.tolist() == [[0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 3, 3, 0]]


def test_a_part_must_be_large_enough():
    assert Objects(min_size=0, split=0.3, grow_px=0)(LINE).max() == 2, "two of eight pixels are less than 0.3"
    assert Objects(min_size=5, split=0.2, grow_px=0)(LINE).max() == 1, "two pixels are less than half the smallest object"


def test_without_split_nothing_changes(rng):
    likely = ndimage.gaussian_filter(rng.random((60, 70)), 2).astype(np.float32)
    likely = (likely - likely.min()) / (likely.max() - likely.min())
    assert Objects(min_size=0).levels == (0.5,)
    assert not Objects(split=0.0).is_flooded
    assert Objects(split=0.1).is_flooded
    labels = ndimage.label(likely > 0.5)[0]
    assert np.array_equal(Objects(min_size=0, grow_px=0, fill_holes=False)(likely), labels)


@pytest.mark.parametrize("wrong", [-0.1, 0.51, 2.0])
def test_shares_that_cannot_be_are_refused(wrong):
    with pytest.raises(SettingsError, match=r"split is .*0 to 0\.5"):
        Objects(split=wrong)
