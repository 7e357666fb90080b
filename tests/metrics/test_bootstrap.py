import math

import numpy as np
import pytest

from unseam.errors import SettingsError
from unseam.metrics import PixelScore, Scores, SEGScore
from unseam.metrics.bootstrap import Bootstrap


def table(errors: list[int], pixels: int = 100) -> Scores:
    return Scores(tuple(map(str, errors)), tuple((PixelScore(error, pixels), SEGScore(0.0, 0, 0)) for error in errors))


def test_equal_images_leave_no_doubt():
    intervals = Bootstrap()(table([7] * 5))
    assert intervals.of["pixel_error"] == (0.07, 0.07)
    assert all(math.isnan(end) for end in intervals.of["seg"])


def test_against_the_mean_of_normal_draws(rng):
    # pixel errors of one size pool as a mean, whose 95 % interval is 1.96 standard errors either way
    errors = np.rint(rng.normal(5000, 500, 400)).astype(int)
    low, high = Bootstrap(num_resamples=2000)(table(errors.tolist(), 10_000)).of["pixel_error"]
    mean, error = errors.mean() / 10_000, errors.std() / 10_000 / 20
    assert low == pytest.approx(mean - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.25 * error)
    narrower = Bootstrap(level=0.5)(table(errors.tolist(), 10_000)).of["pixel_error"]
    assert low < narrower.low < mean < narrower.high < high


def test_the_seed_is_fixed():
    some = table(list(range(50)))
    assert Bootstrap()(some).of["pixel_error"] == Bootstrap()(some).of["pixel_error"]
    assert Bootstrap()(some).of["pixel_error"] != Bootstrap(seed=1)(some).of["pixel_error"]


def test_one_image_gives_no_interval_and_says_why():
    for intervals in (Bootstrap()(table([3])), Bootstrap()(table([3, 4, 5]), groups=[0, 0, 0])):
        assert not intervals.of
        assert "one image" in intervals.reason


def test_planes_of_a_stack_are_drawn_together():
    # two stacks of three planes: a resample has none, one or two of the bad stack
    scores = table([0, 0, 0, 9, 9, 9])
    intervals = Bootstrap()(scores, groups=[0, 0, 0, 1, 1, 1])
    assert intervals.of["pixel_error"] == (0, 0.09)
    assert intervals.num_images == 2
    assert "percentile bootstrap over 2 images, 1000 resamples, seed 0" in intervals.reason
    assert "few" in intervals.reason
    assert "few" not in Bootstrap()(table(list(range(10)))).reason


@pytest.mark.parametrize("setting", [{"num_resamples": 99}, {"level": 0.0}, {"level": 1.0}])
def test_refusals(setting):
    with pytest.raises(SettingsError, match=r"num_resamples is .* 1000"):
        Bootstrap(**setting)
