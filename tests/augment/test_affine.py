import numpy as np
import pytest

from unseam.augment import Mirror, Rotate, Scale
from unseam.augment.affine import rotation
from unseam.errors import SettingsError


def test_rotation_keeps_lengths_and_handedness(rng):
    for _ in range(20):
        matrix = Rotate()(rng)
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(2), atol=1e-12)
        assert np.linalg.det(matrix) == pytest.approx(1)


def test_a_quarter_turn_is_numpys():
    picture = np.arange(9).reshape(3, 3)
    turned = np.empty_like(picture)
    for i, j in np.ndindex(3, 3):
        row, column = np.rint(rotation(90.0) @ (i - 1, j - 1)).astype(int) + 1
        turned[i, j] = picture[row, column]
    np.testing.assert_array_equal(turned, np.rot90(picture))


@pytest.mark.parametrize("limit", [10.0, 90.0, 180.0])
def test_angles_fill_their_range(limit, rng):
    matrices = [Rotate(limit)(rng) for _ in range(2000)]
    angles = np.rad2deg([np.arctan2(m[0, 1], m[0, 0]) for m in matrices])
    assert np.abs(angles).max() <= limit
    counts, _ = np.histogram(angles, bins=8, range=(-limit, limit))
    assert counts.min() > 190  # 250 expected in each eighth


def test_mirror_takes_each_of_its_four_poses_as_often(rng):
    poses = [tuple(np.diag(Mirror()(rng))) for _ in range(2000)]
    for pose in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
        assert 430 < poses.count(pose) < 570


@pytest.mark.parametrize(("rows", "columns"), [(True, False), (False, True), (False, False)])
def test_mirror_leaves_an_axis_alone(rows, columns, rng):
    diagonals = np.stack([np.diag(Mirror(rows=rows, columns=columns)(rng)) for _ in range(100)])
    assert [(d == -1).any() for d in diagonals.T] == [rows, columns]


def test_scale_is_log_uniform(rng):
    factors = np.array([1 / Scale(0.5, 2.0)(rng)[0, 0] for _ in range(2000)])
    assert factors.min() >= 0.5
    assert factors.max() <= 2
    assert 0.47 < (factors < 1).mean() < 0.53  # halving is as likely as doubling


def test_scale_above_one_enlarges(rng):
    np.testing.assert_allclose(Scale(2.0, 2.0)(rng), np.eye(2) / 2)


@pytest.mark.parametrize("degrees", [-1.0, 181.0, float("nan")])
def test_refuses_angles_out_of_range(degrees):
    with pytest.raises(SettingsError, match="0 to 180"):
        Rotate(degrees)


@pytest.mark.parametrize(("low", "high"), [(1.1, 0.9), (0.1, 1.0), (1.0, 5.0), (float("nan"), 1.0)])
def test_refuses_scales_out_of_range(low, high):
    with pytest.raises(SettingsError, match=r"0\.25 to 4\b"):
        Scale(low, high)
