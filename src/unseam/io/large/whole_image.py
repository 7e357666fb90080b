"""Reads formats that are decoded as a whole: the image is read into memory once, then given out by windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.io import read_image
from unseam.io.large.stored_image import StoredImage, held_image


@dataclass(frozen=True)
class WholeReader:
    """Reads every format of :func:`unseam.io.read_image`, if the image fits into memory."""

    def can_read(self, path: Path) -> bool:
        return True  # ``images`` refuses unreadable files with a reason

    def images(self, path: Path, *, fill_missing: bool, num_channels: Sequence[int]) -> tuple[StoredImage, ...]:
        return (held_image(read_image(path)),)
