"""Tasks of a worker and its answers: a few numbers; pixels go to the disk."""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from unseam.io.append_journal import pack, unpack

T = TypeVar("T")


class PassKind(Enum):
    """The computations, in their order. Journals and progress bars contain the values."""

    GREY_RANGE = "grey range"
    NETWORK = "network"
    SPLIT = "objects split"
    FLOOD = "objects flood"
    COMPLETE = "objects complete"
    WRITE = "objects write"
    PYRAMID = "pyramid"


@dataclass(frozen=True)
class PlanePass:
    """One pass over the chunks of one plane.

    Attributes
    ----------
    position, plane
        Index of the image in the source, and of the plane in the image.
    round
        For objects: how many times the pass has run before on this plane.
    result, klass, level
        For the pyramid: name of the result, class of the probabilities (else None), and level (0: full size).
    """

    kind: PassKind
    position: int = 0
    plane: int = 0
    round: int | None = None
    result: str = ""
    klass: int | None = None
    level: int = 0

    @property
    def key(self) -> str:
        """Its name in the journal, for example ``0/3/pyramid/probabilities.1-2``; unique, and never parsed."""
        parts = [str(self.position), str(self.plane), self.kind.value]
        if self.round is not None:
            parts.append(str(self.round))
        if self.result:
            parts.append(f"{self.result}{'' if self.klass is None else f'.{self.klass}'}-{self.level}")
        return "/".join(parts)


@dataclass(frozen=True)
class ChunkTask:
    """One chunk of a pass; ``tables``: a frozen dataclass of arrays that the pass needs, or None."""

    stage: PlanePass
    chunk: int
    tables: Any = None


@dataclass(frozen=True)
class Failed:
    """The reason why a chunk could not be computed; the other chunks continue."""

    reason: str


@dataclass(frozen=True)
class NoFacts:
    """Facts of a pass that only writes."""


def as_record(task: ChunkTask, facts: Any) -> dict[str, Any]:
    """Return the journal's record of a finished chunk and its facts."""
    arrays = {f.name: pack(np.asarray(getattr(facts, f.name))) for f in dataclasses.fields(facts)}
    return {"stage": task.stage.key, "chunk": task.chunk, "facts": arrays}


def facts_of(record: dict[str, Any], kind: type[T]) -> T:
    """Read the facts of a record. Raise KeyError, ValueError or TypeError if it holds something else."""
    return kind(**{f.name: unpack(record["facts"][f.name]) for f in dataclasses.fields(kind)})  # type: ignore[arg-type]
