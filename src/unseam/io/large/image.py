"""The interface of a large image: windows of its planes, one after the other, never the whole."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped


@runtime_checkable
class LargeImage(Protocol):
    """An image that is read window by window.

    Attributes
    ----------
    path
        The file or the store.
    position
        Empty for the only image there; else its place in it: ``"0"``, or ``"A/1/0"`` in a plate. In a Zarr store it is the
        path of its group, so that ``path / position`` opens it alone.
    axes
        As :attr:`unseam.io.image_file.ImageFile.axes`: ``T Z C Y X``, each at most once, in the order of the file.
    plane_axes
        The axes that count planes, time first: empty, ``T``, ``Z`` or ``TZ``.
    plane_shape
        Their lengths.
    height, width
        Of a plane, px.
    num_channels
        1 without a channel axis.
    has_channels
        Whether windows have a last axis of channels.
    dtype
        Of what :meth:`read` gives; native byte order.
    spacing_um
        Size of a pixel (row, column) in micrometres, if the file says it in a unit of length; else None.
    piece
        Rows and columns that are compressed together: windows laid on multiples of it decode nothing twice. (1, 1) where any
        window is as good as any other.
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
    spacing_um: tuple[float, float] | None
    piece: tuple[int, int]
    notes: tuple[str, ...]

    @property
    def num_planes(self) -> int:
        """Product of ``plane_shape``; at least 1."""
        ...

    def read(
        self, plane: int, rows: slice, columns: slice
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        """Read a window as an array of its own; may be called from several threads.

        Parameters
        ----------
        plane
            Counted as :meth:`unseam.io.image_file.ImageFile.planes` does: time first, then depth.
        rows, columns
            With a start and a stop inside the plane.

        Raises
        ------
        ImageReadError
            If what is stored there is missing or damaged; it says where.
        """
        ...
