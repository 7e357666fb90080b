"""Undo and redo by stroke: a stack, so that undo restores exactly what was there."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from unseam.errors import DataError

MOST_STROKES = 200
"""How many strokes can be undone."""


class OrderError(DataError):
    """The stroke to undo or redo is not the next one."""


@dataclass
class Stroke:
    """A stroke by the id that the page gave it, and its parts in order: runs with new and with old values."""

    stroke: str
    tool: str
    parts: list[tuple[Shaped[np.ndarray, " run"], Shaped[np.ndarray, " run"]]] = field(default_factory=list)


class History:
    """The strokes of an image that can be undone, oldest first, and those that can be redone, newest last.

    Examples
    --------
    >>> from unseam.annotate.ops import LabelMap, join_runs
    >>> labels, history = LabelMap(1, 4, none=255, dtype=np.uint8), History()
    >>> change = labels.paint(join_runs(np.arange(3), np.ones(3, int), 4))
    >>> history.add("first", "brush", change.after, change.before)
    >>> for runs in history.undo("first"):
    ...     labels.put(runs)
    >>> labels.read(0, 0, 1, 4)
    array([[255, 255, 255, 255]], dtype=uint8)
    """

    def __init__(self) -> None:
        self.done: list[Stroke] = []
        self.undone: list[Stroke] = []

    def add(self, stroke: str, tool: str, after: Shaped[np.ndarray, " after"], before: Shaped[np.ndarray, " before"]) -> None:
        """Note a part of a stroke; it joins the last one if that has the same id. What was undone cannot be redone any more."""
        self.undone.clear()
        if not self.done or self.done[-1].stroke != stroke:
            self.done.append(Stroke(stroke, tool))
            del self.done[:-MOST_STROKES]
        self.done[-1].parts.append((after, before))

    def check_undo(self, stroke: str) -> None:
        """Raise OrderError unless this stroke is the next to undo."""
        _check_next(self.done, stroke, "undone")

    def check_redo(self, stroke: str) -> None:
        """Raise OrderError unless this stroke is the next to redo."""
        _check_next(self.undone, stroke, "redone")

    def undo(self, stroke: str) -> list[Shaped[np.ndarray, " run"]]:
        """Take back a stroke: return the runs to put into the map, in this order."""
        self.check_undo(stroke)
        self.undone.append(self.done.pop())
        return [before for _, before in reversed(self.undone[-1].parts)]

    def redo(self, stroke: str) -> list[Shaped[np.ndarray, " run"]]:
        """Do a stroke again: return the runs to put into the map, in this order."""
        self.check_redo(stroke)
        self.done.append(self.undone.pop())
        return [after for after, _ in self.done[-1].parts]


def _check_next(strokes: list[Stroke], stroke: str, what: str) -> None:
    if not strokes or strokes[-1].stroke != stroke:
        known = f"the next one is {strokes[-1].stroke}" if strokes else "there is none"
        raise OrderError(f"Stroke {stroke} cannot be {what} now; {known}. Load the image again.")
