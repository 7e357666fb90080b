from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseam.data.folds import split_into_folds
from unseam.data.sample import Sample
from unseam.errors import DataError, SettingsError
from unseam.shapes import IGNORE


def sample(name: str, group: str = "", height: int = 20, width: int = 31) -> Sample:
    classes = np.indices((height, width)).sum(0).astype(np.uint8) % 2
    return Sample(name, np.zeros((1, height, width), np.float32), classes, np.ones((height, width), np.float32), None, group)


def stack(name: str, number: int) -> list[Sample]:
    return [sample(f"{name} plane {i}", name) for i in range(number)]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=6), st.integers(2, 9), st.integers(0, 50))
def test_each_pixel_is_held_out_once_and_never_trained_on_then(planes, number, seed):
    whole = [s for i, n in enumerate(planes) for s in stack(f"f{i}", n)]
    times = {s.name: np.zeros(s.classes.shape, int) for s in whole}
    for part in split_into_folds(whole, number, seed):
        trained = {s.name: s.classes != IGNORE for s in part.training}
        for held in part.validation:
            times[held.sample.name][held.window.slices] += 1
            if held.sample.name in trained:
                assert not trained[held.sample.name][held.window.slices].any()
        assert not part.chooses
    assert all((count == 1).all() for count in times.values())


def test_planes_of_a_file_stay_together_where_there_are_enough_files():
    whole = [s for name in "abcde" for s in stack(name, 3)]
    for part in split_into_folds(whole, 5, 0):
        held, trained = {h.sample.group for h in part.validation}, {s.group for s in part.training}
        assert len(held) == 1
        assert len(trained) == 4
        assert not held & trained
        assert f"1 of 5 ({held.pop()})" in part.reason


def test_the_planes_of_one_stack_are_cut_into_runs_with_a_gap():
    whole = stack("s", 12)
    for fold, part in enumerate(split_into_folds(whole, 3, 0)):
        held = [whole.index(h.sample) for h in part.validation]
        assert held == list(range(4 * fold, 4 * fold + 4))
        trained = [whole.index(s) for s in part.training]
        assert min(abs(a - b) for a in held for b in trained) == 2
        assert "next to them" in part.reason


def test_a_gap_does_not_reach_into_another_file():
    parts = split_into_folds([*stack("a", 4), *stack("b", 4)], 2, 0)  # two files, two folds
    assert all(len(part.training) == 4 for part in parts)
    parts = split_into_folds([*stack("a", 6), *stack("b", 6)], 3, 0)  # runs of four: a a a a, a a b b, b b b b
    trained = [[s.name for s in part.training] for part in parts]
    assert "a plane 4" not in trained[0]
    assert "b plane 0" in trained[0]
    assert "a plane 3" not in trained[1]
    assert "b plane 2" not in trained[1]


def test_few_planes_have_no_gap():
    assert [len(part.training) for part in split_into_folds(stack("s", 4), 2, 0)] == [2, 2]


def test_fewer_images_than_folds_are_cut_into_strips():
    for part in split_into_folds([sample("a"), sample("b", height=40)], 5, 0):
        assert {h.sample.name for h in part.validation} == {"a", "b"}
        assert part.validation[0].window.num_pixels in (20 * 6, 20 * 7)
        assert part.validation[1].window.num_pixels == 8 * 31


def test_the_seed_decides_which_images_go_together():
    whole = [sample(str(i)) for i in range(10)]

    def held(seed: int) -> list[list[str]]:
        return [[h.sample.name for h in part.validation] for part in split_into_folds(whole, 5, seed)]

    assert held(0) == held(0) != held(1)


def test_a_fold_that_leaves_nothing_to_learn_from_is_refused():
    empty = replace(sample("b"), classes=np.full((20, 31), IGNORE, np.uint8))
    with pytest.raises(DataError, match=r"2 folds.*fewer folds"):
        split_into_folds([sample("a"), empty], 2, 0)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(DataError, match=r"a has 3 x 4 px.*5 folds.*fewer"):
        split_into_folds([sample("a", height=3, width=4)], 5, 0)
    with pytest.raises(SettingsError, match=r"data.folds = 1\b.*2 and 50"):
        split_into_folds([sample("a")], 1, 0)
