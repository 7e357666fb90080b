"""The images as the network reads them: normalised, in memory while there is room, else window by window."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from unseam.annotate.messages import ImageSource
from unseam.data.channels import is_grey_saved_as_colour
from unseam.data.normalise import Normalise, check_image, sample_pixels
from unseam.errors import DataError
from unseam.inference.tiles import Image
from unseam.io.large import LargeImage, open_large
from unseam.scale.stages.grey_range import NormalisedPlane

LARGEST_IN_MEMORY = 64 * 10**6
"""Pixels times channels; larger images are read window by window."""

_MOST_BYTES = 2**30
_BAND = 1024


class LiveImages:
    """Opens images by their numbers, and keeps those used last, up to 1 GiB of pixels.

    Attributes
    ----------
    num_channels
        Of the images that are learnt from and predicted; None before the first.

    Raises
    ------
    ImageReadError, DataError
        From :meth:`pixels`, if an image cannot be read.
    """

    def __init__(self, sources: Sequence[ImageSource], normalise: Normalise) -> None:
        self.sources = {source.number: source for source in sources}
        self.normalise = normalise
        self.num_channels: int | None = None
        self._open: OrderedDict[int, Image] = OrderedDict()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all images."""
        return tuple(self.sources)

    def size(self, number: int) -> tuple[int, int]:
        """Return height and width, px."""
        _, height, width = self.pixels(number).shape
        return height, width

    def checked_size(self, number: int) -> tuple[int, int]:
        """Return height and width of an image that the network can read: the first image decides about the channels.

        Raises
        ------
        DataError
            If there is no such image, or it has other channels.
        """
        if number not in self.sources:
            raise DataError(f"There is no image {number}; there are {len(self.sources)}. Load the list of images again.")
        channels, *size = self.pixels(number).shape
        self.num_channels = self.num_channels or channels
        if channels != self.num_channels:
            raise DataError(
                f"{self.sources[number].name} has {channels} channel(s), the first image had {self.num_channels}: it is not "
                "learnt from and not predicted. Convert it, or annotate images of one kind at a time."
            )
        return size[0], size[1]

    def pixels(self, number: int) -> Image:
        """Return an image, (C, H, W), normalised; three equal channels are one."""
        if number not in self._open:
            self._open[number] = _open(Path(self.sources[number].path), self.normalise)
        self._open.move_to_end(number)
        while len(self._open) > 1 and sum(_num_bytes(image) for image in self._open.values()) > _MOST_BYTES:
            self._open.popitem(last=False)
        return self._open[number]

    def window(self, number: int, rows: slice, columns: slice) -> Float[np.ndarray, "channel rows columns"]:
        """Return a window that lies within the image; it may be a view that must not be written to."""
        image = self.pixels(number)
        return image[:, rows, columns] if isinstance(image, np.ndarray) else image.window(rows, columns)


def _num_bytes(image: Image) -> int:
    return image.nbytes if isinstance(image, np.ndarray) else 0


def _open(path: Path, normalise: Normalise) -> Image:
    stored = open_large(path)[0]
    if stored.height * stored.width * stored.num_channels > LARGEST_IN_MEMORY:
        return _in_windows(stored, normalise)
    pixels = stored.read(0, slice(0, stored.height), slice(0, stored.width))
    check_image(pixels)
    return normalise(pixels[..., 0] if is_grey_saved_as_colour(pixels) else pixels)


def _in_windows(stored: LargeImage, normalise: Normalise) -> NormalisedPlane:
    """Measure the grey values of a large image band by band; the range is that of the same image in memory."""
    samples: list[list[np.ndarray]] = []
    extremes = []
    is_grey = True
    for top in range(0, stored.height, _BAND):
        band = stored.read(0, slice(top, min(top + _BAND, stored.height)), slice(0, stored.width))
        check_image(band)
        is_grey &= is_grey_saved_as_colour(band)
        channels = band[None] if band.ndim == 2 else np.moveaxis(band, -1, 0)
        samples.append([sample_pixels(channel, top, 0, stored.height, stored.width) for channel in channels])
        extremes.append(([channel.min() for channel in channels], [channel.max() for channel in channels]))
    ranges = []
    for channel in range(1 if is_grey else len(samples[0])):
        least, largest = (min(low[channel] for low, _ in extremes), max(high[channel] for _, high in extremes))
        values = np.concatenate([sample[channel] for sample in samples])
        found = normalise.range_from(values, partial(float, least), partial(float, largest))
        ranges.append((found.low, found.high))
    return NormalisedPlane(stored, 0, np.array(ranges, np.float64))
