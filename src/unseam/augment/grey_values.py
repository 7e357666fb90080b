"""Random variation of grey values (sec. 3.1): the light, the stain and the noise of another day at the microscope."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from scipy.special import ndtri
from torch import Tensor

from unseam.augment.base import Appearance
from unseam.errors import SettingsError


@dataclass(frozen=True)
class GreyValues(Appearance):
    """Change contrast, brightness and gamma at random and add noise, for images normalised to about 0..1.

    The steps run in this order; numbers are drawn per crop, or per crop and channel if ``per_channel`` is on::

        v = mean + factor * (v - mean) + shift        factor in 1/(1 + contrast) .. 1 + contrast, log-uniform
                                                      shift in -brightness .. brightness, uniform
        v = v ** exponent   where v is in 0..1        exponent in 1/(1 + gamma) .. 1 + gamma, log-uniform
        v = v + noise of standard deviation sd        sd in 0 .. noise, uniform

    ``mean`` is the mean of the channel in this crop. Gamma maps 0..1 onto itself and leaves other values alone, so the
    curve is monotone and continuous, and a finite image stays finite.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: robustness to grey-value variations.

    **Departs:** the paper gives neither formulas nor ranges; these are ours.
    """

    brightness: float = 0.1
    """Largest grey value added or subtracted; 0 to 1."""
    contrast: float = 0.2
    """Range of the contrast: 0.2 stretches or compresses grey values by a factor of up to 1.2; 0 to 4."""
    gamma: float = 0.2
    """Range of gamma: 0.2 means exponents from 1/1.2 to 1.2; 0 to 4."""
    noise: float = 0.02
    """Largest standard deviation of the Gaussian noise added to each pixel; 0 to 1."""
    per_channel: bool = True
    """Draw separately for each channel (stains and colours vary independently) or once for all; noise is always separate."""

    def __post_init__(self) -> None:
        for name, highest in (("brightness", 1.0), ("contrast", 4.0), ("gamma", 4.0), ("noise", 1.0)):
            value = getattr(self, name)
            if not 0.0 <= value <= highest:
                raise SettingsError(
                    f"The grey-value setting {name} is {value}. It may be 0 (off) to {highest:g}, "
                    "for images normalised to about 0..1."
                )

    def __call__(self, image: Float32[Tensor, "channel height width"], rng: np.random.Generator) -> None:
        """Vary the image in place.

        A GPU generates its noise from a seed drawn here: the numbers differ from a CPU's, the distribution does not.
        """
        num_channels = len(image)
        # Draw every number, even where its part is off: switching one part off must not change the draws of the others.
        draws = rng.uniform(-1.0, 1.0, (num_channels, 3))
        seed, deviations = int(rng.integers(2**63)), rng.uniform(0.0, self.noise, num_channels)
        if not self.per_channel:
            draws[:], deviations[:] = draws[0], deviations[0]
        for plane, (shift, stretch, bend) in zip(image, draws.tolist(), strict=True):
            factor = (1.0 + self.contrast) ** stretch
            torch.add(plane.mean().mul_(1.0 - factor).add_(self.brightness * shift), plane, alpha=factor, out=plane)
            if self.gamma:
                _apply_gamma(plane, exponent=(1.0 + self.gamma) ** bend)
        if self.noise:
            add_noise(image, deviations.tolist(), seed)


def _apply_gamma(plane: Float[Tensor, "height width"], *, exponent: float) -> None:
    """Raise grey values within 0..1 to a power, in place; leave other values alone."""
    inside = plane.clamp(0.0, 1.0)
    plane.sub_(inside)
    plane.add_(inside.log2_().mul_(exponent).exp2_())  # differs from pow in the last bits, and takes two thirds of its time


def add_noise(image: Float[Tensor, "channel height width"], deviations: Sequence[float], seed: int) -> None:
    """Add Gaussian noise to each channel, in place; the same seed on the same kind of device gives the same noise.

    A CPU draws pairs of numbers from a table of 16,384 pairs, which is normally distributed up to four standard
    deviations. Computing each number would take four times as long.
    """
    if image.device.type != "cpu":
        generator = torch.Generator(image.device).manual_seed(seed)
        for plane, deviation in zip(image, deviations, strict=True):
            plane.add_(torch.empty_like(plane).normal_(generator=generator), alpha=deviation)
        return
    pairs, bits = normal_pairs(), np.random.Generator(np.random.PCG64(seed))
    for plane, deviation in zip(image, deviations, strict=True):
        words = bits.integers(2**64, size=-(-plane.numel() // 8), dtype=np.uint64)  # each word chooses four pairs
        drawn = pairs.index_select(0, torch.from_numpy(words.view(np.int16)).int().bitwise_and_(2**14 - 1))
        plane.add_(drawn.view(torch.float32)[: plane.numel()].view(plane.shape), alpha=deviation)


@lru_cache(maxsize=1)
def normal_pairs() -> Int64[Tensor, "16384"]:
    """Return 16,384 pairs of normally distributed float32, each pair packed into one integer.

    Both parts hold the midpoints of 16,384 equally likely slices of the distribution; a fixed shuffle pairs them.
    """
    slices = ndtri((np.arange(2**14) + 0.5) / 2**14).astype(np.float32)
    partners = np.random.default_rng(0).permutation(slices)
    return torch.from_numpy(np.stack([slices, partners], axis=1)).view(torch.int64)[:, 0]
