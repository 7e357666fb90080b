"""Selects channels of a large image: a microscope records many, and a model uses those that it was trained on."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from unseam.errors import DataError
from unseam.io.large.image import LargeImage


class ChosenChannels:
    """A :class:`~unseam.io.large.image.LargeImage` with some channels of another, in a given order, counted from 0."""

    def __init__(self, image: LargeImage, channels: Sequence[int]) -> None:
        bad = [channel for channel in channels if not 0 <= channel < image.num_channels]
        if bad:
            raise DataError(
                f"{image.path}: channel {bad[0]} was chosen; the image has {image.num_channels}, counted from 0. Choose others "
                "with --channel."
            )
        self._image, self._channels = image, list(channels)
        self.num_channels = len(channels)
        self.has_channels = len(channels) > 1
        self.axes = image.axes if self.has_channels else image.axes.replace("C", "")
        self.path, self.position, self.notes = image.path, image.position, image.notes
        self.plane_axes, self.plane_shape, self.num_planes = image.plane_axes, image.plane_shape, image.num_planes
        self.height, self.width, self.piece = image.height, image.width, image.piece
        self.dtype, self.calibration = image.dtype, image.calibration

    @property
    def spacing_um(self) -> tuple[float, float] | None:
        return self.calibration.pixel_um

    def read(
        self, plane: int, rows: slice, columns: slice
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        values = self._image.read(plane, rows, columns)
        if values.ndim == 2:
            return values
        return np.ascontiguousarray(values[..., self._channels if self.has_channels else self._channels[0]])
