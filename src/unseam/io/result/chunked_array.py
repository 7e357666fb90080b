"""A Zarr 3 array on the disk in chunks: written chunk by chunk, read window by window.

Other Zarr libraries read it, but take a missing chunk for zeros, and an image half of which is background looks like a
result. So every chunk is written, constant or not, and :meth:`ChunkedArray.read` refuses absent and damaged chunks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unseam.errors import OutputError
from unseam.geometry.chunk_grid import ChunkGrid, Window
from unseam.io.result.array_layout import AGAIN, METADATA, TYPES, ArrayLayout, read_array_metadata, render_metadata
from unseam.io.result.chunk_codec import DamagedChunkError, chunk_decoder, encode_chunk
from unseam.io.result.chunk_files import ChunkFiles


def create_array(path: Path, layout: ArrayLayout, files: ChunkFiles | None = None) -> "ChunkedArray":
    """Create an array without chunks.

    Raises
    ------
    OutputError
        If it cannot be written, or if there are chunks already: they would count as chunks of this one.
    """
    if (path / "c").exists():
        raise OutputError(f"{path}: there are chunks here already. Remove the result that was here, or give another --out.")
    array = ChunkedArray(path, layout, files or ChunkFiles())
    array.files.write(path / METADATA, render_metadata(layout.metadata()))
    return array


def open_array(path: Path, files: ChunkFiles | None = None) -> "ChunkedArray":
    """Open an array of :func:`create_array`.

    Raises
    ------
    OutputError
        If there is none, or if it has another layout or is damaged.
    """
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
        is_ours = layout.metadata() == about
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, ZeroDivisionError):
        is_ours = False
    if not is_ours:
        raise OutputError(f"{path / METADATA}: this is no array that was written here, or it is damaged. {AGAIN}")
    return ChunkedArray(path, layout, files or ChunkFiles())


@dataclass(frozen=True)
class ChunkedArray:
    """An array in a folder; threads may share it if each work chunk has one writer. ``files`` writes the chunks."""

    path: Path
    layout: ArrayLayout
    files: ChunkFiles

    @property
    def grid(self) -> ChunkGrid:
        """The work chunks of a plane."""
        return self.layout.grid

    def write(self, leading: tuple[int, ...], place: tuple[int, int], part: Shaped[np.ndarray, "height width"]) -> None:
        """Write one work chunk, whole or not at all.

        Parameters
        ----------
        leading
            Index of the plane for each axis before height and width.
        place
            Row and column of the work chunk in the grid.
        part
            Its pixels; at the right and lower end of the plane only those that the plane has.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        rows, columns = self.grid.window(place[0] * self.grid.num_columns + place[1])
        assert part.shape == (rows.stop - rows.start, columns.stop - columns.start)
        assert part.dtype == self.layout.dtype
        self.files.write(self._file(leading, place), encode_chunk(part, self.layout.chunk, self.layout.shard))

    def read(self, leading: tuple[int, ...], window: Window) -> Shaped[np.ndarray, "height width"]:
        """Read a window of a plane, from the chunks that it touches. Raises OutputError if one is absent or damaged."""
        rows, columns = window
        assert 0 <= rows.start < rows.stop <= self.layout.shape[-2]
        assert 0 <= columns.start < columns.stop <= self.layout.shape[-1]
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start), self.layout.dtype)
        for number in self.grid.touching(window):
            self._read_file(leading, self.grid.place(number), window, out)
        return out

    def _read_file(self, leading: tuple[int, ...], place: tuple[int, int], window: Window, out: np.ndarray) -> None:
        """Fill in the part of a window that one file holds."""
        path, side = self._file(leading, place), self.layout.chunk
        inner = ChunkGrid(self.layout.shape[-2], self.layout.shape[-1], side=side)
        part = tuple(_overlap(at * self.grid.side, self.grid.side, along) for at, along in zip(place, window, strict=True))
        try:
            with path.open("rb") as stream:
                chunk = chunk_decoder(stream, side, self.layout.shard, np.dtype(self.layout.dtype))
                for number in inner.touching((part[0], part[1])):
                    row, column = inner.place(number)
                    pixels = chunk(row % self.layout.shard, column % self.layout.shard)
                    here = _overlap(row * side, side, part[0]), _overlap(column * side, side, part[1])
                    source = _moved(here[0], -row * side), _moved(here[1], -column * side)
                    out[_moved(here[0], -window[0].start), _moved(here[1], -window[1].start)] = pixels[source]
        except FileNotFoundError as error:
            raise OutputError(f"{path}: a chunk of the result is missing. {AGAIN}") from error
        except OSError as error:
            raise OutputError(f"{path}: a chunk of the result cannot be read ({error.strerror}). {AGAIN}") from error
        except DamagedChunkError as error:
            raise OutputError(f"{path}: a chunk of the result is damaged: {error}. {AGAIN}") from error

    def check(self) -> int:
        """Check that every file exists and is not empty; return their number. Raises OutputError for the first missing one."""
        for leading in np.ndindex(*self.layout.shape[:-2]):
            for number in range(len(self.grid)):
                path = self._file(leading, self.grid.place(number))
                try:
                    is_there = path.stat().st_size > 0
                except OSError:
                    is_there = False
                if not is_there:
                    raise OutputError(f"{path}: a chunk of the result is missing. {AGAIN}")
        return self.layout.num_chunks

    def _file(self, leading: tuple[int, ...], place: tuple[int, int]) -> Path:
        assert len(leading) == len(self.layout.shape) - 2
        assert all(0 <= at < size for at, size in zip(leading, self.layout.shape, strict=False))
        return self.path.joinpath("c", *map(str, (*leading, *place)))


def _overlap(start: int, length: int, window: slice) -> slice:
    return slice(max(start, window.start), min(start + length, window.stop))


def _moved(window: slice, by: int) -> slice:
    return slice(window.start + by, window.stop + by)
