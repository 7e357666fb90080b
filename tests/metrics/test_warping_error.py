import math
import time

import numpy as np
import pytest
from hypothesis import given

from reference.homotopic_warp import num_components, warp_by_counting
from reference.metric_maps import CLASS_PAIRS
from unseam.errors import DataError, LabelError, SettingsError
from unseam.metrics import Mistake, WarpingError, WarpingScore, over_thresholds
from unseam.metrics.topology_errors import TopologyError
from unseam.shapes import IGNORE

TWO_CELLS = np.ones((5, 9), np.uint8)
TWO_CELLS[:, 4] = 0


def test_a_membrane_that_lies_elsewhere_costs_nothing():
    truth = TWO_CELLS.copy()
    truth[:, 3:6] = 0
    predicted = np.ones((5, 9), np.uint8)
    predicted[:, 5:7] = 0
    assert WarpingError()(predicted, truth).error == 0
    assert WarpingError()(predicted, truth).mistakes == ()


def test_a_gap_is_a_merger_of_its_size():
    predicted = TWO_CELLS.copy()
    predicted[1:3, 4] = 1
    score = WarpingError()(predicted, TWO_CELLS)
    assert score.mistakes == (TopologyError(Mistake.MERGER, row=1, column=4, size=2),)
    assert score.error == score.split_merger_error == 2 / 45
    assert score.columns() == {"warping_error": 2 / 45, "split_merger_error": 2 / 45, "splits": 0, "mergers": 1}


def test_a_false_membrane_is_a_split():
    predicted = TWO_CELLS.copy()
    predicted[2, :4] = 0
    score = WarpingError()(predicted, TWO_CELLS)
    assert score.number_of(Mistake.SPLIT) == len(score.mistakes) == 1
    assert score.num_disagreeing == 1, "the truth opens from one end, and one px holds the cell together"


def test_a_lost_cell_is_in_the_error_and_not_in_the_challenges():
    score = WarpingError()(np.zeros((5, 9), np.uint8), TWO_CELLS)
    assert (score.number_of(Mistake.LOST_CELL), score.error, score.split_merger_error) == (2, 2 / 45, 0)


def test_a_border_moved_by_more_than_its_width_is_both_mistakes():
    predicted = np.ones((5, 9), np.uint8)
    predicted[:, 7] = 0
    score = WarpingError()(predicted, TWO_CELLS)
    assert (score.number_of(Mistake.MERGER), score.number_of(Mistake.SPLIT)) == (1, 1)


@given(CLASS_PAIRS)
def test_error_is_that_of_the_slow_reference(pair):
    predicted, truth = pair
    is_known = truth != IGNORE
    goal = (predicted == 1) & is_known
    warped = warp_by_counting(truth == 1, goal, np.ones(truth.shape, bool))
    score = WarpingError()(predicted, truth)
    assert (score.num_disagreeing, score.num_pixels) == ((warped != goal).sum(), is_known.sum())


@given(CLASS_PAIRS)
def test_warped_truth_has_the_cells_and_holes_of_the_truth(pair):
    predicted, truth = pair
    assert num_components(WarpingError().warped_truth(predicted, truth)) == num_components(truth == 1)


@given(CLASS_PAIRS)
def test_unannotated_pixels_never_count_and_never_flip(pair):
    predicted, truth = pair
    painted = np.where(truth == IGNORE, 1, predicted).astype(np.uint8)
    assert WarpingError()(painted, truth) == WarpingError()(predicted, truth)
    assert not WarpingError().warped_truth(painted, truth)[truth == IGNORE].any()
    assert all(truth[patch.row, patch.column] != IGNORE for patch in WarpingError()(painted, truth).mistakes)


def test_a_merger_through_unannotated_pixels_costs_nothing():
    truth = TWO_CELLS.copy()
    truth[:, 4] = IGNORE
    assert WarpingError()(np.ones((5, 9), np.uint8), truth).error == 0


@given(CLASS_PAIRS)
def test_equal_maps_score_0(pair):
    truth = pair[1]
    error = WarpingError()(truth, truth).error
    assert error == 0 or (math.isnan(error) and (truth == IGNORE).all())


def test_nothing_annotated_is_nothing_to_score():
    score = WarpingError()(TWO_CELLS, np.full((5, 9), IGNORE))
    assert math.isnan(score.error)
    assert math.isnan(score.loss)


def test_cells_of_another_class():
    membrane_is_1 = (1 - TWO_CELLS).astype(np.uint8)
    predicted = np.zeros((5, 9), np.uint8)
    assert WarpingError(cell_class=0)(predicted, membrane_is_1).number_of(Mistake.MERGER) == 1
    assert WarpingError(cell_class=1)(predicted, membrane_is_1).number_of(Mistake.LOST_CELL) == 1


def test_only_where_it_may_the_truth_is_bent():
    predicted = TWO_CELLS.copy()
    predicted[:, 3] = 0
    assert WarpingError()(predicted, TWO_CELLS).error == 0
    score = WarpingError()(predicted, TWO_CELLS, may_warp=np.zeros((5, 9), bool))
    assert score.mistakes == (TopologyError(Mistake.MOVED_BORDER, row=2, column=3, size=5),)
    with pytest.raises(DataError, match=r"may_warp .*\(2, 2\)"):
        WarpingError()(predicted, TWO_CELLS, may_warp=np.zeros((2, 2), bool))


def test_best_threshold_is_that_of_fewest_splits_and_mergers():
    probability = np.where(TWO_CELLS == 1, 0.85, 0.35).astype(np.float32)
    probability[2, 4] = 0.55  # a weak place in the membrane, closed above 0.6
    found = over_thresholds(WarpingError(), probability, TWO_CELLS)
    assert found.threshold == 0.6
    assert found.columns()["best_warping_error"] == 0
    assert [score.number_of(Mistake.MERGER) for score in found.scores] == [1] * 6 + [0] * 4


def test_images_are_pooled_by_their_pixels():
    bad = WarpingScore((TopologyError(Mistake.SPLIT, 0, 0, 3),), num_pixels=10)
    good = WarpingScore((), num_pixels=90)
    assert WarpingScore.pool([bad, good]) == {
        "warping_error": 0.03,
        "split_merger_error": 0.03,
        "splits": 1,
        "mergers": 0,
    }


def test_a_section_of_512_px_takes_less_than_2_s_of_one_core():
    rng = np.random.default_rng(0)
    truth, predicted = (rng.random((2, 512, 512)) < 0.6).astype(np.uint8)  # nothing agrees: far worse than any network
    start = time.process_time()
    WarpingError()(predicted, truth)
    assert time.process_time() - start < 2


def test_refusals():
    with pytest.raises(SettingsError, match=r"cell_class is 255.*0\.\.254"):
        WarpingError(cell_class=IGNORE)
    with pytest.raises(DataError, match="same size"):
        WarpingError()(TWO_CELLS, TWO_CELLS[1:])
    with pytest.raises(LabelError, match="instance maps"):
        WarpingError()(TWO_CELLS.astype(np.int32) * 300, TWO_CELLS)
