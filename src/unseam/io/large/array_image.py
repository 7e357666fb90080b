"""Windows of NumPy's .npy, of any size."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.arrays import CELLPOSE, OPAQUE, not_an_image, read_header
from unseam.io.axes import guess_axes
from unseam.io.guard import check_regular, decoding, status_of
from unseam.io.large.image import LargeImage
from unseam.io.large.raw_array import RawArray
from unseam.io.large.stored_axes import Bounds
from unseam.io.large.stored_image import StoredImage

_LOOKED_AT = 2048  # pixels at which the transparency is looked at before the first window


@dataclass(frozen=True)
class LargeArrayReader:
    """Reads .npy, first axis fastest or last axis fastest, by rows from where they stand in the file."""

    def can_read(self, path: Path) -> bool:
        """Whether the name is that of a NumPy array (an archive, .npz, must be unpacked as a whole)."""
        return path.name.lower().endswith(".npy")

    def images(self, path: Path, *, fill_missing: bool) -> tuple[LargeImage, ...]:
        """Read the header. Raises ImageReadError for pickles, arrays that are no image, and files cut short."""
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
        source: RawArray | _Opaque
        if header.is_fortran:  # the same bytes, seen from the other end
            source, axes = RawArray(path, header.offset, header.shape[::-1], header.dtype), axes[::-1]
        else:
            source = RawArray(path, header.offset, header.shape, header.dtype)
        at = axes.find("C")
        may_be_opaque = axes in ("YXC", "CXY") and source.shape[at] == 4 and source.dtype == np.uint8
        if may_be_opaque and _is_opaque(source, at):
            source = _Opaque(source, at)
            notes = (OPAQUE,)
        return (StoredImage(path, axes, source, None, notes=notes),)


def _is_opaque(source: RawArray, at: int) -> bool:
    """Whether the fourth channel is 255: everywhere in a small image, on a grid of pixels in a large one."""
    sides = [n for i, n in enumerate(source.shape) if i != at]
    if 0 in sides:
        return False
    steps = [max(1, n // round(_LOOKED_AT**0.5)) for n in sides]
    for index in itertools.product(*(range(0, n, step) for n, step in zip(sides, steps, strict=True))):
        bounds = [(i, i + 1) for i in index]
        bounds.insert(at, (3, 4))
        if source.read(tuple(bounds)).item() != 255:
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Opaque:
    """Three of four channels; the fourth is transparency, and must be 255 in each window too."""

    source: RawArray
    at: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(3 if i == self.at else n for i, n in enumerate(self.source.shape))

    @property
    def dtype(self) -> np.dtype:
        return self.source.dtype

    def read(self, bounds: Bounds) -> Shaped[np.ndarray, "..."]:
        assert bounds[self.at] == (0, 3)
        block = self.source.read((*bounds[: self.at], (0, 4), *bounds[self.at + 1 :]))
        if (block.take(3, axis=self.at) != 255).any():
            raise ImageReadError(
                self.source.path,
                "its fourth channel is 255 (as transparency is) at all places that were looked at first, but not everywhere; "
                "save the channels that mean something, or the first three",
            )
        return block.take(range(3), axis=self.at)
