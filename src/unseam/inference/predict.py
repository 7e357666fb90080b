"""From a normalised image of any size to probabilities: the same ones for every choice of tiles."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from unseam.engines import Engine
from unseam.inference.tiles import plan_tiles, read_tiles

DEFAULT_INPUT_TILE = 1212
"""Largest input tile, px, unless another is asked for: at depth 4 the context is then 28 % of it."""


@dataclass(frozen=True)
class Predictor:
    """Segments images with an engine, tile by tile, without seams.

    Attributes
    ----------
    engine
        Computes the logits of an input tile.
    max_input_tile
        Largest input tile, px. Larger tiles are faster and need more memory; the result is the same.
    on_tile
        Called with (tiles done, tiles in all) after each tile, for a progress bar.

    Source: paper, section 2 and Fig. 2.

    Departs: tiles are laid on the phase grid of the network (every 384 px for the paper's tile, not every 388), since only
    then do they agree with one pass over the whole image; see :mod:`unseam.geometry`.
    """

    engine: Engine
    max_input_tile: int = DEFAULT_INPUT_TILE
    on_tile: Callable[[int, int], None] | None = None

    def probabilities(
        self, image: Float[np.ndarray, "channel height width"], window: tuple[slice, slice] | None = None
    ) -> Float[np.ndarray, "klass rows columns"]:
        """Soft-max of the logits for every pixel of a normalised image, in the frame of the image.

        Parameters
        ----------
        image
            (C, H, W), normalised as the network was trained; any H, W >= 1.
        window
            Rows and columns that are wanted, each ``slice(start, stop)`` within the image; None: all. They get what they
            get with all the image, and no more is read and computed than they need.

        Returns
        -------
        probabilities
            (K, H, W), or K and the window's size; summing to 1 over K.

        Raises
        ------
        SizeError
            If the largest tile is too small for the network.
        """
        rows, columns = window or (slice(0, image.shape[1]), slice(0, image.shape[2]))
        phase = self.engine.geometry.phase
        top, left = (start // phase * phase for start in (rows.start, columns.start))
        height, width = rows.stop - top, columns.stop - left
        plan = plan_tiles(height, width, self.engine.geometry, self.max_input_tile, top=top, left=left)
        result: np.ndarray | None = None
        for done, tile in enumerate(read_tiles(image, plan), start=1):
            part = softmax(self.engine(tile.input))
            if result is None:
                result = np.empty((self.engine.num_classes, height, width), part.dtype)
            num_rows, num_columns = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
            result[:, tile.rows, tile.columns] = part[:, :num_rows, :num_columns]
            if self.on_tile is not None:
                self.on_tile(done, len(plan))
        assert result is not None
        return result[:, rows.start - top :, columns.start - left :]


def softmax(logits: Float[np.ndarray, "klass rows cols"]) -> Float[np.ndarray, "klass rows cols"]:
    """Probabilities over the first axis (paper, section 3: p_k = exp(a_k) / sum exp(a_k'))."""
    shifted = logits - logits.max(axis=0)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=0)
    return shifted
