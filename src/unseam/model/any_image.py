"""Any image for a network that ships: one channel, at the scale that it knows; and its answer in the pixels of the image.

::

    image      colour -> one channel -> resampled -> network
                          size of its objects: given, or measured
    result     objects in full resolution <- maps resampled back <- maps

The whole image is resampled before tiles are laid, and maps after they are joined, so nothing depends on the tiles. Objects are
found in the pixels of the image, not in those of the network: their outlines are finer (``docs/networks.md`` has the numbers).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped

from unseam.data.one_channel import how_grey, one_channel
from unseam.data.rescale import back_to, rescaled
from unseam.errors import SettingsError
from unseam.heads import Objects
from unseam.model.model_info import ModelInfo
from unseam.model.object_size import Size, sureness
from unseam.settings import check_range

_SAME = 0.05
"""Scales that differ by less are one: the network does not notice, and the image keeps its pixels."""

_LARGEST_RATIO = 4.0
"""The smallest scale at which a size is measured; what is measured below it is smaller than anything that was looked for."""

_NEAR = 1.5
"""Objects larger or smaller by less are found well enough without resampling: training varies sizes so far."""

_MOST_GROWTH_PX = 100.0


@dataclass(frozen=True)
class Seen:
    """An image as the network sees it, ``ratio`` px for each of its own; ``notes`` say what was done."""

    image: Shaped[np.ndarray, "rows cols *channel"]
    height: int
    width: int
    ratio: float = 1.0
    notes: tuple[str, ...] = ()

    def back(self, maps: Float[np.ndarray, "logit rows cols"]) -> Float[np.ndarray, "logit height width"]:
        """Return maps in the pixels of the image."""
        return maps if self.ratio == 1 else back_to(maps, self.height, self.width)

    def in_its_pixels(self, objects: Objects) -> Objects:
        """Return how objects are found in the pixels of the image: what is said in px of the network changes with the scale."""
        if self.ratio == 1:
            return objects
        grow = min(_MOST_GROWTH_PX, objects.grow_px / self.ratio)
        return replace(objects, grow_px=grow, min_size=round(objects.min_size / self.ratio**2))


def takes_any_image(info: ModelInfo) -> bool:
    """Return whether a network measures the objects of each image and brings them to the size that it knows."""
    return info.release is not None and info.release.object_px is not None


def usual_engine(info: ModelInfo, name: str) -> str:
    """Return the name of the engine; ``auto`` is PyTorch where each image, resampled, has a shape of its own.

    OpenVINO prepares itself for each shape, which takes longer than to segment an image of a megapixel.
    """
    return "torch" if name == "auto" and takes_any_image(info) else name


def check_predicts(info: ModelInfo) -> None:
    """Raise SettingsError for a network that ships only as a start for training."""
    if info.release is not None and info.release.role == "start":
        name = info.release.name or "this network"
        raise SettingsError(
            f"{name} is a start for training and segments nothing by itself. Train with it (unseam train DATA --from {name}), "
            "or predict with a network that segments (unseam networks lists them)."
        )


def known_object_px(info: ModelInfo) -> float:
    """Return the diameter of the objects that a network learnt, px: of one that ships, or the middle of the training images.

    Raises SettingsError if it is not known.
    """
    if info.release is not None and info.release.object_px is not None:
        return info.release.object_px
    seen = info.training.seen
    if seen is None or seen.object_px is None or min(seen.object_px) <= 0:
        raise SettingsError(
            "--diameter: this model does not know the size of the objects that it learnt. Leave it out; the image is then "
            "taken as it is."
        )
    return math.sqrt(seen.object_px[0] * seen.object_px[1])


def ratio_for(info: ModelInfo, diameter_px: float) -> float:
    """Return the px of the network for each px of an image whose objects have this diameter. Raises SettingsError."""
    check_range("predict", "diameter", diameter_px, 1.0, 10_000.0)
    ratio = known_object_px(info) / diameter_px
    return 1.0 if abs(ratio - 1) < _SAME else ratio


def check_scale_of_large(info: ModelInfo, ratio: float | None) -> None:
    """Raise SettingsError if an image larger than memory would have to be resampled.

    ``ratio`` is that of `ratio_for`; None: no diameter was given.
    """
    if ratio is None and not takes_any_image(info):
        return
    size = f"{known_object_px(info):g} px"
    if ratio is None:
        raise SettingsError(
            f"A large image is not resampled, and this network knows objects of {size}. Say with --diameter how large they "
            "are: if about as large, it is segmented as it is. Otherwise train on crops of it (unseam train DATA --from)."
        )
    if not 1 / _NEAR <= ratio <= _NEAR:
        raise SettingsError(
            f"A large image is not resampled, and its objects of {known_object_px(info) / ratio:g} px are not near the {size} "
            f"that this network knows. Resample it by {ratio:.3g} first, cut it into images that fit into memory, or train a "
            "network on crops of it (unseam train DATA --from)."
        )


def channel_of(info: ModelInfo, image: Shaped[np.ndarray, "height width *channel"]) -> Shaped[np.ndarray, "..."]:
    """Return the image, as one channel for a network that takes any image. Raises DataError as `one_channel`."""
    return one_channel(image) if takes_any_image(info) else image


def see(info: ModelInfo, image: Shaped[np.ndarray, "height width *channel"], diameter: float | Size | None) -> Seen:
    """Return an image as a network sees it; ``diameter`` is that of its objects, px, as the caller says or as measured."""
    height, width = image.shape[:2]
    colour = how_grey(image) if takes_any_image(info) else ()
    grey = channel_of(info, image)
    if diameter is None:
        return Seen(grey, height, width, notes=colour)
    known, how = (diameter.diameter_px, "measured; --diameter sets it") if isinstance(diameter, Size) else (diameter, "given")
    ratio = ratio_for(info, known)
    done = "taken as it is" if ratio == 1 else f"resampled by {ratio:.3g}, and the result back"
    told = f"objects of about {known:.3g} px ({how}): {done}"
    specks: tuple[str, ...] = ()
    if isinstance(diameter, Size) and ratio > _LARGEST_RATIO:
        specks = ("what it found is hardly larger than specks: probably not what this network is for. Look at the result",)
    return Seen(rescaled(grey, (ratio, ratio)), height, width, ratio, (*colour, told, *specks))


def unlike_training(info: ModelInfo, maps: Float[np.ndarray, "logit rows cols"]) -> tuple[str, ...]:
    """Return a sentence if a network is less sure of what it found than on images like those that it learnt from.

    ``maps`` are those at the scale of the network.
    """
    least = info.release.least_sure if info.release is not None else None
    if info.release is None or least is None or sureness(maps, info.head) >= least:
        return ()
    return (
        "the image is unlike those that this network learnt from: it is not sure of what it found. Look at the result. If it "
        f"is wrong, annotate two crops of such images and train: unseam train DATA --from {info.release.name or 'general'}",
    )
