"""Leaves out transparency that says nothing, as for a whole image: a pass over all pixels decides, band by band."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Shaped

from unseam.io.alpha import judge_alpha
from unseam.io.arrays import OPAQUE, is_rgba
from unseam.io.large.bands import read_bands
from unseam.io.large.stored_axes import Bounds
from unseam.io.large.stored_image import Source, StoredImage


@dataclass(frozen=True, eq=False)
class SomeChannels:
    """The channels ``start`` to ``stop`` of a source, along its ``axis``."""

    source: Source
    axis: int
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.stop - self.start if i == self.axis else n for i, n in enumerate(self.source.shape))

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        first, last = bounds[self.axis]
        return self.source.read((*bounds[: self.axis], (first + self.start, last + self.start), *bounds[self.axis + 1 :]))


def drop_alpha(image: StoredImage, axis: int, *, may_be_plane: bool = False, num_channels: int | None = None) -> StoredImage:
    """Drop the last channel, marked as transparency, by the rules of :func:`unseam.io.alpha.without_alpha`.

    Parameters
    ----------
    axis
        Number of the axis of the channels in the source of the image.
    num_channels
        What an earlier call has left, which spares the pass over all pixels, and the note; None: not known.
    """
    if num_channels is not None:
        return image if num_channels == image.source.shape[axis] else without_last(image, axis)
    is_dropped, note = judge_alpha(
        constant_channel(image, axis), image.dtype, image.source.shape[axis], may_be_plane=may_be_plane
    )
    left = without_last(image, axis) if is_dropped else image
    return replace(left, notes=(*left.notes, note)) if note else left


def without_opaque(image: StoredImage, num_channels: int | None) -> StoredImage:
    """Drop the fourth channel of an array with guessed axes, as :class:`unseam.io.arrays.ArrayReader`; else as above."""
    if not is_rgba(image.axes, image.num_channels, image.dtype):
        return image
    axis = image.stored_axes.index("C")
    is_opaque = num_channels == 3 if num_channels is not None else constant_channel(image, axis) == 255
    return replace(without_last(image, axis), notes=(OPAQUE,)) if is_opaque else image


def without_last(image: StoredImage, axis: int) -> StoredImage:
    """Return the image without the last channel along ``axis``."""
    return replace(image, source=SomeChannels(image.source, axis, 0, image.source.shape[axis] - 1))


def constant_channel(image: StoredImage, axis: int) -> np.generic | None:
    """Return the value that the last channel has everywhere; None if it varies: reading ends at the first other value."""
    length = image.source.shape[axis]
    value = None
    for band in read_bands(replace(image, source=SomeChannels(image.source, axis, length - 1, length))):
        value = band.flat[0] if value is None else value
        if (band != value).any():
            return None
    return value
