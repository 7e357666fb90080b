"""Reads windows of NumPy's .npy, of any size."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.arrays import CELLPOSE, OPAQUE, not_an_image, read_header
from unseam.io.axes import guess_axes
from unseam.io.calibration import UNKNOWN
from unseam.io.guard import check_regular, decoding, status_of
from unseam.io.large.image import LargeImage
from unseam.io.large.raw_array import RawArray
from unseam.io.large.stored_axes import Bounds
from unseam.io.large.stored_image import StoredImage

_NUM_SAMPLED = 2048  # pixels whose transparency is checked before the first window


@dataclass(frozen=True)
class LargeArrayReader:
    """Reads rows of .npy from their place in the file; C or Fortran order. An archive (.npz) must be unpacked as a whole."""

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(".npy")

    def images(self, path: Path, *, fill_missing: bool) -> tuple[LargeImage, ...]:
        """Read the header. Raises ImageReadError for pickles, arrays that are not images, and truncated files."""
        if path.name.lower().endswith("_seg.npy"):
            raise ImageReadError(path, CELLPOSE)
        status = status_of(path)
        check_regular(path, status)
        with decoding(path, "NumPy array"), path.open("rb") as stream:
            header = read_header(path, stream)
        header.check_length(path, status.st_size)
        axes, note = guess_axes(header.shape)
        if not axes:
            raise not_an_image(path, header.shape)
        notes = (note,) if note else ()
        shape = header.shape
        if header.is_fortran:  # the same bytes are a C-ordered array with reversed axes
            shape, axes = shape[::-1], axes[::-1]
        source: RawArray | _Opaque
        source = RawArray(path, header.offset, shape, header.dtype)
        at = axes.find("C")
        may_be_opaque = axes in ("YXC", "CXY") and source.shape[at] == 4 and source.dtype == np.uint8
        if may_be_opaque and _is_opaque(source, at):
            source = _Opaque(source, at)
            notes = (OPAQUE,)
        return (StoredImage(path, axes, source, UNKNOWN, notes=notes),)


def _is_opaque(source: RawArray, channel_axis: int) -> bool:
    """Whether the fourth channel is 255: everywhere in a small image, on a grid of pixels in a large one."""
    sides = [n for i, n in enumerate(source.shape) if i != channel_axis]
    if 0 in sides:
        return False
    steps = [max(1, n // round(_NUM_SAMPLED**0.5)) for n in sides]
    for index in itertools.product(*(range(0, n, step) for n, step in zip(sides, steps, strict=True))):
        bounds = [(i, i + 1) for i in index]
        bounds.insert(channel_axis, (3, 4))
        if source.read(tuple(bounds)).item() != 255:
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Opaque:
    """Three of four channels; the fourth is transparency, and must be 255 in each window too."""

    source: RawArray
    channel_axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(3 if i == self.channel_axis else n for i, n in enumerate(self.source.shape))

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        axis = self.channel_axis
        assert bounds[axis] == (0, 3)
        block = self.source.read((*bounds[:axis], (0, 4), *bounds[axis + 1 :]))
        if (block.take(3, axis=axis) != 255).any():
            raise ImageReadError(
                self.source.path,
                "its fourth channel is 255 (as transparency is) at all sampled pixels, but not everywhere; save only the "
                "channels with a meaning, or the first three",
            )
        return block.take(range(3), axis=axis)
