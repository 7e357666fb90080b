"""From a normalised image of any size to the maps of a head: the same ones for every choice of tiles."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from unseam.engines import Engine, TellsMemory
from unseam.errors import MemoryShortError
from unseam.heads import Classes, Head
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.inference.fitting import bytes_to_come, largest_tile_within, smallest_tile
from unseam.inference.tiles import Image, TilePlan, plan_tiles, read_tiles
from unseam.machine.memory import as_amount, available_bytes, is_out_of_memory, resident_bytes


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
    max_bytes
        Most memory that this process may hold at once; tiles are made smaller until it should do. None: what it holds now
        and what the machine has left, where that is known.
    on_note
        Called with a sentence for the user when tiles are smaller than they might have been.
    is_fitted
        Whether the largest input tile is known to fit, so that memory is not counted for each image; see :meth:`fitted_to`.
    head
        Turns logits into maps.

    Source: paper, section 2 and Fig. 2.

    When memory runs out nevertheless, all is computed again with tiles of half the size. What is finished would agree with
    them but for rounding; computed again, the result is that of the smaller tiles to the bit.

    Departs: tiles are laid on the phase grid of the network (every 384 px for the paper's tile, not every 388), since only
    then do they agree with one pass over the whole image; see :mod:`unseam.geometry`.
    """

    engine: Engine
    max_input_tile: int = DEFAULT_INPUT_TILE
    on_tile: Callable[[int, int], None] | None = None
    max_bytes: int | None = None
    on_note: Callable[[str], None] | None = None
    is_fitted: bool = False
    head: Head = field(default_factory=Classes)

    def fitted_to(self, height: int, width: int, num_channels: int, spare_bytes: int = 0) -> "Predictor":
        """Fix the input tile for many images of at most this size: then all are computed with tiles of one size.

        Parameters
        ----------
        height, width
            Largest size of an image or window, px.
        num_channels
            Of the images.
        spare_bytes
            Memory that the caller needs besides.

        Raises
        ------
        MemoryShortError
            If not even the smallest tile fits into the memory.
        """
        if not isinstance(self.engine, TellsMemory):
            return replace(self, is_fitted=True)
        plan = self._within_memory(
            plan_tiles(height, width, self.engine.geometry, self.max_input_tile), num_channels, spare_bytes
        )
        return replace(self, max_input_tile=max(plan.rows.input_tile, plan.columns.input_tile), is_fitted=True)

    def probabilities(self, image: Image, window: tuple[slice, slice] | None = None) -> Float[np.ndarray, "klass rows columns"]:
        """The maps of the head for every pixel of a normalised image, in the frame of the image: probabilities, mostly.

        Parameters
        ----------
        image
            (C, H, W), normalised as the network was trained; any H, W >= 1. One that is not held in memory is read tile by
            tile.
        window
            Rows and columns that are wanted, each ``slice(start, stop)`` from within the image; None: all. They get what they
            get with all the image, and no more is read and computed than they need. What lies beyond the image is that of
            its mirror image.

        Returns
        -------
        probabilities
            (K, H, W), or K and the window's size; one map for each logit.

        Raises
        ------
        SizeError
            If the largest tile is too small for the network.
        MemoryShortError
            If not even the smallest tile fits into the memory.
        """
        rows, columns = window or (slice(0, image.shape[1]), slice(0, image.shape[2]))
        phase = self.engine.geometry.phase
        top, left = (start // phase * phase for start in (rows.start, columns.start))
        height, width = rows.stop - top, columns.stop - left
        plan = plan_tiles(height, width, self.engine.geometry, self.max_input_tile, top=top, left=left)
        plan = plan if self.is_fitted else self._within_memory(plan, image.shape[0])
        while True:
            try:
                result = self._by_tiles(image, plan)
                return result[:, rows.start - top :, columns.start - left :]
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            plan = self._halved(plan)  # out here the error, and with it the maps that its frames hold, is gone

    def _by_tiles(self, image: Image, plan: TilePlan) -> Float[np.ndarray, "klass rows columns"]:
        result: np.ndarray | None = None
        for done, tile in enumerate(read_tiles(image, plan), start=1):
            part = self.head.activate(self.engine(tile.input))
            if result is None:
                result = np.empty((self.engine.num_classes, plan.rows.length, plan.columns.length), part.dtype)
            num_rows, num_columns = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
            result[:, tile.rows, tile.columns] = part[:, :num_rows, :num_columns]
            if self.on_tile is not None:
                self.on_tile(done, len(plan))
        assert result is not None
        return result

    def _within_memory(self, plan: TilePlan, num_channels: int, spare_bytes: int = 0) -> TilePlan:
        """The plan, or one with smaller tiles that should fit into the memory."""
        if not isinstance(self.engine, TellsMemory):
            return plan
        bytes_to_come(self.engine, plan, num_channels, self.engine.num_classes)
        now = resident_bytes()  # after counting once, since that loads code of PyTorch, which stays
        if now is None:
            return plan
        left = available_bytes() if self.max_bytes is None else None
        limit = self.max_bytes if left is None else now + left
        if limit is None:
            return plan
        fitting = largest_tile_within(limit, now + spare_bytes, self.engine, plan, num_channels)
        if fitting != plan and self.on_note is not None:
            allowed = "the memory of this machine" if self.max_bytes is None else as_amount(self.max_bytes)
            self.on_note(f"input tiles of {_size(fitting)} px instead of {_size(plan)}, to stay within {allowed}")
        return fitting

    def _halved(self, plan: TilePlan) -> TilePlan:
        """The same pixels in tiles of half the length."""
        if isinstance(self.engine, TellsMemory):
            self.engine.release()
        geometry, longest = self.engine.geometry, max(plan.rows.input_tile, plan.columns.input_tile)
        smallest = smallest_tile(geometry)
        if longest <= smallest:
            raise MemoryShortError(
                f"Memory ran out at the smallest tile of this network, {_size(plan)} px, and an image of "
                f"{plan.columns.length} x {plan.rows.length} px. Close other programs, cut the image, or take a "
                "machine with more memory."
            )
        halved = plan.with_tiles(geometry, max(smallest, geometry.nearest(longest // 2)[0]))
        if self.on_note is not None:
            self.on_note(f"memory ran out with input tiles of {_size(plan)} px; went on with {_size(halved)}")
        return halved


def _size(plan: TilePlan) -> str:
    return f"{plan.columns.input_tile} x {plan.rows.input_tile}"
