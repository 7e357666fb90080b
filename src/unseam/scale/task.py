"""What a worker is asked for, and what it answers: a few numbers; pixels go to the disk."""

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from unseam.io.append_journal import packed, unpacked

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """One pass over the chunks of one plane.

    Attributes
    ----------
    kind
        Which computation; see `unseam.scale.stages`.
    position, plane
        Which image of the source, and which plane of it.
    part
        What tells apart several passes of a kind: the round of completing objects, the level of the pyramid.
    """

    kind: str
    position: int = 0
    plane: int = 0
    part: str = ""

    @property
    def key(self) -> str:
        """Its name in the journal."""
        return "/".join((str(self.position), str(self.plane), self.kind, self.part)).rstrip("/")


@dataclass(frozen=True)
class Task:
    """One chunk of a stage, with what a worker must know beside the work itself.

    Attributes
    ----------
    stage, chunk
        What, and where.
    tables
        A frozen dataclass of arrays, or None.
    """

    stage: Stage
    chunk: int
    tables: Any = None


@dataclass(frozen=True)
class Failed:
    """A chunk that could not be computed, and why; the others go on."""

    reason: str


@dataclass(frozen=True)
class NoFacts:
    """Of a chunk that was written and has nothing to tell."""


def as_record(task: Task, facts: Any) -> dict[str, Any]:
    """A line of the journal: the chunk is finished, and this is what is known of it."""
    arrays = {f.name: packed(np.asarray(getattr(facts, f.name))) for f in dataclasses.fields(facts)}
    return {"stage": task.stage.key, "chunk": task.chunk, "facts": arrays}


def facts_of(record: dict[str, Any], kind: type[T]) -> T:
    """The facts in a line of the journal; what a reader checks is that each field is there.

    Raises
    ------
    KeyError, ValueError, TypeError
        If the line holds something else.
    """
    return kind(**{f.name: unpacked(record["facts"][f.name]) for f in dataclasses.fields(kind)})  # type: ignore[arg-type]
