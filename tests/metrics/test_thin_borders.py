import numpy as np
from hypothesis import given
from scipy import ndimage

from reference.metric_maps import FULL_INSTANCE_PAIRS
from unseam.metrics.thin_borders import thin_borders


def everywhere(cells: np.ndarray) -> np.ndarray:
    return np.ones(cells.shape, bool)


@given(FULL_INSTANCE_PAIRS)
def test_cells_only_grow_and_touch_no_other_that_they_did_not_touch(pair):
    cells = pair[0]
    grown = thin_borders(cells, everywhere(cells))
    np.testing.assert_array_equal(grown[cells > 0], cells[cells > 0])
    assert touching(grown) <= touching(cells)


def touching(cells: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of cells that share a side."""
    found = set()
    for first, second in ((cells[1:], cells[:-1]), (cells[:, 1:], cells[:, :-1])):
        meet = (first != second) & (first > 0) & (second > 0)
        found |= {(int(min(p, q)), int(max(p, q))) for p, q in zip(first[meet], second[meet], strict=True)}
    return found


def test_lines_are_one_px_wide_and_half_way():
    rng = np.random.default_rng(0)
    cells = np.zeros((80, 80), np.int32)
    for k, (row, column) in enumerate(rng.integers(3, 77, (30, 2)), start=1):
        cells[row, column] = k
    line = thin_borders(cells, everywhere(cells)) == 0
    assert line.any()
    assert not ndimage.binary_erosion(line, np.ones((2, 2))).sum() > 0.02 * line.sum(), "blocks of 2 x 2 px"
    distance = ndimage.distance_transform_edt(cells == 0)
    nearest = [np.hypot(*np.argwhere(cells == k)[0][:, None] - np.argwhere(line).T) for k in np.unique(cells[cells > 0])]
    second = np.sort(nearest, axis=0)[1]
    assert np.median(second - distance[line]) < 1


def test_nothing_grows_into_or_through_unannotated_pixels():
    cells = np.array([[1, 0, 0, 0, 0]], np.int32)
    assert thin_borders(cells, np.array([[True, True, False, True, True]])).tolist() == [[1, 1, 0, 0, 0]]


def test_without_cells_there_is_nothing_to_grow():
    assert not thin_borders(np.zeros((4, 5), np.int32), np.ones((4, 5), bool)).any()
