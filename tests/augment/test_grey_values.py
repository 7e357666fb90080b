import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from unseam.augment import GreyValues
from unseam.augment.grey_values import add_noise, normal_pairs
from unseam.errors import SettingsError

OFF = {"brightness": 0.0, "contrast": 0.0, "gamma": 0.0, "noise": 0.0}


def varied(image, rng, **settings):
    """A varied copy of an array."""
    tensor = torch.from_numpy(image.copy())
    GreyValues(**settings)(tensor, rng)
    return tensor.numpy()


def only(image, rng, **settings):
    return varied(image, rng, **(OFF | settings))


@pytest.fixture
def image(rng):
    return rng.random((3, 40, 50), dtype=np.float32) * 1.4 - 0.2  # some values outside 0..1


def test_all_off_changes_nothing(image, rng):
    np.testing.assert_array_equal(varied(image, rng, **OFF), image)


def test_brightness_shifts_within_its_range(image, rng):
    shifts = []
    for _ in range(200):
        change = only(image, rng, brightness=0.3) - image
        assert np.ptp(change, axis=(1, 2)).max() < 1e-6
        shifts.extend(change[:, 0, 0])
    assert np.abs(shifts).max() <= 0.3 + 1e-6
    assert np.std(shifts) == pytest.approx(0.3 / np.sqrt(3), rel=0.07)


def test_contrast_spreads_about_the_mean(image, rng):
    factors = []
    for _ in range(200):
        changed = only(image, rng, contrast=0.5)
        np.testing.assert_allclose(changed.mean((1, 2)), image.mean((1, 2)), atol=1e-5)
        factors.extend(changed.std((1, 2)) / image.std((1, 2)))
    assert 1 / 1.5 - 1e-5 < min(factors) < 0.7
    assert 1.45 < max(factors) < 1.5 + 1e-5


def test_gamma_bends_zero_to_one_and_nothing_else(image, rng):
    image[0, 0, :2] = 0, 1
    changed = only(image, rng, gamma=1.0)
    outside = (image <= 0) | (image >= 1)
    np.testing.assert_allclose(changed[outside], image[outside], atol=1e-6)
    for before, after in zip(image, changed, strict=True):
        inside = (before > 0.01) & (before < 0.99)
        exponents = np.log(after[inside]) / np.log(before[inside])
        assert np.ptp(exponents) < 1e-2
        assert 0.5 <= np.median(exponents) <= 2
        assert (np.diff(after.ravel()[np.argsort(before, axis=None)]) >= 0).all(), "the curve must be monotone"


def test_noise_is_gaussian_of_the_drawn_deviation(rng):
    flat = np.full((1, 200, 200), 0.5, np.float32)
    deviations = []
    for _ in range(100):
        change = only(flat, rng, noise=0.1) - flat
        assert abs(change.mean()) < 0.005
        assert abs(((change / change.std()) ** 4).mean() - 3) < 0.3
        deviations.append(change.std())
    assert max(deviations) < 0.102
    assert np.mean(deviations) == pytest.approx(0.05, abs=0.01)


def test_channels_vary_apart_or_together(rng):
    grey = np.repeat(rng.random((1, 30, 30), dtype=np.float32), 3, axis=0)
    together = varied(grey, rng, noise=0.0, per_channel=False)
    np.testing.assert_array_equal(together[0], together[1])
    apart = varied(grey, rng, noise=0.0)
    assert np.abs(apart[0] - apart[1]).max() > 1e-3
    noisy = varied(grey, rng, per_channel=False)
    assert np.abs(noisy[0] - noisy[1]).max() > 1e-3, "noise does not repeat from channel to channel"


def test_the_same_generator_state_gives_the_same_bits(image):
    first, second = (varied(image, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_switching_one_part_off_leaves_the_draws_of_the_others(image):
    generators = [np.random.default_rng(3) for _ in range(2)]
    only(image, generators[0], brightness=0.2)
    varied(image, generators[1])
    assert generators[0].random() == generators[1].random()


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    ),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_never_nan(image, seed, per_channel):
    strongest = {"brightness": 1.0, "contrast": 4.0, "gamma": 4.0, "noise": 1.0, "per_channel": per_channel}
    assert np.isfinite(varied(image, np.random.default_rng(seed), **strongest)).all()


@pytest.mark.parametrize("name", ["brightness", "contrast", "gamma", "noise"])
@pytest.mark.parametrize("value", [-0.1, 4.1, float("nan")])
def test_refuses_values_out_of_range(name, value):
    with pytest.raises(SettingsError, match=rf"{name} is {value}\b.*0 \(off\) to"):
        GreyValues(**{name: value})


def test_pairs_of_noise_are_normally_distributed_and_unrelated():
    pairs = normal_pairs()[:, None].view(torch.float32).double().numpy()
    assert pairs.shape == (2**14, 2)
    assert np.abs(pairs.mean(axis=0)).max() < 1e-6
    np.testing.assert_allclose(pairs.std(axis=0), 1, atol=1e-3)
    np.testing.assert_allclose((pairs**4).mean(axis=0), 3, atol=0.02)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.02
    for values in pairs.T:
        assert kstest(values, "norm").statistic < 1e-3


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (1, 37, 41)])
def test_every_pixel_gets_noise_of_its_own(shape):
    noise = torch.zeros(shape)
    add_noise(noise, [1.0] * shape[0], seed=4)
    assert noise.count_nonzero() == noise.numel()
    assert noise.unique().numel() > 0.9 * noise.numel()
    if noise.numel() > 1000:
        rows = noise[0].numpy()
        assert abs(np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1]) < 0.08, "neighbours are unrelated"
