"""The content of an image file: the pixels, the meaning of their axes, and notes on what was converted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from unseam.errors import DataError
from unseam.io.axes import planes_notes
from unseam.io.calibration import Calibration


@dataclass(frozen=True, eq=False)
class ImageFile:
    """The content of one image file.

    Attributes
    ----------
    pixels
        The numbers as the file stores them: any integer or real type, native byte order.
    axes
        One letter per axis of ``pixels``, each at most once: ``T`` time, ``Z`` plane (or page), ``C`` channel or colour, ``Y``
        row, ``X`` column. ``Y`` and ``X`` are always present; colours read ``YXC``, channel stacks ``CYX``.
    calibration
        Size of a pixel and place of the image, as far as the file states them.
    notes
        Sentences for the user: what was converted, dropped or guessed.
    palette
        Of a label map whose file says it: the colour (red, green, blue) of each number.
    """

    pixels: Shaped[np.ndarray, "..."]
    axes: str
    calibration: Calibration
    path: Path
    notes: tuple[str, ...] = ()
    palette: UInt8[np.ndarray, "number 3"] | None = None

    def __post_init__(self) -> None:
        assert len(self.axes) == self.pixels.ndim == len(set(self.axes))
        assert {"Y", "X"} <= set(self.axes) <= set("TZCYX")

    @property
    def spacing_um(self) -> tuple[float, float] | None:
        """Size of a pixel (row, column) in micrometres; None unless the file states it in a unit of length."""
        return self.calibration.pixel_um

    @property
    def height(self) -> int:
        return self.pixels.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        return self.pixels.shape[self.axes.index("X")]

    @property
    def num_channels(self) -> int:
        """Channels or colours; 1 without a channel axis."""
        return self.pixels.shape[self.axes.index("C")] if "C" in self.axes else 1

    @property
    def plane_axes(self) -> str:
        """Letters of the axes that count planes, in the order of :meth:`planes`; empty for a single image."""
        return "".join(letter for letter in "TZ" if letter in self.axes)

    def channels_as_planes(self, why: str) -> "ImageFile":
        """Return the file with its channels as planes, with a note that says why: many programs write a stack as channels."""
        assert "Z" not in self.axes
        notes = planes_notes(self.notes, self.num_channels, why)
        return replace(self, axes=self.axes.replace("C", "Z"), notes=notes)

    def with_channels(self, channels: Sequence[int]) -> "ImageFile":
        """Return the file with some of its channels, counted from 0; one channel has no axis. DataError if there is none such.

        >>> ImageFile(np.zeros((3, 20, 30)), "CYX", Calibration(), Path("cells.tif")).with_channels([2]).axes
        'YX'
        """
        bad = [channel for channel in channels if not 0 <= channel < self.num_channels]
        if bad:
            raise DataError(
                f"{self.path}: channel {bad[0]} was chosen; the image has {self.num_channels}, counted from 0. Choose others "
                "with --channel."
            )
        if "C" not in self.axes:
            return self
        axis = self.axes.index("C")
        if len(channels) == 1:
            return replace(self, pixels=self.pixels.take(channels[0], axis), axes=self.axes.replace("C", ""))
        return replace(self, pixels=self.pixels.take(list(channels), axis))

    def stacked(self, parts: Sequence[Shaped[np.ndarray, "..."]]) -> Shaped[np.ndarray, "..."]:
        """Stack one result per plane: the axes of the planes come first, then those of the parts.

        >>> movie = ImageFile(np.zeros((2, 5, 20, 30)), "TZYX", Calibration(), Path("movie.tif"))
        >>> movie.stacked(movie.planes()).shape
        (2, 5, 20, 30)
        """
        sizes = [self.pixels.shape[self.axes.index(letter)] for letter in self.plane_axes]
        return np.stack(parts).reshape(*sizes, *parts[0].shape)

    def planes(self) -> list[Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]]:
        """Split into 2-D images: (H, W), or (H, W, C) with channels; views, time first, then depth.

        >>> stack = ImageFile(np.zeros((5, 3, 20, 30)), "ZCYX", Calibration(), Path("stack.tif"))
        >>> len(stack.planes()), stack.planes()[0].shape
        (5, (20, 30, 3))
        """
        order = [letter for letter in "TZYXC" if letter in self.axes]
        pixels = self.pixels.transpose([self.axes.index(letter) for letter in order])
        planes = [pixels]
        for _ in self.plane_axes:
            planes = [part for whole in planes for part in whole]
        return planes


def describe_place(axes: str, index: tuple[int, ...]) -> str:
    """Describe one position of an array, counted from 0.

    >>> describe_place("ZYX", (2, 3, 7))
    'row 3, column 7 (plane 2)'
    """
    at = dict(zip(axes, index, strict=True))
    words = f"row {at['Y']}, column {at['X']}"
    more = [f"{name} {at[letter]}" for letter, name in zip("TZC", ("time", "plane", "channel"), strict=True) if letter in at]
    return f"{words} ({', '.join(more)})" if more else words


def first_place(where: Bool[np.ndarray, "..."]) -> tuple[int, ...]:
    """Return the index of the first True of ``where`` in the order of memory; there must be one."""
    index = np.unravel_index(int(np.argmax(where)), where.shape)
    assert where[index]
    return tuple(int(i) for i in index)
