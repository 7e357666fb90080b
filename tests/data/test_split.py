import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.data.sample import Sample
from unseam.data.split import Split, split
from unseam.errors import SettingsError
from unseam.shapes import IGNORE


def sample(name: str, height: int = 40, width: int = 60, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, (height, width)).astype(np.uint8)
    image = rng.random((1, height, width), np.float32)
    return Sample(name, image, classes, np.ones((height, width), np.float32))


def samples(number: int, **size: int) -> list[Sample]:
    return [sample(f"s{n}", seed=n, **size) for n in range(number)]


def check_nothing_is_lost_or_leaked(parts: Split, whole: list[Sample]) -> None:
    """Each annotated pixel is trained on or held out, never both."""
    trained = {s.name: s.classes != IGNORE for s in parts.training}
    held = {h.sample.name: h.window for h in parts.validation}
    for one in whole:
        kept_out = np.zeros(one.classes.shape, bool)
        if one.name in held:
            kept_out[held[one.name].slices] = True
        annotated = one.classes != IGNORE
        in_training = trained.get(one.name, np.zeros_like(annotated))
        np.testing.assert_array_equal(in_training, annotated & ~kept_out)


@given(st.integers(1, 9), st.floats(0.05, 0.9), st.integers(0, 100), st.integers(1, 50), st.integers(1, 50))
def test_nothing_is_lost_and_nothing_leaks(number, fraction, seed, height, width):
    whole = samples(number, height=height, width=width)
    parts = split(whole, fraction, seed)
    check_nothing_is_lost_or_leaked(parts, whole)
    assert parts.training, "something is left to train on"


@pytest.mark.parametrize("number", [5, 6, 30])
def test_from_five_images_on_whole_images_are_held_out(number):
    whole = samples(number)
    parts = split(whole, 0.2, 0)
    assert len(parts.validation) == round(0.2 * number)
    assert all(h.window == h.sample.window for h in parts.validation)
    assert len(parts.training) == number - len(parts.validation)
    assert f"{len(parts.validation)} of {number} images" in parts.reason
    assert all(h.sample.name in parts.reason for h in parts.validation)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_below_five_a_strip_of_each_image_is(number):
    parts = split(samples(number), 0.2, 0)
    assert len(parts.training) == len(parts.validation) == number
    for part in parts.validation:
        window = part.window
        assert (window.bottom - window.top, window.right - window.left) == (40, 12), "across the longer axis"
        assert window.left == 0 or window.right == 60
    assert "a strip of 20%" in parts.reason


def test_a_tall_image_gives_rows():
    window = split(samples(1, height=50, width=20), 0.3, 0).validation[0].window
    assert (window.bottom - window.top, window.right - window.left) == (15, 20)


def test_both_ends_are_taken():
    ends = {split(samples(1), 0.2, seed).validation[0].window.left for seed in range(20)}
    assert ends == {0, 48}


def test_the_seed_alone_decides():
    def chosen(seed: int) -> list[str]:
        return [h.sample.name for h in split(samples(20), 0.2, seed).validation]

    assert chosen(1) == chosen(1)
    assert len({tuple(chosen(seed)) for seed in range(5)}) > 1


def test_the_annotation_of_the_caller_stays_whole():
    whole = samples(2)
    before = [s.classes.copy() for s in whole]
    split(whole, 0.5, 0)
    for one, classes in zip(whole, before, strict=True):
        np.testing.assert_array_equal(one.classes, classes)


def test_nothing_is_held_out_if_nothing_is_asked_for():
    parts = split(samples(7), 0.0, 0)
    assert (len(parts.training), parts.validation) == (7, ())
    assert "no validation" in parts.reason


def test_a_sparse_annotation_that_the_strip_misses_or_empties_is_not_given_away():
    one = sample("sparse")
    few = np.full_like(one.classes, IGNORE)
    few[20, 30:32] = (0, 1)  # the middle: in no strip
    parts = split([Sample("sparse", one.image, few, one.weights)], 0.2, 0)
    assert parts.validation == ()
    assert "too little is annotated" in parts.reason
    check_nothing_is_lost_or_leaked(parts, [Sample("sparse", one.image, few, one.weights)])

    corner = np.full_like(one.classes, IGNORE)
    corner[:, :12] = corner[:, 48:] = 0
    corner[:, 3] = corner[:, 55] = 1
    for seed in range(6):
        whole = [Sample("corner", one.image, corner, one.weights)]
        parts = split(whole, 0.2, seed)
        assert len(parts.validation) == 1
        check_nothing_is_lost_or_leaked(parts, whole)


def test_one_pixel():
    parts = split(samples(1, height=1, width=1), 0.2, 0)
    assert len(parts.training) == 1
    assert parts.validation == ()


def test_validation_stays_small_beside_training():
    parts = split(samples(30), 0.5, 0, max_pixels=3 * 40 * 60)
    assert len(parts.validation) == 3
    assert len(parts.training) == 27


@pytest.mark.parametrize("fraction", [-0.1, 0.95, float("nan")])
def test_shares_that_cannot_be(fraction):
    with pytest.raises(SettingsError, match=r"data\.validation"):
        split(samples(2), fraction, 0)
