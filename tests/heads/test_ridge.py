import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reference import weight_map as reference
from reference.touching_cells import touching_cells
from unseam.errors import LabelError
from unseam.heads.ridge import cut_ridge


@settings(max_examples=150)
@given(arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-1, 3)))
def test_cut_is_that_of_the_pixel_by_pixel_reference(instances):
    before = instances.copy()
    cut = cut_ridge(instances)
    np.testing.assert_array_equal(cut, reference.cut_ridge(instances))
    np.testing.assert_array_equal(instances, before)
    np.testing.assert_array_equal(cut_ridge(cut), cut)
    assert set(np.unique(cut)) | {0} == set(np.unique(instances)) | {0}, "no object vanishes"
    assert ((cut == instances) | (cut == 0)).all(), "a cut only removes"
    np.testing.assert_array_equal(cut < 0, instances < 0)


def test_touching_cells_no_longer_touch(rng):
    cells = touching_cells(rng, 100, 12)
    cut = cut_ridge(cells)
    np.testing.assert_array_equal(cut, reference.cut_ridge(cells))
    assert (reference.cut_ridge_once(cut) == cut).all()


def test_a_thin_object_stays_whole_and_its_neighbours_give_way():
    assert cut_ridge(np.array([[1, 1, 1, 2, 3, 3, 3]])).tolist() == [[1, 1, 0, 2, 0, 3, 3]]


def test_two_thin_objects_side_by_side_share_the_cut():
    assert cut_ridge(np.array([[1, 1, 2, 2, 3, 3, 4, 4]])).tolist() == [[1, 0, 2, 0, 0, 3, 0, 4]]


def test_objects_of_one_pixel_survive_though_they_touch():
    assert cut_ridge(np.array([[1, 2], [3, 4]])).tolist() == [[1, 2], [3, 4]]


def test_nothing_is_cut_against_what_nobody_annotated():
    assert cut_ridge(np.array([[1, 1, -1, 2, 2]])).tolist() == [[1, 1, -1, 2, 2]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.uint64])
def test_type_and_numbers_stay(dtype):
    largest = np.iinfo(dtype).max
    instances = np.array([[3, 3, largest, largest], [3, 3, 0, largest]], dtype)
    cut = cut_ridge(instances)
    assert cut.dtype == dtype
    assert cut.tolist() == [[3, 0, 0, largest], [3, 0, 0, largest]]


def test_refuses_what_is_no_instance_map():
    with pytest.raises(LabelError, match=r"3 axes.*plane"):
        cut_ridge(np.zeros((2, 3, 4), int))
