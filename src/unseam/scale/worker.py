"""What one process holds to compute chunks: the source, the model and the arrays, each opened once."""

import threading
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from unseam.engines import TellsMemory
from unseam.errors import MemoryShortError
from unseam.geometry.chunk_grid import ChunkGrid
from unseam.inference.fitting import bytes_to_come, largest_tile_within, smallest_tile
from unseam.inference.predict import Predictor
from unseam.inference.tiles import plan_tiles
from unseam.io.large import LargeImage, open_large
from unseam.io.result import ChunkedArray, ChunkFiles, open_array, open_level
from unseam.machine.memory import as_amount, available_bytes, resident_bytes
from unseam.model import Model
from unseam.scale.chosen_channels import ChosenChannels
from unseam.scale.work import Work

_OTHER_BYTES = 120 * 2**20
"""For a chunk that is read and one that is written while a third is with the network, and for pieces of the file; measured."""


class Worker:
    """Holds what the stages of one work need.

    Parameters
    ----------
    work
        What is to be done.
    make_model
        Makes the model when it is first needed; None: it is read from the work folder.
    """

    def __init__(self, work: Work, make_model: Callable[[], Model] | None = None) -> None:
        self.work = work
        self._make_model = make_model or (lambda: Model.load(work.model, work.device, work.precision, work.engine))
        self._making = threading.Lock()
        self._predictor: Predictor | None = None
        self.computing = threading.Lock()
        """An engine computes one tile at a time; held while it does."""
        self.files = ChunkFiles(is_synced=False)
        """The writer of chunks: they are on the disk once it has settled."""
        self.array = lru_cache(maxsize=256)(self._opened)

    @cached_property
    def images(self) -> tuple[LargeImage, ...]:
        """The source, an image for each of its positions."""
        images = open_large(Path(self.work.source), fill_missing=self.work.fill_missing)
        return tuple(ChosenChannels(image, self.work.channels) for image in images) if self.work.channels else images

    @cached_property
    def model(self) -> Model:
        """The trained network."""
        return self._make_model()

    @property
    def predictor(self) -> Predictor:
        """Computes tiles of one size, the largest that the memory allows: so all chunks are rounded alike."""
        with self._making:  # counting the memory of a network and computing by it do not go together
            if self._predictor is None:
                self._predictor = self._made_predictor()
            return self._predictor

    def _made_predictor(self) -> Predictor:
        engine, tile = self.model.engine, self.work.tile
        if isinstance(engine, TellsMemory):
            plan = plan_tiles(self.work.chunk, self.work.chunk, engine.geometry, tile)
            num_channels = self.model.info.net.in_channels
            bytes_to_come(engine, plan, num_channels, engine.num_classes)  # loads code of PyTorch, which stays
            now, limit = resident_bytes(), self.work.max_bytes
            if now is not None and limit is None:
                left = available_bytes()
                limit = None if left is None else now + left
            if now is not None and limit is not None:
                try:
                    plan = largest_tile_within(limit, now + _OTHER_BYTES, engine, plan, num_channels)
                except MemoryShortError as error:
                    smallest = plan.with_tiles(engine.geometry, smallest_tile(engine.geometry))
                    least = now + _OTHER_BYTES + bytes_to_come(engine, smallest, num_channels, engine.num_classes)
                    raise MemoryShortError(
                        f"{as_amount(limit)} of memory are allowed or left for a process, and this network needs "
                        f"{as_amount(least)} for a chunk, even with the smallest tiles. Allow that much, or fewer workers."
                    ) from error
                tile = max(plan.rows.input_tile, plan.columns.input_tile)
        return Predictor(engine, tile, max_bytes=2**62, head=self.model.info.head)

    def grid(self, position: int) -> ChunkGrid:
        """The chunks of each plane of a position."""
        image = self.images[position]
        return ChunkGrid(image.height, image.width, self.work.side)

    def result(self, position: int, name: str, level: int = 0) -> ChunkedArray:
        """An array of the result."""
        return self.array(str(self.work.group(self.images[position].position, name)), level)

    def scratch(self, position: int, name: str) -> ChunkedArray:
        """An array that is needed on the way."""
        return self.array(str(self.work.scratch / f"{position}-{name}"), None)

    def leading(self, position: int, plane: int, klass: int | None = None) -> tuple[int, ...]:
        """Where a plane lies along the axes before the rows: T, the class if there is one, Z."""
        image = self.images[position]
        index = [int(at) for at in np.unravel_index(plane, image.plane_shape)] if image.plane_shape else []
        if klass is not None:
            index.insert(image.plane_axes.count("T"), klass)
        return tuple(index)

    @cached_property
    def class_values(self) -> UInt[np.ndarray, "classes"]:
        """What each class is called in the masks that the model was trained on, in the smallest type that holds them."""
        values = self.model.info.class_values
        highest = max(values)
        return np.array(values, np.uint8 if highest < 2**8 else np.uint16 if highest < 2**16 else np.uint32)

    def _opened(self, path: str, level: int | None) -> ChunkedArray:
        return open_array(Path(path), self.files) if level is None else open_level(Path(path), level, self.files)
