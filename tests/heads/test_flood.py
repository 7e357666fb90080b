"""The order of the flood depends on the pixels alone, and a window never contradicts the image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from unseam.heads.flood import LIKELY, MOST_STEPS, UNKNOWN, flood, steps_to_core

THRESHOLD = 0.8
tenths = arrays.arrays(np.int64, (14, 17), elements=st.integers(3, 9)).map(lambda values: np.float32(values) / np.float32(10))


def cores_of(likely: np.ndarray) -> np.ndarray:
    return ndimage.label(likely > THRESHOLD)[0].astype(np.int32)


def flooded(likely: np.ndarray) -> np.ndarray:
    cores = cores_of(likely)
    return flood(cores, likely, steps_to_core(cores > 0))


def by_turns(likely: np.ndarray) -> np.ndarray:
    """Flood plainly: of all waiting pixels with a number, the first in the order gives it to its neighbours."""
    numbers = cores_of(likely)
    steps = steps_to_core(numbers > 0)
    height, width = likely.shape
    waiting = {(-likely[place], steps[place], place) for place in np.ndindex(likely.shape) if numbers[place]}
    while waiting:
        first = min(waiting)
        waiting.remove(first)
        row, column = first[2]
        for place in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= place[0] < height and 0 <= place[1] < width and likely[place] > LIKELY and not numbers[place]:
                numbers[place] = numbers[row, column]
                waiting.add((-likely[place], steps[place], place))
    return numbers


@given(tenths)
def test_flood_by_turns(likely):
    np.testing.assert_array_equal(flooded(likely), by_turns(likely))


@given(tenths, st.integers(0, 10), st.integers(0, 13), st.integers(3, 12), st.integers(3, 12))
def test_a_number_in_a_window_is_certain(likely, top, left, height, width):
    window = (slice(top, top + height), slice(left, left + width))
    cores = cores_of(likely)
    part = cores[window]
    is_open = np.zeros(part.shape, bool)
    is_open[0] |= top > 0
    is_open[-1] |= top + height < 14
    is_open[:, 0] |= left > 0
    is_open[:, -1] |= left + width < 17
    found = flood(part, likely[window], steps_to_core(cores > 0)[window], is_open)
    is_known = found != UNKNOWN
    np.testing.assert_array_equal(found[is_known], flooded(likely)[window][is_known])


def test_a_plateau_is_shared_at_its_middle():
    likely = np.full((5, 20), 0.6, np.float32)
    likely[:, 0] = likely[:, -1] = 0.9
    assert (flooded(likely) == np.repeat([1, 2], 10)).all()
    assert (flooded(likely.T.copy()) == np.repeat([1, 2], 10)[:, None]).all()


def test_steps_end():
    assert (steps_to_core(np.zeros((3, 3), bool)) == MOST_STEPS).all()
    far = np.zeros((1, 300), bool)
    far[0, 0] = True
    assert steps_to_core(far)[0].tolist() == [min(step, MOST_STEPS) for step in range(300)]
