"""The grey range of a plane or a stack, band by band. The sample, and so the range, is that of an image in memory."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from unseam.data.normalise import GreyRange, Normalise, sample_pixels
from unseam.errors import DataError
from unseam.geometry.chunk_grid import Window
from unseam.io.large import LargeImage
from unseam.io.large.bands import bands_of
from unseam.scale.task import ChunkTask
from unseam.scale.worker import ChunkWorker


@dataclass(frozen=True)
class RangeFacts:
    """Facts of a band: sample for the percentiles, channel after channel; extremes of all pixels; are three channels equal?"""

    values: Shaped[np.ndarray, "values"]
    least: Shaped[np.ndarray, "channels"]
    largest: Shaped[np.ndarray, "channels"]
    is_grey: Shaped[np.ndarray, "1"]


def grey_range(worker: ChunkWorker, task: ChunkTask) -> RangeFacts:
    """Measure every pixel of a band. Raise ImageReadError, or DataError with the place of a pixel that is not finite."""
    image = worker.images[task.stage.position]
    rows, columns = bands_of(image).window(task.chunk)
    values = image.read(task.stage.plane, rows, columns)
    _check_finite(image, task.stage.plane, values, rows.start, columns.start)
    channels = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    # the planes of a stack with one range are sampled like one tall plane
    is_common = worker.model.info.normalise.over == "stack"
    num_planes, number = (image.num_planes, task.stage.plane) if is_common else (1, 0)
    top, height = number * image.height + rows.start, num_planes * image.height
    parts = [sample_pixels(channel, top, columns.start, height, image.width) for channel in channels]
    return RangeFacts(
        np.concatenate(parts),
        channels.min(axis=(1, 2)),
        channels.max(axis=(1, 2)),
        np.array([len(channels) == 3 and bool((channels == channels[:1]).all())]),
    )


def ranges_from(facts: Iterable[RangeFacts], normalise: Normalise) -> tuple[Float[np.ndarray, "channels 2"], bool]:
    """Return the range of each channel, (low, high), and whether three channels are equal everywhere."""
    found = list(facts)
    num_channels = len(found[0].least)
    parts = [part.values.reshape(num_channels, -1) for part in found]
    ranges = []
    for channel in range(num_channels):
        one = normalise.range_from(
            np.concatenate([part[channel] for part in parts]),
            lambda channel=channel: min(part.least[channel] for part in found),  # type: ignore[misc]
            lambda channel=channel: max(part.largest[channel] for part in found),  # type: ignore[misc]
        )
        ranges.append((one.low, one.high))
    return np.array(ranges, np.float64), all(bool(part.is_grey[0]) for part in found)


class NormalisedPlane:
    """A plane as the network receives it, read window by window; ``ranges``: (low, high) of the first channels."""

    def __init__(self, image: LargeImage, plane: int, ranges: Float[np.ndarray, "channels 2"]) -> None:
        self._image, self._plane = image, plane
        self._ranges = [GreyRange(float(low), float(high)) for low, high in ranges]
        self._held: tuple[Window, np.ndarray] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return len(self._ranges), self._image.height, self._image.width

    def hold(self, rows: slice, columns: slice, rim: int) -> None:
        """Read a window and ``rim`` px around it now: :meth:`window` inside it then needs no disk."""
        down, across = (
            slice(max(0, part.start - rim), min(length, part.stop + rim))
            for part, length in zip((rows, columns), self.shape[1:], strict=True)
        )
        self._held = None
        self._held = (down, across), self.window(down, across)

    def window(self, rows: slice, columns: slice) -> Float[np.ndarray, "channel rows columns"]:
        """Return normalised pixels, float32."""
        if self._held is not None:
            (down, across), pixels = self._held
            top, left = rows.start - down.start, columns.start - across.start
            if top >= 0 and left >= 0 and rows.stop <= down.stop and columns.stop <= across.stop:
                return pixels[:, top : rows.stop - down.start, left : columns.stop - across.start]
        values = self._image.read(self._plane, rows, columns)
        channels = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
        pairs = zip(channels, self._ranges, strict=False)  # grey saved as colour has one range
        return np.stack([one.scaled(channel, rows.start, columns.start) for channel, one in pairs])


def _check_finite(image: LargeImage, plane: int, values: np.ndarray, top: int, left: int) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    row, column = np.argwhere(~np.isfinite(values))[0][:2]
    where = f"plane {plane}, " if image.num_planes > 1 else ""
    raise DataError(
        f"{image.path}: the pixel at {where}row {top + row}, column {left + column} is {values[row, column]}; every pixel must "
        "be a finite number. Replace it by a real value first."
    )
