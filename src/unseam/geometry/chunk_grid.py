"""How a large plane is cut into output chunks, the units that one worker computes and writes whole.

Chunks are squares laid from the upper left corner, numbered row by row; those at the right and at the bottom end where the
plane ends::

    ┌────┬────┬──┐
    │ 0  │ 1  │2 │     a chunk is never written by two workers, so none can lose what
    ├────┼────┼──┤     another one wrote; and its side is a multiple of the phase, so
    │ 3  │ 4  │5 │     that a tile of it gives what one pass over the plane would give
    └────┴────┴──┘
"""

from collections.abc import Iterator
from dataclasses import dataclass

Window = tuple[slice, slice]
"""Rows and columns of a plane, each ``slice(start, stop)``, in the frame of the plane."""


@dataclass(frozen=True)
class ChunkGrid:
    """The chunks of a plane.

    Attributes
    ----------
    height, width
        Of the plane, px; at least 1.
    side
        Of a chunk, px.

    Examples
    --------
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
        """Chunks from top to bottom."""
        return -(-self.height // self.side)

    @property
    def num_columns(self) -> int:
        """Chunks from left to right."""
        return -(-self.width // self.side)

    def __len__(self) -> int:
        return self.num_rows * self.num_columns

    def place(self, chunk: int) -> tuple[int, int]:
        """Row and column of a chunk among the chunks."""
        assert 0 <= chunk < len(self)
        return divmod(chunk, self.num_columns)

    def window(self, chunk: int, rim: int = 0) -> Window:
        """The pixels of a chunk, and so many beyond each side, as far as the plane goes."""
        row, column = self.place(chunk)
        return self._along(row, self.height, rim), self._along(column, self.width, rim)

    def _along(self, place: int, length: int, rim: int) -> slice:
        start = place * self.side
        return slice(max(0, start - rim), min(length, start + self.side + rim))

    def touching(self, window: Window) -> Iterator[int]:
        """The chunks that a window has a part of, in order."""
        rows, columns = (range(part.start // self.side, -(-part.stop // self.side)) for part in window)
        for row in rows:
            for column in columns:
                yield row * self.num_columns + column

    def beside(self, chunk: int) -> tuple[int | None, int | None]:
        """The chunk to the right and the one below; None where the plane ends."""
        row, column = self.place(chunk)
        right = chunk + 1 if column + 1 < self.num_columns else None
        below = chunk + self.num_columns if row + 1 < self.num_rows else None
        return right, below
