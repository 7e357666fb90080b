"""Settings of one large prediction: everything that a worker needs to know, small enough to be sent to each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unseam.engines import EngineName, Precision
from unseam.inference import DEFAULT_INPUT_TILE

ProbabilityType = Literal["none", "uint8", "float16"]
"""Type of written probabilities: 255 levels, or half precision (11 bits)."""

CHUNK = 1024
"""Side of an output chunk, px. At depth 4 one input tile of the default size gives it whole."""

CLASSES, PROBABILITIES, OBJECTS = "classes", "probabilities", "objects"
LIKELY, CORES, FLOODED = "likely", "cores", "flooded"
"""Scratch arrays: the probability of the foreground, and object numbers within chunks."""


@dataclass(frozen=True)
class SavedResults:
    """Results that are written besides the class map.

    Attributes
    ----------
    objects
        Whether the instance map is written.
    probabilities
        Type in which the probabilities of each class are written.
    object_class
        Index of the class that makes objects; None: all but the background together.
    """

    objects: bool = False
    probabilities: ProbabilityType = "none"
    object_class: int | None = None


@dataclass(frozen=True)
class LargePrediction:
    """One large prediction.

    Attributes
    ----------
    source
        File or store with the image, absolute; workers on other machines find it there, too.
    folder
        Work folder, absolute, with model, result and scratch arrays; on a disk that all workers share.
    saves
        Results to write.
    chunk, shard
        Side of an output chunk, px, and chunks along a side of one file. The unit of work is a whole file.
    tile
        Largest input tile, px.
    max_bytes
        Most memory that a process may hold; None: what its machine has left.
    fill_missing
        Whether chunks that the source lacks count as its fill value.
    channels
        Channels of the source that the network receives, counted from 0; empty: all.
    device, precision, engine
        As for :class:`unseam.model.Model`.
    """

    source: str
    folder: str
    saves: SavedResults = SavedResults()
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
        """Side of the unit of work, px."""
        return self.chunk * self.shard

    @property
    def model(self) -> Path:
        """A copy of the model file: a resumed run has the model that it was started with."""
        return Path(self.folder) / "model.safetensors"

    @property
    def result(self) -> Path:
        """The Zarr store while it is written."""
        return Path(self.folder) / "result.ome.zarr"

    @property
    def scratch(self) -> Path:
        """Folder of the scratch arrays."""
        return Path(self.folder) / "scratch"

    def group(self, position: str, name: str) -> Path:
        """Image group of one result of one position."""
        image = self.result / position
        return {CLASSES: image, PROBABILITIES: image / "probabilities", OBJECTS: image / "labels" / "objects"}[name]
