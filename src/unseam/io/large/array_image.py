"""Reads windows of NumPy's .npy, of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.errors import ImageReadError
from unseam.io.arrays import CELLPOSE, not_an_image, read_header
from unseam.io.axes import guess_axes
from unseam.io.calibration import UNKNOWN
from unseam.io.guard import check_regular, decoding, status_of
from unseam.io.large.raw_array import RawArray
from unseam.io.large.some_channels import without_opaque
from unseam.io.large.stored_image import StoredImage


@dataclass(frozen=True)
class LargeArrayReader:
    """Reads rows of .npy from their place in the file; C or Fortran order. An archive (.npz) must be unpacked as a whole."""

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(".npy")

    def images(self, path: Path, *, fill_missing: bool, num_channels: Sequence[int]) -> tuple[StoredImage, ...]:
        """Read the header, and all pixels if some may be transparency.

        Raises ImageReadError for pickles, arrays that are not images, and truncated files.
        """
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
        source = RawArray(path, header.offset, shape, header.dtype)
        image = StoredImage(path, axes, source, UNKNOWN, notes=notes, is_reversed=header.is_fortran)
        return (without_opaque(image, num_channels[0] if num_channels else None),)
