"""How grey values are scaled before an exported network: by each image, as the model does, or by one fixed range."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from unseam.data.normalise import GreyRange, Normalise, Ranges
from unseam.errors import SettingsError
from unseam.model.model_info import ModelInfo

Scaling = Literal["image", "fixed"]
"""``image``: percentiles of each image. ``fixed``: one range for all images, that of the training images."""

_EPSILON = 1e-6
"""bioimageio.core 0.11.0 adds this to the width of the range, whatever a description says."""


@dataclass(frozen=True)
class GreyScale:
    """The scaling of grey values that belongs to an exported network.

    Attributes
    ----------
    normalise
        The percentiles of the model.
    fixed
        The range of all images; None: each image has its own.
    """

    normalise: Normalise
    fixed: GreyRange | None = None

    def ranges(self, num_channels: int) -> Ranges | None:
        """Return what :meth:`unseam.model.Model.predict` takes as ``ranges``; None: those of the image."""
        return None if self.fixed is None else (self.fixed,) * num_channels

    @property
    def sentence(self) -> str:
        """What a person must do with grey values before the network."""
        if self.fixed is not None:
            return f"(grey - {self.fixed.low:g}) / {self.fixed.high - self.fixed.low:g}, the same for every image, not clipped"
        low, high = self.normalise.low_percent, self.normalise.high_percent
        return f"percentile {low:g} of each channel of the whole image becomes 0, percentile {high:g} becomes 1, not clipped"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The same as steps of the bioimage.io description; some programs take no more than one."""
        if self.fixed is not None:
            width = self.fixed.high - self.fixed.low
            return [{"id": "scale_linear", "kwargs": {"gain": 1 / width, "offset": -self.fixed.low / width}}]
        low, high = self.normalise.low_percent, self.normalise.high_percent
        kwargs = {"axes": ["y", "x"], "min_percentile": float(low), "max_percentile": float(high)}
        return [{"id": "scale_range", "kwargs": kwargs}]


def as_described(steps: list[dict[str, Any]], image: Float[np.ndarray, "batch channel height width"]) -> np.ndarray:
    """Scale raw grey values as bioimageio.core does what a description says."""
    for step in steps:
        image = _STEPS[step["id"]](image, **step["kwargs"])
    return image.astype(np.float32)


def _scale_range(image: np.ndarray, axes: list[str], min_percentile: float, max_percentile: float) -> np.ndarray:
    over = tuple("bcyx".index(axis) for axis in axes)
    low, high = np.percentile(image, [min_percentile, max_percentile], axis=over, keepdims=True)
    return (image - low) / (high - low + _EPSILON)


def _scale_linear(image: np.ndarray, gain: float, offset: float) -> np.ndarray:
    return image * gain + offset


_STEPS: dict[str, Callable[..., np.ndarray]] = {"scale_range": _scale_range, "scale_linear": _scale_linear}


def grey_scale(info: ModelInfo, scaling: Scaling) -> GreyScale:
    """Return the scaling that belongs to a model; a model that takes one range for all images keeps it.

    The fixed range is the middle of what the training images had: of their lowest and highest percentile 1, and of their lowest
    and highest percentile 99.8. The record of a model holds no more.

    Raises
    ------
    SettingsError
        If the word is unknown, or if the model's record cannot give a fixed range.
    """
    if scaling not in get_args(Scaling):
        raise SettingsError(f"normalise is {scaling!r}. It may be 'image' or 'fixed'.")
    seen, how = info.training.seen, info.normalise
    if how.fixed is not None:
        return GreyScale(how, GreyRange(*how.fixed))
    if scaling == "image":
        return GreyScale(how)
    reason = ""
    if seen is None:
        reason = "does not hold the grey values of its training images"
    elif info.net.in_channels != 1:
        reason = "holds the grey values of its training images as a mean over the channels only"
    elif (how.low_percent, how.high_percent) != (Normalise.low_percent, Normalise.high_percent):
        taken = f"{how.low_percent:g} and {how.high_percent:g}"
        reason = f"holds percentiles 1 and 99.8 of its training images, and the model takes {taken}"
    elif sum(seen.high) <= sum(seen.low):
        reason = "says that its training images show nothing"
    if reason or seen is None:
        raise SettingsError(f"There is no fixed range: the model's record {reason}. Export with --normalise image.")
    return GreyScale(how, GreyRange(sum(seen.low) / 2, sum(seen.high) / 2))
