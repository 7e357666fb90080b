"""What is to be done with one large image: all that a worker must be told, small enough to be sent to each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unseam.engines import EngineName, Precision
from unseam.inference import DEFAULT_INPUT_TILE

ProbabilityType = Literal["none", "uint8", "float16"]
"""How probabilities are written: 255 levels, or half precision (11 bits); never the logits."""

CHUNK = 1024
"""Side of an output chunk, px. At depth 4 one input tile of the default size gives it whole."""

CLASSES, PROBABILITIES, OBJECTS = "classes", "probabilities", "objects"
LIKELY, CORES, FLOODED = "likely", "cores", "flooded"
"""Arrays that are needed on the way: the probability of the foreground, and numbers within chunks."""


@dataclass(frozen=True)
class Saves:
    """Which results are written beside the class map.

    Attributes
    ----------
    objects
        The instance map.
    probabilities
        Of each class, in this type.
    object_class
        Index of the class whose objects are wanted; None: all but the background together.
    """

    objects: bool = False
    probabilities: ProbabilityType = "none"
    object_class: int | None = None


@dataclass(frozen=True)
class Work:
    """One large prediction.

    Attributes
    ----------
    source
        File or store with the image, absolute: a worker on another machine finds it there, too.
    folder
        The work folder, absolute: model, result and scratch arrays; on a disk that all workers share.
    saves
        Which results are written.
    chunk, shard
        Side of an output chunk, px, and chunks a side that one file holds. The unit of work is a whole file.
    tile
        Largest input tile, px.
    max_bytes
        Most memory that a process may hold; None: what its machine has left.
    fill_missing
        Whether chunks that the source lacks are taken for its fill value.
    channels
        Which of the source's channels the network sees, counted from 0; empty: all.
    device, precision, engine
        As for :class:`unseam.model.Model`.
    """

    source: str
    folder: str
    saves: Saves = Saves()
    chunk: int = CHUNK
    shard: int = 1
    tile: int = DEFAULT_INPUT_TILE
    max_bytes: int | None = None
    fill_missing: bool = False
    channels: tuple[int, ...] = ()
    device: str = "auto"
    precision: Precision = "float32"
    engine: EngineName = "auto"

    @property
    def side(self) -> int:
        """Of the unit of work, px: what one worker writes at once."""
        return self.chunk * self.shard

    @property
    def model(self) -> Path:
        """A copy of the model file, so that a run which goes on has the model that it was begun with."""
        return Path(self.folder) / "model.safetensors"

    @property
    def result(self) -> Path:
        """The Zarr store while it is written."""
        return Path(self.folder) / "result.ome.zarr"

    @property
    def scratch(self) -> Path:
        """Arrays that are needed on the way."""
        return Path(self.folder) / "scratch"

    def group(self, position: str, name: str) -> Path:
        """The image group of one kind of result, of one position of the source."""
        image = self.result / position
        return {CLASSES: image, PROBABILITIES: image / "probabilities", OBJECTS: image / "labels" / "objects"}[name]
