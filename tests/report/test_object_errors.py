"""Objects that are wrong: worked by hand, and against the counts behind F1."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unseam.metrics import ObjectScores
from unseam.report.object_errors import matched_pairs, object_errors
from unseam.shapes import NOT_ANNOTATED


def said(predicted, truth) -> list[tuple[str, int, int]]:
    errors = object_errors(np.array(predicted, np.int32), np.array(truth, np.int32))
    return [(error.kind, error.label, error.num_pixels) for error in errors]


def test_each_kind_with_its_place(of_objects):
    one = of_objects.images[0]
    found = {error.kind: error for error in object_errors(one.predicted, one.truth)}
    assert [(e.kind, e.label) for e in found.values()] == [("split", 2), ("merged", 4), ("missed", 5), ("invented", 9)]
    assert found["missed"].box == (slice(40, 50), slice(2, 12))
    assert found["invented"].box == (slice(40, 50), slice(60, 70))
    assert found["merged"].num_pixels == 210


def test_a_bad_outline_is_missed_and_invented():
    assert said([[0, 0, 0, 7, 7, 7]], [[1, 1, 1, 1, 0, 0]]) == [("missed", 1, 4), ("invented", 7, 3)]


def test_equal_maps_have_no_errors():
    assert said([[1, 1, 0, 2]], [[5, 5, 0, 3]]) == []


def test_a_true_object_with_one_piece_and_a_speck_is_split_only_if_both_lie_in_it():
    assert said([[1, 1, 1, 0, 2]], [[4, 4, 4, 4, 4]]) == [("split", 4, 5)]
    assert said([[1, 1, 1, 0, 2, 2, 2]], [[4, 4, 4, 4, 4, 0, 0]]) == [("invented", 2, 3)]


def test_what_nobody_annotated_is_neither_missed_nor_invented():
    assert said([[1, 1, 0, 2]], [[NOT_ANNOTATED] * 3 + [3]]) == []


def test_large_ids_with_gaps():
    assert said([[0, 0, 2_000_000_000]], [[1_000_000_000, 0, 0]]) == [
        ("missed", 1_000_000_000, 1),
        ("invented", 2_000_000_000, 1),
    ]


maps = arrays(np.int32, (6, 7), elements=st.integers(0, 4))


@given(maps, maps)
def test_every_object_that_f1_counts_as_wrong_is_found_or_part_of_a_split_or_a_merger(predicted, truth):
    errors = object_errors(predicted, truth)
    score = ObjectScores()(predicted, truth)
    of = {kind: [e for e in errors if e.kind == kind] for kind in ("split", "merged", "missed", "invented")}
    assert len(of["missed"]) <= score.false_negatives
    assert len(of["invented"]) <= score.false_positives
    if not of["split"] and not of["merged"]:
        assert len(of["missed"]) == score.false_negatives
        assert len(of["invented"]) == score.false_positives
    for error in errors:
        labels = truth if error.kind in ("split", "missed") else predicted
        assert (labels[error.box] == error.label).sum() == (labels == error.label).sum() == error.num_pixels


@given(maps, maps)
def test_matched_pixels_against_a_loop(predicted, truth):
    expected = np.zeros(truth.shape, bool)
    for true in np.unique(truth[truth > 0]):
        for guess in np.unique(predicted[predicted > 0]):
            both, either = (truth == true) & (predicted == guess), (truth == true) | (predicted == guess)
            if both.sum() > 0.5 * either.sum():
                expected |= both
    np.testing.assert_array_equal(matched_pairs(predicted, truth), expected)
