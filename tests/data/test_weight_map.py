import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import unseam
from reference import weight_map as reference
from reference.touching_cells import touching_cells
from unseam.data.weight_map import WeightMap, balanced_class_weights, separation_term, weight_map
from unseam.errors import LabelError, SettingsError
from unseam.heads.ridge import cut_ridge

ATOL = 1e-5  # float32 at a weight of 10 is spaced by 1e-6


def expected(instances: np.ndarray, w0=10.0, sigma=5.0, class_weights=(1.0, 1.0), cut=True) -> np.ndarray:
    objects = reference.cut_ridge(instances) if cut else instances
    return reference.weight_map(objects, w0, sigma, class_weights)


@settings(max_examples=120)
@given(
    arrays.arrays(np.int64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-1, 3)),
    st.sampled_from([0.0, 1.0, 10.0, 50.0]),
    st.sampled_from([0.5, 2.0, 5.0, 20.0, 300.0]),
    st.booleans(),
)
def test_small_maps_match_brute_force(instances, w0, sigma, cut):
    ours = weight_map(instances, w0=w0, sigma=sigma, class_weights=(0.75, 1.5), cut=cut)
    np.testing.assert_allclose(ours, expected(instances, w0, sigma, (0.75, 1.5), cut), atol=ATOL, rtol=1e-6)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5])
def test_random_maps_match_brute_force(rng, share):
    """Objects in many pieces, most of them of one pixel."""
    instances = rng.integers(1, 12, (150, 170)) * (rng.random((150, 170)) < share)
    np.testing.assert_allclose(weight_map(instances), expected(instances), atol=ATOL)


def test_touching_cells_match_brute_force(rng):
    cells = touching_cells(rng, 140, 14)
    ours = weight_map(cells)
    np.testing.assert_allclose(ours, expected(cells), atol=ATOL)
    ridge = (cells > 0) & (cut_ridge(cells) == 0)
    assert ours[ridge].min() > 1 + 10 * np.exp(-(5.0**2) / 50), "the ridge is within 5 px of both of its objects"
    np.testing.assert_array_equal(ours, weight_map(cut_ridge(cells)))


def test_one_number_by_hand():
    """A gap of three pixels: in its middle d1 = d2 = 2 px, at its sides 1 and 3."""
    gap = weight_map(np.array([[1, 0, 0, 0, 2]]))[0]
    np.testing.assert_allclose(gap, [1, *[1 + 10 * np.exp(-16 / 50)] * 3, 1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (0, 5), (5, 0)])
def test_odd_shapes(rng, shape):
    instances = rng.integers(0, 3, shape) * (rng.random(shape) < 0.3)
    ours = weight_map(instances)
    assert (ours.shape, ours.dtype) == (shape, np.float32)
    if ours.size:
        np.testing.assert_allclose(ours, expected(instances), atol=ATOL)


@pytest.mark.parametrize("sigma", [1.0, 5.0, 1000.0])
def test_fewer_than_two_objects_have_no_term(sigma):
    nothing = np.zeros((40, 40), int)
    one = nothing.copy()
    one[3:9, 5:20] = one[30:, 30:] = 7
    for instances in (nothing, one):
        assert (weight_map(instances, sigma=sigma) == 1).all()


def test_not_annotated_weighs_nothing_and_is_no_object():
    instances = np.array([[1, 0, 0, -1, -1, 0, 2]])
    weights = weight_map(instances)
    assert (weights[0, 3:5] == 0).all()
    np.testing.assert_allclose(weights, expected(instances), atol=ATOL)


def test_object_numbers_do_not_matter(rng):
    cells = touching_cells(rng, 90, 9)
    plain = weight_map(cells)
    numbers = np.concatenate([[0], rng.choice(2**31 - 1, 8, replace=False) + 1, [2**31 - 1]])
    np.testing.assert_array_equal(weight_map(numbers[cells]), plain)
    np.testing.assert_array_equal(weight_map(cells.astype(np.uint8)), plain)


def test_without_the_cut_touching_objects_carry_the_class_weight_only():
    instances = np.array([[1, 1, 2, 2]])
    assert weight_map(instances, cut=False).tolist() == [[1, 1, 1, 1]]
    assert weight_map(instances)[0, 1] > 8


def test_balanced_weights_follow_the_cut_map(rng):
    cells = touching_cells(rng, 60, 6)
    cells[:, :10] = -1
    cut = cut_ridge(cells)
    background, foreground = balanced_class_weights(np.array([(cut == 0).sum(), (cut > 0).sum()]))
    weights = weight_map(cells, w0=0, class_weights="balanced")
    assert weights[cut >= 0].mean() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(weights, expected(cells, 0.0, 5.0, (background, foreground)), rtol=1e-6)


def test_the_function_for_programs_is_the_setting_that_training_calls(rng):
    cells = touching_cells(rng, 60, 6)
    cells[:, :10] = -1
    objects = cut_ridge(cells).astype(np.int32)
    class_map = (objects > 0).astype(np.uint8)
    class_map[cells == -1] = 255
    ours = WeightMap(7.0, 3.0)(class_map, objects, (0.5, 2.0))
    np.testing.assert_array_equal(weight_map(cells, w0=7, sigma=3, class_weights=(0.5, 2.0)), ours)
    assert (ours[:, :10] == 0).all()
    np.testing.assert_array_equal(WeightMap()(class_map, None, (0.5, 2.0)), np.array([0.5, 2.0, 0.0])[np.minimum(class_map, 2)])


def test_the_balance_is_a_power_of_the_frequencies():
    assert WeightMap(balance=0.0).class_weights([300, 100]) == (1.0, 1.0)
    assert WeightMap(balance=1.0).class_weights([300, 100]) == balanced_class_weights([300, 100])
    weights = np.array(WeightMap(balance=0.5).class_weights([300, 100]))
    assert weights[1] / weights[0] == pytest.approx(3**0.5)
    assert (weights * [300, 100]).sum() == pytest.approx(400)


def test_balanced_class_weights_have_mean_one_and_equal_shares(rng):
    counts = rng.integers(1, 10_000, 5)
    weights = np.array(balanced_class_weights(counts))
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights * counts, counts.sum() / 5)


def test_a_class_that_does_not_occur_weighs_one():
    assert balanced_class_weights([300, 0, 100]) == (400 / 600, 1.0, 2.0)
    assert balanced_class_weights([0, 0]) == (1.0, 1.0)


def test_the_term_alone_leaves_objects_and_unannotated_pixels_at_zero(rng):
    instances = rng.integers(-1, 4, (30, 30)).astype(np.int32)
    term = separation_term(instances, 10.0, 5.0)
    assert (term[instances != 0] == 0).all()
    np.testing.assert_allclose(term, reference.separation_term(np.maximum(instances, 0), 10, 5) * (instances == 0), atol=ATOL)


def test_the_public_name_is_this_function():
    assert unseam.weight_map is weight_map


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"w0": -1.0}, r"weight_map.w0 = -1.0.* 0.0 and 1000000.0"),
        ({"w0": float("nan")}, r"weight_map.w0 = nan"),
        ({"sigma": 0.0}, r"weight_map.sigma = 0.0.* 0.001 and 1000.0"),
        ({"sigma": 1e9}, r"weight_map.sigma = 1000000000.0"),
        ({"class_weights": (1.0, -2.0)}, r"class weights \(1.0, -2.0\).*balanced_class_weights"),
        ({"class_weights": (1.0, float("inf"))}, r"class weights .*inf"),
    ],
)
def test_refusals_say_what_may_come(settings_, message):
    with pytest.raises(SettingsError, match=message):
        weight_map(np.zeros((3, 3), int), **settings_)


def test_refuses_counts_that_are_none():
    for counts in ([], [3, -1]):
        with pytest.raises(SettingsError, match="class counts"):
            balanced_class_weights(counts)


def test_refuses_what_is_no_instance_map():
    with pytest.raises(LabelError, match="float64"):
        weight_map(np.zeros((3, 3)))
