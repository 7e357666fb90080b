import numpy as np
import pytest

from unseam.errors import LabelError
from unseam.heads.instance_map import checked_instance_map


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_all_integer_types(dtype):
    largest = np.iinfo(dtype).max
    objects = checked_instance_map(np.array([[0, 1, largest], [largest, 1, 0]], dtype))
    assert objects.dtype == np.int32
    assert (objects[0, 1], objects[0, 0]) == (1, 0)
    assert objects[0, 2] == objects[1, 0] > 1


def test_large_numbers_become_small_in_their_order(rng):
    numbers = np.array([-1, 0, 5, 40_000, 2**31 - 1, 2**62])
    which = rng.integers(0, len(numbers), (30, 40))
    np.testing.assert_array_equal(checked_instance_map(numbers[which]), which - 1)


def test_large_numbers_without_background_or_without_objects():
    assert checked_instance_map(np.full((2, 2), 2**40)).tolist() == [[1, 1], [1, 1]]
    assert checked_instance_map(np.full((2, 2), -1)).tolist() == [[-1, -1], [-1, -1]]
    assert checked_instance_map(np.zeros((0, 3), int)).shape == (0, 3)


def test_moderate_numbers_stay_and_the_input_too():
    instances = np.array([[0, 900, -1]], np.int32)
    objects = checked_instance_map(instances)
    objects[:] = 0
    assert instances.tolist() == [[0, 900, -1]]


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (np.zeros(4, int), r"1 axes.*plane"),
        (np.zeros((3, 3)), r"float64.*astype"),
        (np.zeros((3, 3), bool), r"bool.*skimage.measure.label"),
        (np.array([[0, -2]]), r"-2.*-1 not annotated"),
    ],
)
def test_refusals_say_what_to_do(instances, message):
    with pytest.raises(LabelError, match=message):
        checked_instance_map(instances)
