"""Random variation of grey values (sec. 3.1): the light, the stain and the noise of another day at the microscope."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from unseam.errors import SettingsError


@dataclass(frozen=True)
class GreyValues:
    """Change contrast, brightness and gamma at random and add noise, for images normalised to about 0..1.

    In this order, with numbers drawn for each crop (and for each channel, where ``per_channel`` is on)::

        v = mean + factor * (v - mean) + shift        factor in 1/(1 + contrast) .. 1 + contrast, log-uniform
                                                      shift in -brightness .. brightness, uniform
        v = v ** exponent   where v is in 0..1        exponent in 1/(1 + gamma) .. 1 + gamma, log-uniform
        v = v + noise of standard deviation sd        sd in 0 .. noise, uniform

    ``mean`` is that of the channel in this crop. Gamma bends the range 0..1 onto itself and leaves values outside as
    they are, so that the curve is monotone, has no jump at 0 and at 1, and a finite image stays finite.

    **Source:** Ronneberger, Fischer, Brox 2015, sec. 3.1: robustness to grey-value variations.

    **Departs:** the paper gives no formula and no range; these are ours.
    """

    brightness: float = 0.1
    """Largest grey value added or taken away; 0 to 1."""
    contrast: float = 0.2
    """How far contrast may go: 0.2 spreads grey values by up to 1.2, or draws them together by as much; 0 to 4."""
    gamma: float = 0.2
    """How far gamma may go: 0.2 means exponents from 1/1.2 to 1.2; 0 to 4."""
    noise: float = 0.02
    """Largest standard deviation of the Gaussian noise added to each pixel; 0 to 1."""
    per_channel: bool = True
    """Draw anew for each channel (stains and colours vary apart), or once for all channels. Noise is always apart."""

    def __post_init__(self) -> None:
        for name, highest in (("brightness", 1.0), ("contrast", 4.0), ("gamma", 4.0), ("noise", 1.0)):
            value = getattr(self, name)
            if not 0.0 <= value <= highest:
                raise SettingsError(
                    f"The grey-value setting {name} is {value}. It may be 0 (off) to {highest:g}, "
                    "for images normalised to about 0..1."
                )

    def __call__(
        self, image: Float32[np.ndarray, "channel height width"], rng: np.random.Generator
    ) -> Float32[np.ndarray, "channel height width"]:
        """Return the image in another light; the given one is left as it is."""
        num_channels = len(image)
        # All is drawn whether it is used or not: switching one part off leaves the draws of the others alone.
        draws = rng.uniform(-1.0, 1.0, (num_channels, 3))
        seed, deviations = int(rng.integers(2**63)), rng.uniform(0.0, self.noise, num_channels)
        if not self.per_channel:
            draws[:], deviations[:] = draws[0], deviations[0]
        varied = torch.from_numpy(image.copy())
        for plane, (bright, spread, bend) in zip(varied, draws, strict=True):
            _stretch(plane, factor=(1.0 + self.contrast) ** spread, shift=self.brightness * bright)
            if self.gamma:
                _bend(plane, exponent=(1.0 + self.gamma) ** bend)
        if self.noise:
            # NumPy's normal numbers take three times as long: they alone would be a third of the whole.
            generator = torch.Generator("cpu").manual_seed(seed)
            for plane, deviation in zip(varied, deviations, strict=True):
                plane.add_(torch.empty_like(plane).normal_(generator=generator), alpha=float(deviation))
        return varied.numpy()


def _stretch(plane: Float[Tensor, "height width"], *, factor: float, shift: float) -> None:
    """Spread grey values about their mean and shift them, in place."""
    mean = float(plane.mean(dtype=torch.float64))
    plane.mul_(factor).add_((1.0 - factor) * mean + shift)


def _bend(plane: Float[Tensor, "height width"], *, exponent: float) -> None:
    """Raise grey values in 0..1 to a power, in place; others stay."""
    inside = plane.clamp(0.0, 1.0)
    plane.sub_(inside).add_(inside.pow_(exponent))
