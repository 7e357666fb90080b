import math

from unseam.metrics.score import mean, ratio


def test_nothing_of_nothing_is_nan():
    assert math.isnan(ratio(0, 0))
    assert ratio(3, 4) == 0.75


def test_mean_leaves_out_what_could_not_be_scored():
    assert mean([1, math.nan, 0]) == 0.5
    assert math.isnan(mean([math.nan]))
    assert math.isnan(mean([]))
