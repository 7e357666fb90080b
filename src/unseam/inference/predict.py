"""From a normalised image of any size to the maps of a head. Every choice of tiles gives the same maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from unseam.engines import Engine, TellsMemory, geometries_of
from unseam.errors import MemoryShortError, SizeError
from unseam.heads import Classes, Head
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.inference.fitting import bytes_to_come, largest_tile_within, smallest_tile, usual_tiles
from unseam.inference.tiles import Image, TilePlan, in_words, plan_tiles, read_tiles
from unseam.machine.memory import available_bytes, format_bytes, is_out_of_memory, resident_bytes


@dataclass(frozen=True)
class Predictor:
    """Segments images with an engine, tile by tile, without seams.

    Attributes
    ----------
    max_input_tile
        Largest input tile, px, one number for all axes or one an axis. Larger tiles are faster and need more memory; the result
        is the same. By default those of a volume are smaller, so that their maps take at most a gigabyte.
    on_tile
        Called with (tiles done, tiles in all) after each tile, for a progress bar.
    max_bytes
        Most memory that this process may hold at once; smaller tiles are chosen to stay within it. None: the memory that it
        holds now plus what the machine has left, where that is known.
    on_note
        Called with a sentence for the user when tiles are smaller than requested.
    is_fitted
        Whether the largest input tile is known to fit, so that memory is not counted for each image; see :meth:`fitted_to`.

    Source: paper, section 2 and Fig. 2.

    Departs: tiles are laid on the phase grid of the network (every 384 px for the paper's tile, not every 388), since only
    then do they agree with one pass over the whole image; see :mod:`unseam.geometry`.
    """

    engine: Engine
    max_input_tile: int | tuple[int, ...] = DEFAULT_INPUT_TILE
    on_tile: Callable[[int, int], None] | None = None
    max_bytes: int | None = None
    on_note: Callable[[str], None] | None = None
    is_fitted: bool = False
    head: Head = field(default_factory=Classes)

    def fitted_to(self, lengths: Sequence[int], num_channels: int, spare_bytes: int = 0) -> "Predictor":
        """Return a predictor with one size of input tile for many images of at most these lengths, px.

        ``spare_bytes`` stay free for the caller. Raises `MemoryShortError` if the smallest tile does not fit.
        """
        if not isinstance(self.engine, TellsMemory):
            return replace(self, is_fitted=True)
        largest = plan_tiles(lengths, geometries_of(self.engine), self.max_input_tile)
        plan = self._within_memory(largest, num_channels, spare_bytes)
        tile = plan.input_tile if len(lengths) == 3 else max(plan.input_tile)
        return replace(self, max_input_tile=tile, is_fitted=True)

    def probabilities(self, image: Image, window: tuple[slice, ...] | None = None) -> Float[np.ndarray, "klass *part"]:
        """Compute the maps of the head, usually probabilities, for every pixel of a normalised image, in its frame.

        Parameters
        ----------
        image
            (C, H, W), or a volume (C, D, H, W), normalised as in training; any lengths >= 1. A `WindowedImage` is read tile by
            tile.
        window
            The part of each axis to compute, each ``slice(start, stop)`` that starts within the image; None: all. The result
            equals that part of the whole result, and only what it needs is read and computed. A window may extend beyond the
            image, into its mirror image.

        Returns
        -------
        probabilities
            (K, H, W), or K and the size of the window; one map for each logit. K and a volume for a volume.

        Raises
        ------
        SizeError
            If the largest tile is too small for the network; or a volume is given to a network for planes, or the reverse.
        MemoryShortError
            If the smallest tile does not fit into the memory.
        """
        geometries = geometries_of(self.engine)
        if len(image.shape) != 1 + len(geometries):
            kinds = {2: "planes", 3: "volumes"}
            raise SizeError(
                f"The network computes {kinds[len(geometries)]}, and the image has {len(image.shape) - 1} axes of space: "
                f"{tuple(image.shape[1:])}. Use a model of {kinds.get(len(image.shape) - 1, 'such images')}."
            )
        parts = window or tuple(slice(0, length) for length in image.shape[1:])
        corner = [part.start // geometry.phase * geometry.phase for part, geometry in zip(parts, geometries, strict=True)]
        lengths = [part.stop - start for part, start in zip(parts, corner, strict=True)]
        plan = plan_tiles(lengths, geometries, self.max_input_tile, corner=corner)
        plan = plan if self.is_fitted else self._within_memory(plan, image.shape[0])
        # If memory runs out all the same, everything is computed again with tiles of half the size. Finished tiles would agree
        # with the new ones but for rounding; this way the result is that of the smaller tiles to the bit.
        while True:
            try:
                result = self._by_tiles(image, plan)
                return result[:, *(slice(part.start - start, None) for part, start in zip(parts, corner, strict=True))]
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            plan = self._halved(plan)  # outside of `except`: the error, whose frames hold the maps, is gone

    def _by_tiles(self, image: Image, plan: TilePlan) -> Float[np.ndarray, "klass *part"]:
        result: np.ndarray | None = None
        for done, tile in enumerate(read_tiles(image, plan), start=1):
            part = self.head.activate(self.engine(tile.input))
            if result is None:
                result = np.empty((self.engine.num_classes, *plan.lengths), part.dtype)
            result[:, *tile.place] = part[:, *(slice(place.stop - place.start) for place in tile.place)]
            if self.on_tile is not None:
                self.on_tile(done, len(plan))
        assert result is not None
        return result

    def _within_memory(self, plan: TilePlan, num_channels: int, spare_bytes: int = 0) -> TilePlan:
        """Return the plan, or one with smaller tiles that should fit into the memory."""
        if not isinstance(self.engine, TellsMemory):
            return plan
        if self.max_input_tile == DEFAULT_INPUT_TILE:
            plan = usual_tiles(self.engine, plan, num_channels)
        bytes_to_come(self.engine, plan, num_channels, self.engine.num_classes)
        now = resident_bytes()  # counted once before, since counting loads code of PyTorch, which stays in memory
        if now is None:
            return plan
        left = available_bytes() if self.max_bytes is None else None
        limit = self.max_bytes if left is None else now + left
        if limit is None:
            return plan
        fitting = largest_tile_within(limit, now + spare_bytes, self.engine, plan, num_channels)
        if fitting != plan and self.on_note is not None:
            allowed = "the memory of this machine" if self.max_bytes is None else format_bytes(self.max_bytes)
            sizes = f"{in_words(fitting.input_tile)} px instead of {in_words(plan.input_tile)}"
            self.on_note(f"input tiles of {sizes}, to stay within {allowed}")
        return fitting

    def _halved(self, plan: TilePlan) -> TilePlan:
        """Plan tiles of half the length for the same pixels."""
        if isinstance(self.engine, TellsMemory):
            self.engine.release()
        geometries, longest = geometries_of(self.engine), max(plan.input_tile)
        before = in_words(plan.input_tile)
        if longest <= max(map(smallest_tile, geometries)):
            raise MemoryShortError(
                f"Memory ran out at the smallest tile of this network, {before} px, and an image of {plan.size} px. Close "
                "other programs, cut the image, or use a machine with more memory."
            )
        half = tuple(max(smallest_tile(geometry), geometry.nearest(longest // 2)[0]) for geometry in geometries)
        halved = plan.with_tiles(geometries, half)
        if self.on_note is not None:
            self.on_note(f"memory ran out with input tiles of {before} px; continued with {in_words(halved.input_tile)}")
        return halved
