"""Cuts a large plane into output chunks; one worker computes and writes each chunk whole.

Chunks are squares laid from the upper left corner and numbered row by row. The chunks at the right and at the bottom stop at
the edge of the plane::

    ┌────┬────┬──┐
    │ 0  │ 1  │2 │     Two workers never write the same chunk, so neither can overwrite the
    ├────┼────┼──┤     other. The side of a chunk is a multiple of the phase, so its tiles
    │ 3  │ 4  │5 │     give the same values as one pass over the whole plane.
    └────┴────┴──┘
"""

from collections.abc import Iterator
from dataclasses import dataclass

Window = tuple[slice, slice]
"""Rows and columns of a plane, each ``slice(start, stop)``, in the frame of the plane."""


@dataclass(frozen=True)
class ChunkGrid:
    """The chunks of a plane of ``height`` x ``width`` px, at least 1 x 1; ``side`` is the side of a chunk, px.

    >>> grid = ChunkGrid(height=100, width=250, side=100)
    >>> len(grid), grid.window(2)
    (3, (slice(0, 100, None), slice(200, 250, None)))
    """

    height: int
    width: int
    side: int

    def __post_init__(self) -> None:
        assert min(self.height, self.width, self.side) >= 1

    @property
    def num_rows(self) -> int:
        return -(-self.height // self.side)

    @property
    def num_columns(self) -> int:
        return -(-self.width // self.side)

    def __len__(self) -> int:
        return self.num_rows * self.num_columns

    def place(self, chunk: int) -> tuple[int, int]:
        """Return the row and the column of a chunk in the grid."""
        assert 0 <= chunk < len(self)
        return divmod(chunk, self.num_columns)

    def window(self, chunk: int, rim: int = 0) -> Window:
        """Return the window of a chunk, extended by ``rim`` px on each side and clipped to the plane."""
        row, column = self.place(chunk)
        return self._along(row, self.height, rim), self._along(column, self.width, rim)

    def _along(self, place: int, length: int, rim: int) -> slice:
        start = place * self.side
        return slice(max(0, start - rim), min(length, start + self.side + rim))

    def touching(self, window: Window) -> Iterator[int]:
        """Yield the chunks that overlap a window, in order."""
        rows, columns = (range(part.start // self.side, -(-part.stop // self.side)) for part in window)
        for row in rows:
            for column in columns:
                yield row * self.num_columns + column

    def beside(self, chunk: int) -> tuple[int | None, int | None]:
        """Return the chunk to the right and the chunk below; None where the plane ends."""
        row, column = self.place(chunk)
        right = chunk + 1 if column + 1 < self.num_columns else None
        below = chunk + self.num_columns if row + 1 < self.num_rows else None
        return right, below
