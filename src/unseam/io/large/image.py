"""The interface of a large image, which gives windows of its planes."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from unseam.io.calibration import Calibration


@runtime_checkable
class LargeImage(Protocol):
    """An image that is read window by window.

    Attributes
    ----------
    path
        The file or the store.
    position
        Place of the image in its file: empty for a single image, else ``"0"``, or ``"A/1/0"`` in a plate. In a Zarr store it
        is the path of the group, so ``path / position`` opens the image alone.
    axes
        As :attr:`unseam.io.image_file.ImageFile.axes`: ``T Z C Y X``, each at most once, in the order of the file.
    plane_axes, plane_shape
        The axes that count planes, time first (empty, ``T``, ``Z`` or ``TZ``), and their lengths.
    height, width
        Size of a plane, px.
    num_channels, has_channels
        1 and False without a channel axis; windows have a last axis of channels only with one.
    dtype
        Type of the values of a window, in native byte order.
    calibration
        Size of a pixel and place of the image, as far as the file states them.
    piece
        Rows and columns that are compressed together: windows on multiples of it decode nothing twice. (1, 1) where the
        position of a window does not matter.
    notes
        Sentences for the user: what was converted, dropped or guessed.
    """

    path: Path
    position: str
    axes: str
    plane_axes: str
    plane_shape: tuple[int, ...]
    height: int
    width: int
    num_channels: int
    has_channels: bool
    dtype: np.dtype
    calibration: Calibration
    piece: tuple[int, int]
    notes: tuple[str, ...]

    @property
    def spacing_um(self) -> tuple[float, float] | None:
        """Size of a pixel (row, column) in micrometres; None unless the file states it in a unit of length."""
        ...

    @property
    def num_planes(self) -> int: ...

    def read(
        self, plane: int, rows: slice, columns: slice
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        """Read a window as a new array; several threads may call this.

        Parameters
        ----------
        plane
            Number of the plane as in :meth:`unseam.io.image_file.ImageFile.planes`: time first, then depth.
        rows, columns
            With a start and a stop inside the plane.

        Raises
        ------
        ImageReadError
            If stored pixels are missing or damaged; it gives their place.
        """
        ...
