"""Tiles of the label map for the page, also of smaller levels."""

import numpy as np

from unseam.annotate.ops import TILE, LabelMap


def label_tile(labels: LabelMap, level: int, row: int, column: int) -> bytes | None:
    """Return the values of one tile; None if nothing in it is annotated.

    Above level 0 a pixel shows the highest value that is annotated in its block, so that thin strokes stay visible.

    Raises
    ------
    IndexError
        If there is no such tile.
    """
    height, width = -(-labels.height // 2**level), -(-labels.width // 2**level)
    top, left = row * TILE, column * TILE
    if top >= height or left >= width:
        raise IndexError(level, row, column)
    shown = np.full((min(TILE, height - top), min(TILE, width - left)), labels.none, labels.dtype)
    is_annotated = False
    for r in range(row << level, min((row + 1) << level, -(-labels.height // TILE))):
        for c in range(column << level, min((column + 1) << level, -(-labels.width // TILE))):
            tile = labels.tile(r, c)
            if tile is None:
                continue
            is_annotated = True
            small = _shrunk(tile, level, labels.none)
            y, x = (r * TILE >> level) - top, (c * TILE >> level) - left
            shown[y : y + small.shape[0], x : x + small.shape[1]] = small
    return np.ascontiguousarray(shown, shown.dtype.newbyteorder("<")).tobytes() if is_annotated else None


def _shrunk(tile: np.ndarray, level: int, none: int) -> np.ndarray:
    if level == 0:
        return tile
    signed = np.where(tile == none, -1, tile.astype(np.int64))
    for _ in range(level):
        signed = np.pad(signed, [(0, side % 2) for side in signed.shape], constant_values=-1)
        signed = signed.reshape(signed.shape[0] // 2, 2, signed.shape[1] // 2, 2).max(axis=(1, 3))
    return np.where(signed < 0, none, signed).astype(tile.dtype)
