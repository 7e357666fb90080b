import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut, Split, middles, split
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


def painted(name: str, classes: np.ndarray, group: str = "") -> Sample:
    classes = classes.astype(np.uint8)
    return Sample(name, np.zeros((1, *classes.shape), np.float32), classes, np.ones(classes.shape, np.float32), group=group)


def with_square(top: int, left: int, klass: int = 1, side: int = 6, height: int = 40, width: int = 60) -> np.ndarray:
    classes = np.zeros((height, width), np.uint8)
    classes[top : top + side, left : left + side] = klass
    return classes


def classes_of(parts: tuple[Sample, ...] | tuple[HeldOut, ...]) -> set[int]:
    seen: set[int] = set()
    for part in parts:
        classes = part.sample.classes[part.window.slices] if isinstance(part, HeldOut) else part.classes
        seen |= set(np.unique(classes).tolist())
    return seen - {IGNORE}


@pytest.mark.parametrize("seed", range(12))
def test_the_only_images_of_a_class_stay_in_training(seed):
    """Class 2 is in one image of six, class 3 in another: neither may be held out whole."""
    whole = [painted(f"s{n}", with_square(10, 20)) for n in range(4)]
    whole += [painted("two", with_square(10, 20, 2)), painted("three", with_square(10, 20, 3))]
    parts = split(whole, 0.5, seed)
    assert classes_of(parts.training) == {0, 1, 2, 3}
    assert 1 in classes_of(parts.validation)
    check_nothing_is_lost_or_leaked(parts, whole)


@pytest.mark.parametrize("seed", range(6))
def test_a_strip_never_takes_the_last_pixels_of_a_class(seed):
    """Class 1 lies at the left end alone, class 2 at the right end and in the middle: the right end it is."""
    classes = with_square(10, 2)
    classes[10:16, 52:58] = classes[10:16, 30:36] = 2
    parts = split([painted("one", classes)], 0.2, seed)
    assert classes_of(parts.training) == {0, 1, 2}
    assert [h.window for h in parts.validation] == [Window(0, 40, 48, 60)]


@pytest.mark.parametrize("seed", range(6))
def test_an_end_with_foreground_is_taken(seed):
    classes = with_square(10, 2) | with_square(10, 30)
    parts = split([painted("one", classes)], 0.2, seed)
    assert [h.window for h in parts.validation] == [Window(0, 40, 0, 12)]


@pytest.mark.parametrize("seed", range(6))
def test_of_many_empty_images_one_with_foreground_is_held_out(seed):
    whole = [painted(f"e{n}", np.zeros((40, 60))) for n in range(20)]
    whole += [painted(f"f{n}", with_square(10, 20)) for n in range(3)]
    parts = split(whole, 0.2, seed)
    assert 1 in classes_of(parts.validation)
    assert 1 in classes_of(parts.training)
    check_nothing_is_lost_or_leaked(parts, whole)


@pytest.mark.parametrize("seed", range(6))
def test_of_the_only_image_with_foreground_an_end_is_held_out(seed):
    whole = [painted(f"e{n}", np.zeros((40, 60))) for n in range(20)]
    whole.append(painted("f", with_square(10, 2) | with_square(10, 30) | with_square(20, 52)))
    parts = split(whole, 0.2, seed)
    assert [h.sample.name for h in parts.validation] == ["f"]
    assert 1 in classes_of(parts.training)
    check_nothing_is_lost_or_leaked(parts, whole)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_where_no_foreground_can_be_spared_nothing_is_held_out(number):
    whole = [painted(f"e{n}", np.zeros((40, 60))) for n in range(number - 1)]
    whole.append(painted("f", with_square(10, 30)))
    parts = split(whole, 0.2, 0)
    assert parts.validation == ()
    assert "too little is annotated" in parts.reason
    assert "no validation" in parts.reason
    check_nothing_is_lost_or_leaked(parts, whole)


@given(st.integers(1, 8), st.integers(0, 30), st.floats(0.05, 0.9), st.integers(0, 10_000))
def test_training_keeps_every_class_and_the_score_says_something(number, seed, fraction, painting):
    rng = np.random.default_rng(painting)
    whole = []
    for n in range(number):
        classes = np.zeros((24, 30), np.uint8)
        for _ in range(rng.integers(0, 4)):
            row, col = rng.integers(0, 20), rng.integers(0, 26)
            classes[row : row + 4, col : col + 4] = rng.choice([1, 2, 3, IGNORE])
        whole.append(painted(f"s{n}", classes, group=f"g{n // 3}"))
    parts = split(whole, fraction, seed)
    assert classes_of(parts.training) == classes_of(tuple(whole))
    assert not parts.validation or classes_of(parts.validation) - {0}


def planes(file: str, number: int) -> list[Sample]:
    return [painted(f"{file} plane {n}", with_square(10, 20), group=file) for n in range(number)]


@pytest.mark.parametrize("seed", range(6))
def test_of_one_stack_planes_at_an_end_are_held_out(seed):
    whole = planes("stack", 30)
    parts = split(whole, 0.2, seed)
    held = [h.sample.name for h in parts.validation]
    assert held in ([s.name for s in whole[:6]], [s.name for s in whole[24:]])
    assert f"6 planes from {held[0]} to {held[-1]}" in parts.reason
    check_nothing_is_lost_or_leaked(parts, whole)


@pytest.mark.parametrize("seed", range(6))
def test_of_many_stacks_whole_files_are_held_out(seed):
    whole = [plane for n in range(10) for plane in planes(f"file{n}", 4)]
    parts = split(whole, 0.2, seed)
    held, trained = {h.sample.group for h in parts.validation}, {s.group for s in parts.training}
    assert (len(held), len(trained), held & trained) == (2, 8, set())
    assert "2 of 10 files" in parts.reason
    assert all(group in parts.reason for group in held)
    check_nothing_is_lost_or_leaked(parts, whole)


def test_of_a_few_planes_the_same_end_is_held_out():
    """A strip that one plane gives away must not be trained on in its neighbour."""
    classes = with_square(10, 2) | with_square(10, 30) | with_square(20, 52)
    stack = [painted(f"plane {n}", classes, group="stack") for n in range(4)]
    for seed in range(6):
        held = split(stack, 0.2, seed).validation
        assert len(held) == 4
        assert len({h.window for h in held}) == 1


def test_few_planes_of_a_long_stack_are_judged():
    parts = split(planes("stack", 50), 0.5, 0, max_pixels=3 * 40 * 60)
    assert (len(parts.validation), len(parts.training)) == (3, 47)
    many = [plane for n in range(5) for plane in planes(f"file{n}", 20)]
    parts = split(many, 0.2, 0, max_pixels=3 * 40 * 60)
    assert (len(parts.validation), len(parts.training)) == (3, 80), "judged on three, trained on none of that file"


def test_objects_that_reach_into_what_is_held_out_are_not_measured_in_training():
    ids = np.zeros((40, 60), np.int32)
    ids[5:9, 5:9], ids[20:24, 44:52], ids[30:34, 20:24] = 1, 2, 3
    sample = Sample("one", np.zeros((1, 40, 60), np.float32), (ids > 0).astype(np.uint8), np.ones(ids.shape, np.float32), ids)
    left = sample.without(Window(0, 40, 48, 60))
    assert set(np.unique(left.instances).tolist()) == {-1, 0, 1, 3}
    assert (left.instances[:, 48:] == -1).all()
    assert (left.instances == 1).sum() == 16


@given(st.integers(1, 6), st.integers(1, 60), st.integers(1, 60), st.integers(1, 4000))
def test_middles_keep_within_their_pixels(number, height, width, most):
    whole = samples(number, height=height, width=width)
    found = middles(whole, most)
    assert found
    assert sum(part.window.num_pixels for part in found) <= max(most, 1)
    for part in found:
        window = part.window
        assert 0 <= window.top < window.bottom <= height
        assert 0 <= window.left < window.right <= width
        assert abs(window.top - (height - window.bottom)) <= 1
    if most >= number * height * width:
        assert [part.window for part in found] == [one.window for one in whole]


def test_nothing_has_no_middle():
    assert middles([]) == ()
