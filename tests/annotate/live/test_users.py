"""The simulated users of ``benchmarks/annotate.py``, on tiny images and with a tiny network."""

import sys
from pathlib import Path

import numpy as np
import pytest

from annotate_desk import RECIPE, STEP_SECONDS, bright_square, make_folder
from unseam.annotate.live.means import Means

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
SIDE = 96


@pytest.fixture
def users(monkeypatch):
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    monkeypatch.syspath_prepend(str(FOLDER))
    import annotate_users

    yield annotate_users
    sys.modules.pop("annotate_users", None)


def user_of(users, folder, habit, seconds=0.0):
    from PIL import Image

    make_folder(folder)
    images = []
    for number in range(2):
        pixels, truth = bright_square(number, SIDE)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append(users.Image(folder / "images" / f"{number}.png", truth))
    clock = users.WorkClock(STEP_SECONDS, 0.0)
    user = users.User(images, habit, 1, Means(RECIPE, clock, num_threads=1), clock)
    marks = []
    if seconds:
        user.work(seconds, [seconds / 2], lambda mark, screen: marks.append((mark, screen.net is not None)))
    return user, marks


def test_strokes_lie_inside_the_true_class(users, tmp_path):
    user, _ = user_of(users, tmp_path, "blind")
    user.begin()
    assert user.num_strokes == users.FIRST_STROKES
    for number, image in enumerate(user.images):
        labels = user.trainer.stock.targets[number].labels.read(0, 0, SIDE, SIDE)
        known = labels != 255
        assert known.any()
        np.testing.assert_array_equal(labels[known], image.truth[known])
    assert user.trainer.stock.classes == (0, 1)


@pytest.mark.parametrize("habit", ["corrective", "accepting", "full"])
def test_users_work_by_the_clock_of_steps(users, tmp_path, habit):
    user, marks = user_of(users, tmp_path, habit, seconds=7.0)
    assert marks == [(3.5, True)]
    assert user.trainer.learner.step in range(70, 73)
    assert user.num_strokes == (2 if habit == "full" else users.FIRST_STROKES + 2)
    assert [one.seconds for one in user.shown] == sorted(one.seconds for one in user.shown)
    assert user.shown[-1].iou[0] > 0.5


def test_a_fall_is_between_two_pictures_of_one_window(users, tmp_path):
    user, _ = user_of(users, tmp_path, "blind")
    box, other = (0, 0, 9, 9), (1, 0, 9, 9)
    rows = [(1, box, 0.9), (21, box, 0.8), (23, box, 0.5), (25, other, 0.1), (27, other, 0.3), (29, other, 0.25)]
    user.shown = [users.Shown(at, 0, where, [score, 1.0]) for at, where, score in rows]
    assert user.falls(20.0) == pytest.approx([0.1, 0.3, 0.0, 0.05])
    assert users.ious(np.array([[0, 1, 2]]), np.array([[0, 1, 1]])) == [0.5, 0.0]
