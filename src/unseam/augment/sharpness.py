"""Random focus: a training image is blurred or sharpened, as if the microscope stood a little off (not in the paper)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from unseam.augment.base import Appearance
from unseam.errors import SettingsError
from unseam.geometry import mirrored_range

_TRUNCATE = 4.0  # standard deviations; SciPy's default, so that its gaussian_filter judges ours
_MASK_DEVIATION = 1.0  # px; sharpening enlarges what a Gaussian of this size takes away


@dataclass(frozen=True)
class Sharpness(Appearance):
    """Blur half of the crops and sharpen the others, by amounts drawn at random, the same for all channels::

        v = G(sd) v                        sd in 0 .. blur px, uniform: the standard deviation of a Gaussian
        v = v + amount * (v - G(1 px) v)   amount in 0 .. sharpen, uniform

    Beyond the crop the image is mirrored about its outer pixels. Labels stay where they are.

    **Departs:** not in the paper, and not in the paper's recipe. Use it where focus differs from image to image.

    >>> image = torch.zeros(1, 1, 9)
    >>> image[0, 0, 4] = 1.0
    >>> blur(image, 1.0).mul(100).round().int().flatten().tolist()
    [0, 0, 5, 24, 40, 24, 5, 0, 0]
    """

    blur: float = 1.5
    """Largest standard deviation of the blur, px of the crop; 0 (off) to 20."""
    sharpen: float = 1.0
    """Largest amount by which fine detail is enlarged: 1 doubles it; 0 (off) to 10."""

    def __post_init__(self) -> None:
        for name, highest in (("blur", 20.0), ("sharpen", 10.0)):
            value = getattr(self, name)
            if not 0.0 <= value <= highest:
                raise SettingsError(f"The sharpness setting {name} is {value}. It may be 0 (off) to {highest:g}.")

    def __call__(self, image: Float32[Tensor, "channel height width"], rng: np.random.Generator) -> None:
        extent = rng.uniform(-1.0, 1.0)
        if extent < 0:
            image.copy_(blur(image, -extent * self.blur))
        elif self.sharpen:
            image.add_(image - blur(image, _MASK_DEVIATION), alpha=extent * self.sharpen)


def blur(image: Float32[Tensor, "channel height width"], deviation: float) -> Float32[Tensor, "channel height width"]:
    """Return the image convolved with a Gaussian of a standard deviation in px, along rows and columns in turn."""
    kernel = gaussian(deviation)
    radius = len(kernel) // 2
    for axis in (1, 2):
        size = image.shape[axis]
        index = torch.from_numpy(mirrored_range(-radius, size + radius, size)).to(image.device, non_blocking=True)
        padded, image = image.index_select(axis, index), torch.zeros_like(image)
        for first, weight in enumerate(kernel.tolist()):  # shifted sums: the same bits with any number of threads
            image.add_(padded.narrow(axis, first, size), alpha=weight)
    return image


def gaussian(deviation: float) -> Float64[np.ndarray, "taps"]:
    """Return the weights of a Gaussian at whole pixels, cut off at four standard deviations; their sum is 1.

    >>> gaussian(0.5).round(3).tolist()
    [0.0, 0.106, 0.787, 0.106, 0.0]
    """
    radius = int(_TRUNCATE * deviation + 0.5)
    if radius == 0:
        return np.ones(1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
    return weights / weights.sum()
