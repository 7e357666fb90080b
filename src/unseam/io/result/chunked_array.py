"""A Zarr 3 array on disk, written chunk by chunk and read window by window.

Other Zarr libraries can read it, but they read a missing chunk as zeros, and a half-finished image with background in its
other half looks like a result. So this package writes every chunk, even a constant one, and :meth:`ChunkedArray.read` refuses
missing and damaged chunks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import OutputError
from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.io import disk
from unseam.io.result.array_layout import METADATA, REMEDY, TYPES, ArrayLayout, read_array_metadata, render_metadata
from unseam.io.result.chunk_codec import DamagedChunkError, chunk_decoder, encode_chunk
from unseam.io.result.chunk_files import ChunkFiles


def create_array(path: Path, layout: ArrayLayout, files: ChunkFiles | None = None) -> "ChunkedArray":
    """Create an array without chunks. Raises OutputError if writing fails or if the folder already has chunks."""
    if (path / "c").exists():  # they would count as chunks of the new array
        raise OutputError(f"{path} already holds chunks of another result. Remove it, or give another --out.")
    array = ChunkedArray(path, layout, files or ChunkFiles())
    array.files.write(path / METADATA, render_metadata(layout.metadata()))
    return array


def open_array(path: Path, files: ChunkFiles | None = None) -> "ChunkedArray":
    """Open an array of :func:`create_array`. Raises OutputError if it is missing, damaged or from another program."""
    about = read_array_metadata(path)
    try:
        side = about["chunk_grid"]["configuration"]["chunk_shape"][-1]
        codec = about["codecs"][0]
        chunk = codec["configuration"]["chunk_shape"][-1] if codec["name"] == "sharding_indexed" else side
        name = str(about["data_type"])
        if name not in TYPES:
            raise ValueError
        axes = "".join(about.get("dimension_names", "")).upper()
        layout = ArrayLayout(tuple(about["shape"]), np.dtype(name), chunk, side // chunk, axes)
        is_ours = layout.metadata() == about  # any other field or value could change how its bytes are read
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, ZeroDivisionError):
        is_ours = False
    if not is_ours:
        raise OutputError(f"{path / METADATA} is damaged, or another program wrote it. {REMEDY}")
    return ChunkedArray(path, layout, files or ChunkFiles())


@dataclass(frozen=True)
class ChunkedArray:
    """An array in a folder. Threads may share it if each work chunk has only one writer."""

    path: Path
    layout: ArrayLayout
    files: ChunkFiles

    @property
    def grid(self) -> ChunkGrid:
        return self.layout.grid

    def write(self, leading: tuple[int, ...], place: tuple[int, int], part: Shaped[np.ndarray, "height width"]) -> None:
        """Write one work chunk, whole or not at all. Raises OutputError if writing fails.

        Parameters
        ----------
        leading
            Index along each axis before height and width.
        place
            Row and column of the work chunk in the grid.
        part
            Its pixels, clipped to the plane at the right and lower edge.
        """
        rows, columns = self.grid.window(place[0] * self.grid.num_columns + place[1])
        assert part.shape == (rows.stop - rows.start, columns.stop - columns.start)
        assert part.dtype == self.layout.dtype
        self.files.write(self._file(leading, place), encode_chunk(part, self.layout.chunk, self.layout.shard))

    def copy(self, leading: tuple[int, ...], place: tuple[int, int], source: "ChunkedArray") -> None:
        """Write one work chunk with the bytes of another array of the same layout. Raises OutputError if that fails."""
        assert self.layout == source.layout
        path = source._file(leading, place)
        try:
            data = disk.read(path)
        except OSError as error:
            raise OutputError(f"{path}: a chunk of the result cannot be read ({error.strerror}). {REMEDY}") from error
        self.files.write(self._file(leading, place), data)

    def read(self, leading: tuple[int, ...], window: Window) -> Shaped[np.ndarray, "height width"]:
        """Read a window of a plane. Raises OutputError if a chunk that it touches is missing or damaged."""
        rows, columns = window
        assert 0 <= rows.start < rows.stop <= self.layout.shape[-2]
        assert 0 <= columns.start < columns.stop <= self.layout.shape[-1]
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start), self.layout.dtype)
        for number in self.grid.touching(window):
            self._read_file(leading, self.grid.place(number), window, out)
        return out

    def _read_file(self, leading: tuple[int, ...], place: tuple[int, int], window: Window, out: np.ndarray) -> None:
        """Fill in the part of a window that lies in one file."""
        path, side = self._file(leading, place), self.layout.chunk
        inner = ChunkGrid(self.layout.shape[-2], self.layout.shape[-1], side=side)  # the chunks inside the shards
        part = tuple(_overlap(at * self.grid.side, self.grid.side, along) for at, along in zip(place, window, strict=True))
        try:
            with path.open("rb") as stream:
                chunk = chunk_decoder(stream, side, self.layout.shard, np.dtype(self.layout.dtype))
                for number in inner.touching((part[0], part[1])):
                    row, column = inner.place(number)
                    pixels = chunk(row % self.layout.shard, column % self.layout.shard)
                    rows, columns = _overlap(row * side, side, part[0]), _overlap(column * side, side, part[1])
                    source = _moved(rows, -row * side), _moved(columns, -column * side)
                    out[_moved(rows, -window[0].start), _moved(columns, -window[1].start)] = pixels[source]
        except FileNotFoundError as error:
            raise OutputError(f"{path}: a chunk of the result is missing. {REMEDY}") from error
        except OSError as error:
            raise OutputError(f"{path}: a chunk of the result cannot be read ({error.strerror}). {REMEDY}") from error
        except DamagedChunkError as error:
            raise OutputError(f"{path}: a chunk of the result is damaged: {error}. {REMEDY}") from error

    def check(self) -> int:
        """Check that no file is missing or empty; return their number. Raises OutputError for the first missing file."""
        for leading in np.ndindex(*self.layout.shape[:-2]):
            for number in range(len(self.grid)):
                path = self._file(leading, self.grid.place(number))
                try:
                    is_present = path.stat().st_size > 0
                except OSError:
                    is_present = False
                if not is_present:
                    raise OutputError(f"{path}: a chunk of the result is missing. {REMEDY}")
        return self.layout.num_chunks

    def _file(self, leading: tuple[int, ...], place: tuple[int, int]) -> Path:
        assert len(leading) == len(self.layout.shape) - 2
        assert all(0 <= at < size for at, size in zip(leading, self.layout.shape, strict=False))
        return self.path.joinpath("c", *map(str, (*leading, *place)))


def _overlap(start: int, length: int, window: slice) -> slice:
    return slice(max(start, window.start), min(start + length, window.stop))


def _moved(window: slice, by: int) -> slice:
    return slice(window.start + by, window.stop + by)
