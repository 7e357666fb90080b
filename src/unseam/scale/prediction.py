"""Settings of one large prediction: everything that a worker needs to know, small enough to send to each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unseam.engines import Precision
from unseam.inference import DEFAULT_INPUT_TILE

ProbabilityType = Literal["none", "uint8", "float16"]
"""Type of the written probabilities: 255 levels, or half precision (11 bits)."""

CHUNK = 1024
"""Side of an output chunk, px. At depth 4, one input tile of the default size covers it."""

CLASSES, CLASS_LABELS, PROBABILITIES, OBJECTS = "classes", "class labels", "probabilities", "objects"
"""Results. The classes are written twice: as an image for programs, and as labels with colours and names for viewers."""

LIKELY, CORES, FLOODED = "likely", "cores", "flooded"
"""Scratch arrays: the probability of the foreground, and object numbers within chunks."""


@dataclass(frozen=True)
class SavedResults:
    """Results to write besides the class map; ``object_class`` None: all classes but the background make objects together."""

    objects: bool = False
    probabilities: ProbabilityType = "none"
    object_class: int | None = None


@dataclass(frozen=True)
class LargePrediction:
    """Settings of one large prediction. The others are those of :func:`unseam.predict_store` and :class:`unseam.model.Model`.

    Attributes
    ----------
    source
        File or store of the image, absolute. Workers on other machines find it under the same path.
    folder
        Work folder, absolute, with model, result and scratch arrays; on a disk that all workers share.
    chunk, shard
        Side of an output chunk, px, and chunks along a side of one file. The unit of work is a whole file.
    tile
        Largest input tile, px.
    max_bytes
        Memory limit of one process; None: what its machine has left.
    fill_missing
        Whether chunks that the source lacks are read as its fill value.
    channels
        Channels that the model receives; empty: all.
    num_channels, stacks
        What the first look at the source found: the channels of each image, without transparency that says nothing, and the
        numbers of the images whose channels are planes for this model. Every worker then reads them alike.
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
    num_channels: tuple[int, ...] = ()
    stacks: tuple[int, ...] = ()
    device: str = "auto"
    precision: Precision = "float32"
    engine: str = "auto"

    @property
    def side(self) -> int:
        """Side of the unit of work, px."""
        return self.chunk * self.shard

    @property
    def model(self) -> Path:
        """Path of a copy of the model file: a resumed run uses the model that it started with."""
        return Path(self.folder) / "model.safetensors"

    @property
    def result(self) -> Path:
        """Path of the unfinished Zarr store of classes and objects."""
        return Path(self.folder) / "result.ome.zarr"

    @property
    def probabilities(self) -> Path:
        """Path of the unfinished Zarr store of probabilities: inside another image no viewer would find them."""
        return Path(self.folder) / "probabilities.ome.zarr"

    @property
    def scratch(self) -> Path:
        return Path(self.folder) / "scratch"

    def group(self, position: str, name: str) -> Path:
        """Return the path of the image group of one result of one position."""
        if name == PROBABILITIES:
            return self.probabilities / position
        image = self.result / position
        return {CLASSES: image, CLASS_LABELS: image / "labels" / "classes", OBJECTS: image / "labels" / "objects"}[name]
