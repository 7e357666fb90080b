"""Images in formats that are decoded as a whole: read into memory once, then handed out by windows."""

from dataclasses import dataclass
from pathlib import Path

from unseam.io import read_image
from unseam.io.large.image import LargeImage
from unseam.io.large.stored_image import held_image


@dataclass(frozen=True)
class WholeReader:
    """Reads everything that :func:`unseam.io.read_image` reads, as long as it fits into memory."""

    def can_read(self, path: Path) -> bool:
        """Always; it refuses with a reason what it cannot read."""
        return True

    def images(self, path: Path, *, fill_missing: bool) -> tuple[LargeImage, ...]:
        """Read it. Raises ImageReadError as :func:`unseam.io.read_image`."""
        return (held_image(read_image(path)),)
