"""NumPy's own files, .npy and .npz: only numbers, never pickled objects, which can run code."""

import math
import zipfile
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import ImageReadError
from unseam.io.axes import guess_axes, tidy_axes
from unseam.io.calibration import UNKNOWN
from unseam.io.guard import check_size, decoding
from unseam.io.image_file import ImageFile

CELLPOSE = (
    "this is a Cellpose session file (a pickle), which can run code when it is opened, so it is not read. In Cellpose choose "
    "File > Save masks as TIFF, or in Python: cellpose.io.save_masks(..., tif=True, png=False); then use the file ending in "
    "_cp_masks.tif"
)
OPAQUE = "the fourth channel is 255 everywhere: dropped as transparency"


@dataclass(frozen=True)
class ArrayReader:
    """Reads .npy, and .npz with one array.

    :func:`~unseam.io.axes.guess_axes` guesses the axes and notes the guess. A fourth 8-bit channel that is 255 everywhere is
    dropped as transparency.
    """

    suffixes: tuple[str, ...] = (".npy", ".npz")

    def can_read(self, path: Path) -> bool:
        return path.name.lower().endswith(self.suffixes)

    def decoded_apart(self, path: Path) -> int | None:
        """Return None: the only decoder is Python's own Deflate."""
        return None

    def read_image(self, path: Path) -> ImageFile:
        """Read an image. Raises ImageReadError also for pickles, several arrays, and arrays that are no image."""
        if path.name.lower().endswith("_seg.npy"):
            raise ImageReadError(path, CELLPOSE)
        pixels = _load_archive(path) if path.name.lower().endswith(".npz") else _load_array(path)
        axes, note = guess_axes(pixels.shape)
        if not axes:
            raise not_an_image(path, pixels.shape)
        notes = (note,) if note else ()
        if is_rgba(axes, pixels.shape[-1], pixels.dtype) and (pixels[..., 3] == 255).all():
            pixels, notes = pixels[..., :3], (OPAQUE,)
        pixels, axes = tidy_axes(pixels, axes)
        return ImageFile(pixels, axes, UNKNOWN, path, notes)

    def read_labels(self, path: Path) -> ImageFile:
        return self.read_image(path)


def is_rgba(axes: str, num_channels: int, dtype: np.dtype) -> bool:
    """Return whether the fourth channel of an array with guessed axes may be transparency."""
    return axes == "YXC" and num_channels == 4 and dtype == np.uint8


def _load_array(path: Path) -> Shaped[np.ndarray, "..."]:
    with decoding(path, "NumPy array"), path.open("rb") as stream:
        return _read_checked(path, stream, path.stat().st_size)


def _load_archive(path: Path) -> Shaped[np.ndarray, "..."]:
    with decoding(path, "NumPy archive"), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        if len(members) != 1:
            names = ", ".join(member.filename.removesuffix(".npy") for member in members) or "none"
            raise ImageReadError(path, f"holds {len(members)} arrays ({names}); it may hold one: save each as .npy")
        check_size(path, members[0].file_size)
        with archive.open(members[0]) as stream:
            assert isinstance(stream, BufferedIOBase)
            return _read_checked(path, stream, members[0].file_size)


@dataclass(frozen=True)
class Header:
    """The header of a .npy; the numbers begin at byte ``offset``. In Fortran order the first axis is the fastest."""

    shape: tuple[int, ...]
    dtype: np.dtype
    is_fortran: bool
    offset: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check_length(self, path: Path, num_bytes: int) -> None:
        """Check that a file of ``num_bytes`` holds these numbers and no more. Raises ImageReadError if not."""
        held = num_bytes - self.offset
        promise = f"its header promises {self.num_bytes:,} bytes of pixels, the file has {held:,}"
        if self.num_bytes > held:
            raise ImageReadError(path, f"{promise}; it is cut short: copy it again")
        if self.num_bytes < held:
            raise ImageReadError(path, f"{promise}; its shape is damaged, or a second array follows: save it again")


def read_header(path: Path, stream: BufferedIOBase) -> Header:
    """Read the header of a .npy. Raises ImageReadError for pickles."""
    header = np.lib.format
    version = header.read_magic(stream)
    shape, is_fortran, dtype = (header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0)(stream)
    if dtype.hasobject:
        raise ImageReadError(path, CELLPOSE if "_seg" in path.name else (
            "holds Python objects (a pickle), which can run code when they are opened, so they are not read; save "
            "the plain array: numpy.save(path, array.astype(...))"
        ))  # fmt: skip
    return Header(shape, dtype, is_fortran, stream.tell())


def _read_checked(path: Path, stream: BufferedIOBase, num_bytes: int) -> Shaped[np.ndarray, "..."]:
    """Read one array, after checking that its header promises no more than the file holds."""
    header = read_header(path, stream)
    check_size(path, header.num_bytes)
    header.check_length(path, num_bytes)
    stream.seek(0)
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def not_an_image(path: Path, shape: tuple[int, ...]) -> ImageReadError:
    """Return the error that lists the shapes an image may have."""
    return ImageReadError(
        path,
        f"holds an array of shape {shape}; an image has 2 axes (rows, columns), 3 (with channels or planes) or 4. Save each "
        "image as a separate file",
    )
