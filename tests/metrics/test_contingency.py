import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.contingency_by_pixel import contingency_by_pixel
from reference.metric_maps import CLASS_PAIRS, INSTANCE_PAIRS
from unseam.errors import DataError, LabelError
from unseam.metrics.contingency import (
    _count_dense,
    _count_runs,
    contingency_of_class_maps,
    contingency_of_instance_maps,
)
from unseam.shapes import IGNORE, NOT_ANNOTATED


def as_dict(table):
    return {(p, t): n for p, t, n in zip(table.predicted.tolist(), table.truth.tolist(), table.count.tolist(), strict=True)}


@given(CLASS_PAIRS)
def test_class_maps_are_counted_pixel_by_pixel(pair):
    assert as_dict(contingency_of_class_maps(*pair)) == contingency_by_pixel(*pair, IGNORE)


@given(INSTANCE_PAIRS, st.sampled_from([1, 1000, 2**26]))
def test_instance_maps_are_counted_pixel_by_pixel(pair, factor):
    predicted, truth = pair[0] * factor, np.where(pair[1] > 0, pair[1] * factor, pair[1])
    table = contingency_of_instance_maps(predicted, truth)
    assert as_dict(table) == contingency_by_pixel(predicted, truth, NOT_ANNOTATED)


@given(INSTANCE_PAIRS)
def test_dense_and_sparse_counting_agree(pair):
    predicted, truth = (array.ravel() for array in pair)
    dense, sparse = _count_dense(predicted, truth), _count_runs(predicted, truth)
    for name in ("predicted", "truth", "count"):
        np.testing.assert_array_equal(getattr(dense, name), getattr(sparse, name))


@given(INSTANCE_PAIRS)
def test_sums(pair):
    table = contingency_of_instance_maps(*pair)
    is_annotated = pair[1] != NOT_ANNOTATED
    assert table.num_pixels == is_annotated.sum()
    for (ids, sizes), array in ((table.predicted_sizes, pair[0]), (table.truth_sizes, pair[1])):
        expected_ids, expected_sizes = np.unique(array[is_annotated], return_counts=True)
        np.testing.assert_array_equal(ids, expected_ids)
        np.testing.assert_array_equal(sizes, expected_sizes)


def test_iou_by_hand():
    table = contingency_of_instance_maps(np.array([[3, 3, 3, 0]]), np.array([[0, 8, 8, 8]]))
    assert as_dict(table) == {(0, 8): 1, (3, 0): 1, (3, 8): 2}
    assert table.predicted_size_of_pair.tolist() == [1, 3, 3]
    assert table.truth_size_of_pair.tolist() == [3, 1, 3]
    assert table.iou.tolist() == [1 / 3, 1 / 3, 2 / 4]
    assert table.is_object_pair.tolist() == [False, False, True]


@given(INSTANCE_PAIRS)
def test_foreground_is_the_table_of_the_binary_maps(pair):
    predicted, truth = pair
    binary_truth = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
    expected = contingency_by_pixel((predicted > 0).astype(np.uint8), binary_truth, IGNORE)
    assert as_dict(contingency_of_instance_maps(predicted, truth).as_foreground()) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.uint64])
def test_any_integer_type(dtype):
    predicted, truth = np.array([[0, 7], [7, 7]], dtype=dtype), np.array([[0, 9], [9, 0]], dtype=dtype)
    assert as_dict(contingency_of_instance_maps(predicted, truth)) == {(0, 0): 1, (7, 0): 1, (7, 9): 2}


def test_a_view_with_strides():
    predicted = np.arange(24, dtype=np.int32).reshape(4, 6)[::2, ::3]
    assert as_dict(contingency_of_instance_maps(predicted, predicted)) == {(v, v): 1 for v in (0, 3, 12, 15)}


@pytest.mark.parametrize("shape", [(0, 4), (0, 0)])
def test_no_pixel(shape):
    table = contingency_of_instance_maps(np.zeros(shape, np.int32), np.zeros(shape, np.int32))
    assert table.num_pixels == 0
    assert table.iou.size == table.predicted_sizes[0].size == 0


@pytest.mark.parametrize("count", [contingency_of_class_maps, contingency_of_instance_maps])
def test_sizes_must_agree(count):
    message = r"2 x 3 px .* 3 x 2 px.*same size"
    with pytest.raises(DataError, match=message):
        count(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


def test_values_must_be_classes():
    good, bad = np.zeros((1, 2), np.int32), np.array([[0, 300]], np.int32)
    with pytest.raises(LabelError, match=r"true class map .* 0 to 300.* 0\.\.254"):
        contingency_of_class_maps(good, bad)
    with pytest.raises(LabelError, match=r"predicted class map .* -1 to 0"):
        contingency_of_class_maps(good - np.array([[0, 1]], np.int32), good)


def test_values_must_be_ids():
    good = np.zeros((1, 2), np.int64)
    with pytest.raises(LabelError, match=r"predicted instance map .* -1 to 0.* 0\.\."):
        contingency_of_instance_maps(np.array([[0, -1]]), good)
    with pytest.raises(LabelError, match=r"true instance map .* -2 to 0.* -1\.\."):
        contingency_of_instance_maps(good, np.array([[0, -2]]))
    with pytest.raises(LabelError, match="Renumber"):
        contingency_of_instance_maps(np.array([[0, 2**31]]), good)
