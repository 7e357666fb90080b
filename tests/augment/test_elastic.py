import numpy as np
import pytest

from reference.augmentation import elastic_field
from unseam.augment import Elastic
from unseam.augment.elastic import cubic_basis
from unseam.errors import SettingsError


@pytest.mark.parametrize("grid", [2, 3, 4, 7])
@pytest.mark.parametrize("size", [5, 64, 101])
def test_field_is_scipys_cubic_spline(grid, size, rng):
    elastic = Elastic(grid=grid)
    vectors = elastic(rng)
    field = elastic.basis(size) @ vectors @ elastic.basis(size).T
    np.testing.assert_allclose(field, elastic_field(vectors, size), atol=2e-5)


def test_field_passes_through_the_vectors_of_the_lattice(rng):
    elastic = Elastic()
    vectors = elastic(rng)
    field = elastic.basis(573) @ vectors @ elastic.basis(573).T
    np.testing.assert_allclose(field[:, ::286, ::286], vectors, atol=1e-5)


def test_basis_adds_up_to_one_and_is_symmetric():
    basis = cubic_basis(5, 572)
    np.testing.assert_allclose(basis.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(basis, basis[::-1, ::-1], atol=1e-6)


def test_field_is_level_at_the_border(rng):
    elastic = Elastic()
    field = elastic.basis(572) @ elastic(rng) @ elastic.basis(572).T
    steps = np.abs(np.diff(field, axis=1))
    assert steps[:, 0].max() < 0.01 * steps.max()


def test_one_pixel_takes_the_middle_of_the_lattice():
    np.testing.assert_allclose(cubic_basis(3, 1), [[0, 1, 0]], atol=1e-7)


def test_vectors_have_the_papers_statistics(rng):
    """Sec. 3.1: 3 x 3 vectors from a Gaussian with 10 px standard deviation."""
    elastic = Elastic()
    assert (elastic.grid, elastic.sigma) == (3, 10.0)
    drawn = np.stack([elastic(rng) for _ in range(3000)])
    assert drawn.shape == (3000, 2, 3, 3)
    np.testing.assert_allclose(drawn.std(0), 10, rtol=0.06)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.8)
    kurtosis = (drawn**4).mean() / (drawn**2).mean() ** 2
    assert abs(kurtosis - 3) < 0.15
    correlation = np.corrcoef(drawn.reshape(3000, 18).T) - np.eye(18)
    assert np.abs(correlation).max() < 0.08, "vectors must be drawn apart"


def test_a_tile_moves_by_ten_px_at_its_lattice_points(rng):
    elastic = Elastic()
    basis = elastic.basis(573)[::286]
    moved = np.stack([basis @ elastic(rng) @ basis.T for _ in range(2000)])
    np.testing.assert_allclose(moved.std(0), 10, rtol=0.07)


def test_basis_is_kept_and_cannot_be_changed():
    assert cubic_basis(3, 572) is cubic_basis(3, 572)
    with pytest.raises(ValueError, match="read-only"):
        cubic_basis(3, 572)[0, 0] = 1


def test_sigma_zero_moves_nothing(rng):
    assert not Elastic(sigma=0.0)(rng).any()


@pytest.mark.parametrize("grid", [-1, 0, 1, 65])
def test_refuses_a_lattice_without_span(grid):
    with pytest.raises(SettingsError, match=rf"{grid} points.*2 to 64"):
        Elastic(grid=grid)


@pytest.mark.parametrize("sigma", [-0.1, 201.0, float("nan"), float("inf")])
def test_refuses_a_sigma_out_of_range(sigma):
    with pytest.raises(SettingsError, match="0 to 200 px"):
        Elastic(sigma=sigma)
