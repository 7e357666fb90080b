"""Everything that one process needs to compute chunks: source, model and arrays, each opened once."""

import threading
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from unseam.data.read_pair import FOR_GREY
from unseam.geometry.chunk_grid import ChunkGrid
from unseam.inference.predict import Predictor
from unseam.io.large import LargeImage, open_large
from unseam.io.large.chosen_channels import ChosenChannels
from unseam.io.large.stored_image import StoredImage
from unseam.io.result import ChunkedArray, ChunkFiles, open_array, open_level
from unseam.model import Model
from unseam.scale.prediction import CLASS_LABELS, CLASSES, LargePrediction

_OTHER_BYTES = 120 * 2**20  # measured: to read one chunk and write another while the network computes a third


class ChunkWorker:
    """Source, model and arrays of one prediction.

    Parameters
    ----------
    make_model
        Makes the model when it is first needed; None: load the copy in the work folder.
    images
        The source as :func:`~unseam.io.large.open_large` opened it, to spare a second look; None: open it when it is needed.
    """

    def __init__(
        self,
        work: LargePrediction,
        make_model: Callable[[], Model] | None = None,
        images: tuple[StoredImage, ...] | None = None,
    ) -> None:
        self.work, self._opened_images = work, images
        self._make_model = make_model or (lambda: Model.load(work.model, work.device, work.precision, work.engine))
        self._making = threading.Lock()
        self._predictor: Predictor | None = None
        self.computing = threading.Lock()  # an engine computes one tile at a time
        self.files = ChunkFiles(is_synced=False)  # what it writes is on the disk once it has settled
        self.array = lru_cache(maxsize=256)(self._opened)

    @cached_property
    def images(self) -> tuple[LargeImage, ...]:
        """The source: one image per position."""
        work = self.work
        images = self._opened_images
        if images is None:
            images = open_large(Path(work.source), fill_missing=work.fill_missing, num_channels=work.num_channels)
        if work.channels:
            return tuple(ChosenChannels(image, work.channels) for image in images)
        return tuple(
            image.channels_as_planes(FOR_GREY) if number in work.stacks else image for number, image in enumerate(images)
        )

    @cached_property
    def model(self) -> Model:
        return self._make_model()

    @property
    def predictor(self) -> Predictor:
        """Predictor with one size of tiles, the largest that fits into memory: all chunks are then rounded alike."""
        with self._making:  # the memory of a network cannot be counted while it computes
            if self._predictor is None:
                work, num_channels = self.work, self.model.info.net.in_channels
                predictor = Predictor(self.model.engine, work.tile, max_bytes=work.max_bytes, head=self.model.info.head)
                self._predictor = predictor.fitted_to((work.chunk, work.chunk), num_channels, _OTHER_BYTES)
            return self._predictor

    def grid(self, position: int) -> ChunkGrid:
        """Return the chunks of each plane of a position."""
        image = self.images[position]
        return ChunkGrid(image.height, image.width, self.work.side)

    def result(self, position: int, name: str, level: int = 0) -> ChunkedArray:
        return self.array(str(self.work.group(self.images[position].position, name)), level)

    def copy_classes(self, position: int, leading: tuple[int, ...], chunk: int, level: int = 0) -> None:
        """Write a chunk of the class map also as labels."""
        classes = self.result(position, CLASSES, level)
        self.result(position, CLASS_LABELS, level).copy(leading, classes.grid.place(chunk), classes)

    def scratch(self, position: int, name: str) -> ChunkedArray:
        return self.array(str(self.work.scratch / f"{position}-{name}"), None)

    def leading(self, position: int, plane: int, klass: int | None = None) -> tuple[int, ...]:
        """Return the index of a plane along the axes before the rows: T, the class if there is one, Z."""
        image = self.images[position]
        index = [int(at) for at in np.unravel_index(plane, image.plane_shape)] if image.plane_shape else []
        if klass is not None:
            index.insert(image.plane_axes.count("T"), klass)
        return tuple(index)

    @cached_property
    def class_values(self) -> UInt[np.ndarray, "classes"]:
        """Value of each class in the masks of the training, in the smallest type that holds them all."""
        values = self.model.info.class_values
        highest = max(values)
        return np.array(values, np.uint8 if highest < 2**8 else np.uint16 if highest < 2**16 else np.uint32)

    def _opened(self, path: str, level: int | None) -> ChunkedArray:
        return open_array(Path(path), self.files) if level is None else open_level(Path(path), level, self.files)
