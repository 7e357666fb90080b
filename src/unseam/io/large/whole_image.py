"""Images in formats that are decoded as a whole: read into memory once, then handed out by windows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.io import read_image
from unseam.io.image_file import ImageFile
from unseam.io.large.image import LargeImage
from unseam.io.large.stored_axes import Bounds
from unseam.io.large.stored_image import StoredImage


@dataclass(frozen=True)
class WholeReader:
    """Reads all that :func:`unseam.io.read_image` reads, as long as it fits into memory."""

    def can_read(self, path: Path) -> bool:
        """Always: what it cannot read it refuses with a reason."""
        return True

    def images(self, path: Path, *, fill_missing: bool) -> tuple[LargeImage, ...]:
        """Read it.

        Raises
        ------
        ImageReadError
            As :func:`unseam.io.read_image`.
        """
        return (whole_image(read_image(path)),)


def whole_image(file: ImageFile) -> LargeImage:
    """The windows of what is in memory."""
    return StoredImage(file.path, file.axes, _Held(file), file.spacing_um, notes=file.notes)


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
