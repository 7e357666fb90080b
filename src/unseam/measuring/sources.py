"""What is measured: a label map, and what lies behind it, opened but not read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unseam.errors import DataError
from unseam.io.large import LargeImage
from unseam.io.large.stored_image import StoredImage
from unseam.measuring.objects import PlaneOf
from unseam.measuring.values import Spacing

Units = Literal["auto", "px", "um"]
"""Columns in um: beside those in px where the pixel size is known; never; or the pixel size must be known."""

_LETTERS = {"T": "frame", "Z": "plane"}


@dataclass(frozen=True)
class Measured:
    """A label map with the image and the class map of the same size, as far as there are any.

    Raises DataError if their sizes differ.
    """

    name: str
    labels: LargeImage
    image: LargeImage | None = None
    class_map: LargeImage | None = None

    def __post_init__(self) -> None:
        if isinstance(self.image, StoredImage) and self._has_planes_as_channels(self.image):
            object.__setattr__(self, "image", self.image.channels_as_planes("the mask has as many planes"))
        for other, what in ((self.image, "its image"), (self.class_map, "its class map")):
            if other is not None and _size(other) != _size(self.labels):
                raise DataError(
                    f"{self.labels.path} has {_words(self.labels)}, {what} {other.path} {_words(other)}. Both need the same "
                    "rows, columns and planes: check that they belong together, and that neither was scaled or cropped."
                )
        if self.labels.num_channels > 1:
            raise DataError(
                f"{self.labels.path} has {self.labels.num_channels} channels; a label map has one number per pixel. Give the "
                "file that ends in _masks or _classes, and the image with --images."
            )

    def _has_planes_as_channels(self, image: LargeImage) -> bool:
        return image.num_planes == 1 and image.axes == "CYX" and self.labels.num_planes == image.num_channels > 1

    @property
    def spacing_um(self) -> Spacing | None:
        """Size of a pixel, as the label map or else the image states it."""
        return self.labels.spacing_um or (None if self.image is None else self.image.spacing_um)

    def place(self, plane: int, plane_axes: str) -> PlaneOf:
        """Return where a plane is, with a number for each of the axes; 0 for those that this label map lacks."""
        index = np.unravel_index(plane, self.labels.plane_shape) if self.labels.plane_shape else ()
        at = dict(zip(self.labels.plane_axes, (int(one) for one in index), strict=True))
        return PlaneOf(self.name, tuple((_LETTERS[letter], at.get(letter, 0)) for letter in plane_axes))


def _size(image: LargeImage) -> tuple[int, int, int]:
    return image.num_planes, image.height, image.width


def _words(image: LargeImage) -> str:
    planes = f"{image.num_planes} planes of " if image.num_planes > 1 else ""
    return f"{planes}{image.height} x {image.width} px"


OpenSource = Callable[[], Measured]
"""Opens a source. It is called twice: once for a check of all, and once to measure."""


@dataclass(frozen=True)
class SourceFacts:
    """What must fit together in one table."""

    name: str
    spacing_um: Spacing | None
    plane_axes: str
    image: str
    num_channels: int

    @classmethod
    def of(cls, source: Measured) -> "SourceFacts":
        image = source.image
        path, number = ("", 0) if image is None else (str(image.path), image.num_channels)
        return cls(source.name, source.spacing_um, source.labels.plane_axes, path, number)


def check_same_channels(sources: Sequence[SourceFacts]) -> None:
    """Raise DataError if images differ in the number of channels: then a column would mean different things."""
    for one in sources[1:]:
        if one.num_channels != sources[0].num_channels:
            raise DataError(
                f"{sources[0].image} has {sources[0].num_channels} channel(s), {one.image} has {one.num_channels}. One table "
                "needs the same channels in all images: measure them apart."
            )
