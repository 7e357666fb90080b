"""A large image that combines axes with a source, which reads parts of the stored array."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.axes import planes_notes
from unseam.io.calibration import Calibration
from unseam.io.guard import decoding
from unseam.io.image_file import ImageFile
from unseam.io.large.stored_axes import Bounds, StoredAxes


@runtime_checkable
class Source(Protocol):
    """Reads any part of a stored array; ``dtype`` has any byte order."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        """Read a part with all axes as a new array; several threads may call this."""
        ...


@dataclass(eq=False)
class StoredImage:
    """A :class:`~unseam.io.large.image.LargeImage` whose windows come from a :class:`Source`.

    ``stored_axes`` has a letter of TIFF or OME for each axis of ``source``; ``is_reversed``: the axes of the image are in the
    reverse order, as in Fortran. Raises ImageReadError if there are no pixels, no rows or no columns, or if the values are no
    real numbers.
    """

    path: Path
    stored_axes: str
    source: Source
    calibration: Calibration
    piece: tuple[int, int] = (1, 1)
    notes: tuple[str, ...] = ()
    position: str = ""
    is_reversed: bool = False

    def __post_init__(self) -> None:
        stored = self.source.dtype
        if 0 in self.source.shape:
            raise ImageReadError(self.path, f"holds no pixels (shape {self.source.shape}); an image has at least 1 x 1")
        if stored.kind not in "buif":
            remedy = "; save its magnitude or its real part" if stored.kind == "c" else ""
            raise ImageReadError(self.path, f"pixels are of type {stored}; they must be integers or real numbers{remedy}")
        if self.stored_axes.count("Y") != 1 or self.stored_axes.count("X") != 1:
            raise ImageReadError(self.path, f"has axes {self.stored_axes}; an image has rows (Y) and columns (X)")
        self._axes = axes = StoredAxes.of(self.stored_axes, self.source.shape)
        self.axes = axes.axes[::-1] if self.is_reversed else axes.axes
        self.plane_axes, self.plane_shape = axes.plane_axes, axes.plane_shape
        self.height, self.width, self.num_channels = (axes.length(letter) for letter in "YXC")
        self.has_channels = "C" in axes.axes
        self.dtype = np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("=")

    def channels_as_planes(self, why: str) -> "StoredImage":
        """Return the image with its channels as planes, with a note that says why; it has no other planes."""
        assert not self.plane_axes
        axes = self.stored_axes.replace("S", "Z").replace("C", "Z")
        return replace(self, stored_axes=axes, notes=planes_notes(self.notes, self.num_channels, why))

    @property
    def spacing_um(self) -> tuple[float, float] | None:
        return self.calibration.pixel_um

    @property
    def num_planes(self) -> int:
        return self._axes.length("T") * self._axes.length("Z")

    def read(
        self, plane: int, rows: slice, columns: slice
    ) -> Shaped[np.ndarray, "height width"] | Shaped[np.ndarray, "height width channel"]:
        assert 0 <= plane < self.num_planes
        assert 0 <= rows.start < rows.stop <= self.height
        assert 0 <= columns.start < columns.stop <= self.width
        with decoding(self.path, "image"):
            block = self.source.read(self._axes.bounds(plane, rows, columns))
        return np.ascontiguousarray(self._axes.arranged(block), dtype=self.dtype)


@dataclass(frozen=True, eq=False)
class _Held:
    file: ImageFile

    @property
    def shape(self) -> tuple[int, ...]:
        return self.file.pixels.shape

    @property
    def dtype(self) -> np.dtype:
        return self.file.pixels.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        return self.file.pixels[tuple(slice(start, stop) for start, stop in bounds)].copy()


def held_image(file: ImageFile) -> StoredImage:
    """Make a large image of an image in memory."""
    return StoredImage(file.path, file.axes, _Held(file), file.calibration, notes=file.notes)
