"""Figures of an image against the same figures worked pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.data.grey_facts import GreyFacts, diameters, grey_facts, object_sizes, seen_images


def plainly(image: np.ndarray) -> tuple[float, float, float]:
    """Middle, noise and share of the highest value, by loops; for images small enough that all pixels are looked at."""
    values = sorted(float(v) for v in image.ravel())
    low, middle, high = (float(np.percentile(values, p)) for p in (1.0, 50.0, 99.8))
    steps = [abs(float(row[i + 1]) - float(row[i])) for row in image for i in range(len(row) - 1)]
    top = sum(v == values[-1] for v in values) / len(values)
    return (middle - low) / (high - low), sum(steps) / len(steps) / (high - low), top


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_figures_are_those_of_loops(seed, kind):
    image = (np.random.default_rng(seed).gamma(2, 30, (23, 31)) % 250).astype(kind)
    facts = grey_facts(image)
    assert (facts.middle, facts.noise, facts.top_share) == pytest.approx(plainly(image))
    assert (facts.lowest, facts.highest) == (image.min(), image.max())
    assert facts.type_name == np.dtype(kind).name


def test_range_and_offset_change_no_figure_but_the_grey_values(rng):
    image = rng.integers(0, 200, (40, 50)).astype(np.uint8)
    one, other = grey_facts(image), grey_facts(image.astype(np.float64) * 37 - 1000)
    for name in ("middle", "noise", "grain_px", "top_share"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_grey_saved_as_colour_is_grey(rng):
    image = rng.integers(0, 200, (40, 50)).astype(np.uint8)
    colour = np.repeat(image[..., None], 3, axis=-1)
    assert grey_facts(colour) == grey_facts(image)
    assert grey_facts(colour).channels == 1
    colour[0, 0, 0] += 1
    assert grey_facts(colour).channels == 3


@pytest.mark.parametrize(("values", "blank"), [((5, 5), True), ((5, 6), True), ((5, 7), False)])
def test_one_step_of_a_whole_number_is_blank(values, blank):
    image = np.full((20, 20), values[0], np.uint8)
    image[3, 4] = values[1]
    assert grey_facts(image).is_blank is blank


def test_grain_of_stripes_is_theirs():
    """A wave of period p has a correlation of cos(2 pi lag / p): a half at p / 6."""
    wave = np.tile(np.sin(2 * np.pi * np.arange(960) / 48), (20, 1)).astype(np.float32)
    assert grey_facts(wave).grain_px == pytest.approx(8, rel=0.02)


def test_ranges_leave_blank_images_out(rng):
    images = [rng.integers(0, top, (30, 30)).astype(np.uint8) for top in (50, 100, 200)]
    facts = [grey_facts(image) for image in [*images, np.zeros((30, 30), np.uint8)]]
    seen = seen_images(facts, [7.0, 3.0])
    assert seen is not None
    assert seen.high == (round(facts[0].high, 6), round(facts[2].high, 6))
    assert seen.object_px == (3.0, 7.0)
    assert seen_images(facts[3:]) is None


def test_object_sizes_leave_specks_and_few_objects_out():
    ids = np.zeros((60, 60), np.int32)
    for number in range(6):
        ids[10 * number : 10 * number + 6, 5:11] = 10 * (number + 1)
    ids[59, 59] = 99
    (size,) = object_sizes([ids, np.where(ids <= 40, ids, 0).astype(np.int32)])
    assert size == pytest.approx(2 * np.sqrt(36 / np.pi))
    assert diameters(np.array([4, 36])).tolist() == [size]


def test_figures_are_frozen():
    facts = grey_facts(np.zeros((4, 4), np.uint8))
    assert isinstance(facts, GreyFacts)
    with pytest.raises(AttributeError):
        facts.low = 1.0  # type: ignore[misc]
