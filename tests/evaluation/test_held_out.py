import numpy as np
import pytest
import torch

from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut
from unseam.evaluation.held_out import judge, with_smallest_object
from unseam.heads.objects import Objects
from unseam.shapes import IGNORE

CPU = torch.device("cpu")


def held_out(classes: np.ndarray, instances: np.ndarray | None = None) -> HeldOut:
    classes = classes.astype(np.uint8)
    image = np.zeros((1, *classes.shape), np.float32)
    sample = Sample("one", image, classes, np.ones(classes.shape, np.float32), instances)
    return HeldOut(sample, Window(0, classes.shape[0], 4, classes.shape[1]))


@pytest.mark.parametrize("inside", [0, IGNORE])
@pytest.mark.parametrize("objects", [None, Objects()])
def test_without_foreground_in_the_truth_nothing_is_judged(inside, objects):
    """Foreground outside the window does not count."""
    classes = np.full((6, 10), inside)
    classes[:, :4] = 1
    instances = np.where(classes == 1, 1, 0).astype(np.int32)
    assert judge([held_out(classes, instances)], objects, CPU, torch.float32) is None
    classes[2, 5], instances[2, 5] = 1, 2
    assert judge([held_out(classes, instances)], objects, CPU, torch.float32) is not None


def test_nothing_held_out_is_not_judged():
    assert judge([], None, CPU, torch.float32) is None


def test_the_smallest_object_is_measured_whatever_its_number():
    ids = np.zeros((40, 40), np.int32)
    ids[:10, :4], ids[20:30, :8] = 2_000_000_000, 7  # numbers, not sizes: counting up to the largest would take 16 GB
    ids[35:, 35:] = -1
    assert with_smallest_object(Objects(), [ids]).min_size == int(np.percentile([40, 80], 5) / 4)


def test_without_objects_the_settings_stay():
    assert with_smallest_object(Objects(min_size=3), [np.zeros((4, 4), np.int32)]) == Objects(min_size=3)
    assert with_smallest_object(Objects(min_size=3), []) == Objects(min_size=3)
