from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from reference.touching_cells import touching_cells
from unseam.errors import SettingsError
from unseam.heads.objects import Objects
from unseam.heads.ridge import cut_ridge

EVERYTHING = Objects(min_size=0, fill_holes=False, grow_px=0.0)


def likely(foreground: np.ndarray) -> np.ndarray:
    return np.asarray(foreground, np.float32)


def drawn(*lines: str) -> np.ndarray:
    """Read a picture in letters: '.' is background, a digit its number."""
    return np.array([[0 if letter == "." else int(letter) for letter in line] for line in lines])


@pytest.mark.parametrize("seed", range(4))
def test_round_trip_of_touching_cells(seed):
    cells = touching_cells(np.random.default_rng(seed), 220, 40)
    found = Objects()(likely(cut_ridge(cells) > 0))
    assert found.max() == len(np.unique(cells)) - 1
    for number in np.unique(cells[cells > 0]):
        cell = cells == number
        match = found == np.bincount(found[cell]).argmax()
        assert (cell & match).sum() / (cell | match).sum() > 0.9
    both = (cells > 0) & (found > 0)
    pairs = np.unique(np.stack([cells[both], found[both]]), axis=1)
    assert pairs.shape[1] < 2.5 * found.max(), "boundaries move by at most a pixel of a neighbour"


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=10)))
def test_bare_components_are_those_of_scipy(foreground):
    np.testing.assert_array_equal(EVERYTHING(likely(foreground)), ndimage.label(foreground)[0])


@given(
    arrays.arrays(np.float32, (12, 12), elements=st.floats(0, 1, width=32)),
    st.sampled_from([Objects(min_size=0), Objects(min_size=4, grow_px=6.0), Objects(threshold=0.8, min_size=2)]),
)
def test_numbers_run_without_gaps_in_scan_order(foreground, objects):
    found = objects(likely(foreground))
    numbers, first = np.unique(found[found > 0], return_index=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(first) > 0).all()
    assert (np.bincount(found.ravel(), minlength=1)[1:] >= objects.min_size).all()


def test_a_diagonal_ridge_of_one_pixel_separates():
    foreground = ~np.eye(9, dtype=bool)
    assert EVERYTHING(likely(foreground)).max() == 2


def test_the_ridge_goes_back_and_nothing_grows_outwards():
    cores = drawn("11..22...", "11..22...", "11..22...")
    assert Objects(min_size=0)(likely(cores > 0)).tolist() == drawn("111222...", "111222...", "111222...").tolist()


def test_a_wide_gap_and_a_notch_of_one_object_stay():
    wide = drawn("11...22", "11...22")
    assert (Objects(min_size=0)(likely(wide > 0)) == wide).all()
    notch = drawn("11.11", "11.11", "11111")
    assert (Objects(min_size=0)(likely(notch > 0)) == notch).all()


def test_holes_are_filled_for_one_object_only():
    picture = drawn(
        "111111111",
        "1.1.....1",
        "111.222.1",
        "111.2.2.1",
        "111.222.1",
        "111.....1",
        "111111111",
    )
    filled = Objects(min_size=0, grow_px=0.0)(likely(picture > 0))
    truth = picture.copy()
    truth[1, 1], truth[3, 5] = 1, 2
    np.testing.assert_array_equal(filled, truth)
    kept = Objects(min_size=0, grow_px=0.0, fill_holes=False)(likely(picture > 0))
    np.testing.assert_array_equal(kept, picture)


def test_a_bay_at_the_image_border_is_no_hole():
    bay = drawn("11.11", "1...1", "11111")
    assert (Objects(min_size=0, grow_px=0.0)(likely(bay > 0)) == bay).all()


def test_holes_shared_by_two_objects_stay():
    shared = drawn("1111222", "11...22", "1111222")
    shared[:, 3] = 0
    shared[[0, 2], 3] = 0
    found = Objects(min_size=0, grow_px=0.0)(likely(shared > 0))
    np.testing.assert_array_equal(found > 0, shared > 0)


def test_specks_go_and_leave_no_trace():
    """A speck inside a hole would spoil the hole, and one at a rim would take part of the gap."""
    foreground = np.ones((11, 14), bool)
    foreground[3:8, 3:8] = False
    foreground[5, 5] = True
    foreground[:, 11:] = False
    foreground[5, 12] = True
    truth = np.zeros((11, 14), int)
    truth[:, :11] = 1
    np.testing.assert_array_equal(Objects(min_size=10)(likely(foreground)), truth)
    assert Objects(min_size=0)(likely(foreground)).max() == 3


def test_size_counts_the_ridge():
    cells = np.kron(np.array([[1, 2], [3, 4]]), np.ones((5, 5), int))
    cores = cut_ridge(cells)
    assert (cores == 1).sum() == 16
    np.testing.assert_array_equal(Objects(min_size=25)(likely(cores > 0)), cells)
    assert Objects(min_size=26)(likely(cores > 0)).max() == 0


def test_raised_threshold_parts_objects_and_gives_back_what_lies_between():
    foreground = [[0.9, 0.9, 0.7, 0.6, 0.7, 0.9, 0.9, 0.2, 0.6, 0.6]]
    assert Objects(min_size=0, grow_px=0.0)(likely(foreground)).max() == 2
    parted = Objects(threshold=0.8, min_size=0, grow_px=0.0)(likely(foreground))
    assert (parted[0, :3] == 1).all()
    assert (parted[0, 4:7] == 2).all()
    assert parted[0, 3] in (1, 2)
    assert (parted[0, 7:] == 0).all(), "a region without a core starts no object"


def test_flood_from_the_rims_is_the_flood_from_the_cores(rng):
    from skimage.segmentation import watershed

    foreground = ndimage.gaussian_filter(rng.random((120, 120)), 3)
    foreground = np.float32((foreground - foreground.min()) / np.ptp(foreground))
    cores, _ = ndimage.label(foreground > 0.65)
    plain = watershed(-foreground, cores, connectivity=1, mask=foreground > 0.5)
    ours = Objects(threshold=0.65, min_size=0, fill_holes=False, grow_px=0.0)(likely(foreground))
    pairs = np.unique(np.stack([plain.ravel(), ours.ravel()]), axis=1)
    assert pairs.shape[1] == plain.max() + 1, "the same partition under other numbers"
    assert ours.max() > 20


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_images(value):
    for shape in ((1, 1), (40, 30)):
        found = Objects(min_size=1)(likely(np.full(shape, value)))
        assert found.dtype == np.int32
        assert (found == value).all()


def test_the_input_stays():
    given = likely(drawn("11..2", "11..2"))
    before = given.copy()
    Objects(threshold=0.6)(given)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": 1.0}, r"threshold is 1\.0.*0\.5"),
        ({"min_size": -1}, r"min_size is -1"),
        ({"grow_px": float("nan")}, r"grow_px is nan.*3\.9"),
        ({"grow_px": 101.0}, r"grow_px is 101"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises(SettingsError, match=message):
        Objects(**wrong)


def test_settings_stay():
    with pytest.raises(FrozenInstanceError):
        Objects().threshold = 0.4


def test_no_small_object_is_left_by_the_ridge_of_another_that_was_dropped() -> None:
    foreground = np.zeros((9, 7), np.float32)
    foreground[4, 0] = foreground[4, 6] = 0.9
    objects = Objects(min_size=4, grow_px=6.0)(foreground)
    areas = np.bincount(objects.ravel())[1:]
    assert (areas[areas > 0] >= 4).all()
