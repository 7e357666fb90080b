"""A label map in tiles: a large image that is hardly annotated takes hardly any memory."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Integer, Shaped

from unseam.annotate.ops.runs import join_runs, pixels_of, values_of

TILE = 512
"""Side of a tile, px."""

_MOST_LOADED = 256  # unchanged tiles of a large map that are held

Mode = Literal["all", "empty", "only"]
"""Paint over all; only where nothing is annotated; only over one value."""

Box = tuple[int, int, int, int]
"""Row, column, height, width."""


@dataclass(frozen=True)
class Change:
    """What an operation does: the box of what was asked, and the runs of the pixels that change.

    ``after`` has their new values and ``before`` their old ones; both cover the same pixels.
    """

    box: Box
    after: Shaped[np.ndarray, " after"]
    before: Shaped[np.ndarray, " before"]


class LabelMap:
    """The label of each pixel of an image; what nobody annotated has the value ``none``.

    Parameters
    ----------
    none, dtype
        255 and uint8 for classes, -1 and int32 for objects.
    load
        Reads a tile (row, column of the tile) of the map as it was before; None: nothing was annotated.

    Examples
    --------
    >>> labels = LabelMap(4, 6, none=255, dtype=np.uint8)
    >>> labels.paint(join_runs(np.arange(7, 10), np.ones(3, int), 6)).box
    (1, 1, 1, 3)
    >>> labels.read(1, 0, 1, 6)
    array([[255,   1,   1,   1, 255, 255]], dtype=uint8)
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        none: int,
        dtype: "np.typing.DTypeLike",
        load: Callable[[int, int], Shaped[np.ndarray, "h w"] | None] | None = None,
    ) -> None:
        self.height, self.width, self.none, self.dtype = height, width, none, np.dtype(dtype)
        self._load = load
        self._tiles: dict[tuple[int, int], Shaped[np.ndarray, "h w"] | None] = {}  # those that were changed
        self._loaded: OrderedDict[tuple[int, int], Shaped[np.ndarray, "h w"] | None] = OrderedDict()

    def change(self, runs: Shaped[np.ndarray, " run"], mode: Mode = "all", only: int | None = None) -> Change:
        """Return what the runs would do; nothing changes yet."""
        pixels, values = pixels_of(runs), values_of(runs)
        before = self.values_at(pixels)
        may = _allowed(before, mode, self.none, only) & (before != values)
        after, old = (join_runs(pixels[may], found[may], self.width) for found in (values, before))
        return Change(box_of(runs, self.width), after, old)

    def put(self, runs: Shaped[np.ndarray, " run"]) -> None:
        """Give the pixels of the runs their values."""
        pixels, values = pixels_of(runs), values_of(runs)
        for key, where, inside in self._by_tile(pixels):
            tile = self._tile(*key)
            if tile is None:
                tile = np.full(self.tile_shape(*key), self.none, self.dtype)
            tile[inside] = values[where]
            self._tiles[key] = tile
            self._loaded.pop(key, None)

    def paint(self, runs: Shaped[np.ndarray, " run"], mode: Mode = "all", only: int | None = None) -> Change:
        """Do what :meth:`change` returns."""
        change = self.change(runs, mode, only)
        self.put(change.after)
        return change

    def rebase(self, load: Callable[[int, int], Shaped[np.ndarray, "h w"] | None]) -> None:
        """Forget all tiles: from now on ``load`` has them, as they are now."""
        self._load = load
        self._tiles.clear()
        self._loaded.clear()

    def values_at(self, pixels: Integer[np.ndarray, " pixel"]) -> Integer[np.ndarray, " pixel"]:
        """Return the label of each pixel, int32."""
        found = np.full(len(pixels), self.none, np.int32)
        for key, where, inside in self._by_tile(pixels):
            tile = self._tile(*key)
            if tile is not None:
                found[where] = tile[inside]
        return found

    def read(self, row: int, column: int, height: int, width: int) -> Shaped[np.ndarray, "height width"]:
        """Return a window, which may leave the image on no side."""
        assert 0 <= row <= row + height <= self.height
        assert 0 <= column <= column + width <= self.width
        window = np.full((height, width), self.none, self.dtype)
        for r in range(row // TILE, -(-(row + height) // TILE)):
            for c in range(column // TILE, -(-(column + width) // TILE)):
                tile = self._tile(r, c)
                if tile is None:
                    continue
                top, left = max(row, r * TILE), max(column, c * TILE)
                bottom, right = min(row + height, r * TILE + tile.shape[0]), min(column + width, c * TILE + tile.shape[1])
                part = tile[top - r * TILE : bottom - r * TILE, left - c * TILE : right - c * TILE]
                window[top - row : bottom - row, left - column : right - column] = part
        return window

    def put_tile(self, row: int, column: int, values: Shaped[np.ndarray, "h w"]) -> None:
        """Set a whole tile; ``row`` and ``column`` count tiles."""
        assert values.shape == self.tile_shape(row, column)
        self._tiles[row, column] = np.array(values, self.dtype) if (values != self.none).any() else None
        self._loaded.pop((row, column), None)

    def tile(self, row: int, column: int) -> Shaped[np.ndarray, "h w"] | None:
        """Return a copy of a tile; None if nothing in it is annotated."""
        tile = self._tile(row, column)
        return None if tile is None or not (tile != self.none).any() else tile.copy()

    def tiles(self) -> Iterator[tuple[int, int, Shaped[np.ndarray, "h w"]]]:
        """Yield row, column and a copy of each tile in which something is annotated, in reading order."""
        for row in range(-(-self.height // TILE)):
            for column in range(-(-self.width // TILE)):
                tile = self.tile(row, column)
                if tile is not None:
                    yield row, column, tile

    def tile_shape(self, row: int, column: int) -> tuple[int, int]:
        """Return height and width of a tile; those at the edge are smaller."""
        return min(TILE, self.height - row * TILE), min(TILE, self.width - column * TILE)

    def _tile(self, row: int, column: int) -> Shaped[np.ndarray, "h w"] | None:
        key = row, column
        if key in self._tiles or self._load is None:
            return self._tiles.get(key)
        if key not in self._loaded:
            loaded = self._load(row, column)
            is_empty = loaded is None or not (loaded != self.none).any()
            self._loaded[key] = None if is_empty else np.array(loaded, self.dtype)
            if len(self._loaded) > _MOST_LOADED:
                self._loaded.popitem(last=False)
        return self._loaded[key]

    def _by_tile(
        self, pixels: Integer[np.ndarray, " pixel"]
    ) -> Iterator[tuple[tuple[int, int], Integer[np.ndarray, " n"], tuple[np.ndarray, np.ndarray]]]:
        """Yield each tile, which of the pixels lie in it, and where."""
        rows, columns = np.divmod(pixels, self.width)
        across = -(-self.width // TILE)
        number = rows // TILE * across + columns // TILE
        order = np.argsort(number, kind="stable")
        for where in np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else []:
            row, column = divmod(int(number[where[0]]), across)
            yield (row, column), where, (rows[where] - row * TILE, columns[where] - column * TILE)


def box_of(runs: Shaped[np.ndarray, " run"], width: int) -> Box:
    """Return the smallest window that holds all runs; there must be one."""
    row, column = np.divmod(runs["start"].astype(np.int64), width)
    top, left, right = int(row.min()), int(column.min()), int((column + runs["length"]).max())
    return top, left, int(row.max()) + 1 - top, right - left


def _allowed(before: Integer[np.ndarray, " pixel"], mode: Mode, none: int, only: int | None) -> Bool[np.ndarray, " pixel"]:
    match mode:
        case "all":
            return np.ones(len(before), bool)
        case "empty":
            return before == none
        case "only":
            return before == only
