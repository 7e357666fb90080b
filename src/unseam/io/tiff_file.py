"""The one way to open a TIFF: walk its directories and check its descriptions before any pixel is decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tifffile

from unseam.errors import ImageReadError
from unseam.io.guard import decoding
from unseam.io.ome_xml import OmeImage
from unseam.io.tiff_checks import check_text
from unseam.io.tiff_walk import Walk, walk_directories


@dataclass(frozen=True, eq=False)
class OpenTiff:
    """A TIFF with sound directories (``walk``) and at least one series of pages.

    ``ome`` is what its OME description says of each image, empty without one; ``note`` is for the user.
    """

    tiff: "tifffile.TiffFile"
    walk: Walk
    ome: tuple[OmeImage, ...]
    note: str | None

    def notes(self, num_read: int) -> tuple[str, ...]:
        """Return sentences for the user; one says which series are left out if only ``num_read`` are read."""
        series, notes = self.tiff.series, (self.note,) if self.note else ()
        if num_read == len(series):
            return notes
        read = "the first" if num_read == 1 else f"{num_read}, all of one kind,"
        return (*notes, f"{read} of {len(series)} images in the file was read, {series[0].name or 'without a name'}")


def axes_of(series: "tifffile.TiffPageSeries") -> str:
    """Return the axes of a series, nameless (``Q``) where only the writer's guess calls them samples (``S``).

    tifffile writes every array of shape (3, H, W) or (4, H, W), so every stack of as many planes, as colours stored apart. Its
    description states the shape, and the axes only if the user gave them.
    """
    axes, first = series.axes, series.axes.find("S")
    is_guess = axes.endswith("SYX") and series.kind == "shaped" and series.shape[first] in (3, 4)
    description = series.keyframe.shaped_description if is_guess else None
    return axes.replace("S", "Q") if description is not None and '"axes":' not in description else axes


def walk_file(path: Path) -> Walk:
    """Walk the directories of a TIFF. Raises ImageReadError if they are damaged."""
    with decoding(path, "TIFF"), path.open("rb") as stream:
        return walk_directories(path, stream, path.stat().st_size)


@contextmanager
def open_tiff(path: Path) -> Iterator[OpenTiff]:
    """Open a TIFF; whatever a decoder raises while it is open becomes an :class:`~unseam.errors.ImageReadError`.

    Damaged directories or descriptions, and a file without an image, raise it, too.
    """
    walk = walk_file(path)
    with decoding(path, "TIFF"), tifffile.TiffFile(path, _multifile=False) as tiff:
        ome, note = check_text(path, tiff, walk)
        if not tiff.series:
            raise ImageReadError(path, "the TIFF holds no image")
        yield OpenTiff(tiff, walk, ome, note)
