import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from reference.augmentation import blurred
from unseam.augment import Augment, GreyValues, Sharpness
from unseam.augment.sharpness import blur
from unseam.errors import SettingsError

STILL = Augment(elastic=None, rotate=None, mirror=None, scale=None, grey=None)


@pytest.mark.parametrize("deviation", [0.3, 0.8, 1.5, 4.0])
@pytest.mark.parametrize("shape", [(1, 11, 8), (2, 5, 1), (3, 2, 9), (1, 1, 1)])
def test_blur_is_the_plain_reference_and_scipys(deviation, shape, rng):
    image = rng.random(shape, dtype=np.float32)
    made = blur(torch.from_numpy(image), deviation).numpy()
    for plane, result in zip(image, made, strict=True):
        np.testing.assert_allclose(result, blurred(plane, deviation), atol=1e-6)
        np.testing.assert_allclose(result, gaussian_filter(plane.astype(float), deviation, mode="mirror"), atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_half_of_the_crops_are_blurred_and_the_others_sharpened(seed, rng):
    image = rng.random((2, 13, 17), dtype=np.float32)
    made = torch.from_numpy(image.copy())
    Sharpness(blur=2.0, sharpen=0.8)(made, np.random.default_rng(seed))
    extent = np.random.default_rng(seed).uniform(-1.0, 1.0)
    for plane, result in zip(image, made.numpy(), strict=True):
        plain = blurred(plane, -extent * 2.0) if extent < 0 else plane + 0.8 * extent * (plane - blurred(plane, 1.0))
        np.testing.assert_allclose(result, plain, atol=1e-5)


def test_noise_is_not_blurred():
    """A flat image keeps the noise that its grey values get: each pixel is independent of the next."""
    flat, place = np.full((1, 80, 80), 0.5, np.float32), {"centre": (39.5, 39.5), "input_size": 80, "output_size": 80}
    augment = Augment(None, None, None, None, Sharpness(blur=5.0), GreyValues(0.0, 0.0, 0.0, 0.2))
    for seed in range(6):
        made = augment(flat, flat[0].astype(np.uint8), **place, rng=np.random.default_rng(seed)).image[0].numpy()
        made = made - made.mean()
        assert abs((made[1:] * made[:-1]).mean()) < 0.06 * made.var()


def test_a_constant_stays_constant():
    for seed in range(4):
        image = torch.full((1, 30, 30), 0.7)
        Sharpness(20.0, 10.0)(image, np.random.default_rng(seed))
        np.testing.assert_allclose(image, 0.7, atol=1e-5)


@pytest.mark.parametrize(("name", "value"), [("blur", -0.1), ("blur", 20.1), ("sharpen", -1.0), ("sharpen", float("nan"))])
def test_refuses_amounts_out_of_range(name, value):
    with pytest.raises(SettingsError, match=f"{name} is {value}.*0 "):
        Sharpness(**{name: value})
