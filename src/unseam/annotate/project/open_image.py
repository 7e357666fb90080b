"""An image that is being painted: its label map, and the two files of its mask."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.annotate.messages import Tool
from unseam.annotate.ops import TILE, Box, Change, LabelMap, Mode, box_of, join_runs
from unseam.annotate.project.image_state import ImageState
from unseam.annotate.project.mask_files import (
    copy_whole,
    is_large,
    mask_suffix,
    read_foreign_mask,
    remove_if_there,
    sum_of,
    tile_loader,
    write_mask,
)
from unseam.annotate.project.records import MaskRecord, PaintRecord, Record, RedoRecord, SeenRecord, StatusRecord, UndoRecord
from unseam.data.declaration import Declaration, declares_objects
from unseam.data.file_names import MASK_ENDINGS, name_key, readable_files, without_ending
from unseam.errors import LabelError, OutputError
from unseam.io import disk
from unseam.io.write import naming, sync_folder

Keep = Literal["theirs", "ours", "both"]
"""The answer to a mask that another program changed; both: theirs where ours is empty."""

_BAND = 512  # rows that are compared at once
_MOST_RUNS = 500_000  # in one record of the journal


@dataclass(frozen=True)
class PaintOutcome:
    """What an operation did: the revision that it led to, its box (None: nothing changed), and the runs that changed."""

    revision: int
    box: Box | None
    runs: tuple[Shaped[np.ndarray, " run"], ...] = ()


class OpenImage:
    """The label map of an image and all that changes it.

    Every change is first a record in the journal (``journal``, which raises OutputError if it cannot be written), then pixels.

    Parameters
    ----------
    masks, inner
        The folders ``masks`` and ``.annotate``.

    Raises
    ------
    OutputError
        If the mask that was kept is gone or damaged, so that the label map is unknown.
    """

    def __init__(
        self,
        state: ImageState,
        size: tuple[int, int],
        said: Declaration,
        folders: tuple[Path, Path],
        journal: Callable[[Sequence[Record]], None],
    ) -> None:
        self.state, self.said, self._journal = state, said, journal
        self.height, self.width = size
        masks, self._inner = folders
        name = state.name + mask_suffix(said.kind, *size)
        self.mask, self.kept = masks / name, self._inner / "kept" / name
        dtype = np.int32 if declares_objects(said.kind) else np.uint8
        self.labels = LabelMap(*size, none=said.not_annotated, dtype=dtype)
        self.is_question = False  # whether another program changed the mask, and the user has not said what to do
        self._read_kept()
        self._is_replaced = not self.asks() and bool(state.written) and sum_of(self.mask) != state.written[-1].sha256
        self.next_object = self._count_objects()

    @property
    def is_dirty(self) -> bool:
        """Whether the mask on the disk is older than the label map."""
        return self._is_replaced or self.state.mask_revision != self.state.revision

    def paint(
        self, operation: str, stroke: str, tool: Tool, runs: Shaped[np.ndarray, " run"], how: tuple[Mode, int | None]
    ) -> PaintOutcome:
        """Paint runs that :func:`~unseam.annotate.ops.check_runs` has checked."""
        if operation in self.state.operations:
            return PaintOutcome(self.state.operations[operation], None)
        change = self.labels.change(runs, *how)
        self.next_object = max(self.next_object, int(runs["value"].max()) + 1)
        record = PaintRecord(self.state.name, self.state.revision + 1, operation, stroke, tool, change.after, change.before)
        return self._do([record])

    def undo(self, operation: str, stroke: str) -> PaintOutcome:
        """Take back the last stroke. Raises OrderError if that is another one."""
        if operation in self.state.operations:
            return PaintOutcome(self.state.operations[operation], None)
        self.state.history.check_undo(stroke)
        return self._do([UndoRecord(self.state.name, self.state.revision + 1, operation, stroke)])

    def redo(self, operation: str, stroke: str) -> PaintOutcome:
        """Do the stroke again that was taken back last. Raises OrderError if that is another one."""
        if operation in self.state.operations:
            return PaintOutcome(self.state.operations[operation], None)
        self.state.history.check_redo(stroke)
        return self._do([RedoRecord(self.state.name, self.state.revision + 1, operation, stroke)])

    def write(self) -> bool:
        """Write the mask, unless it is written or a question is open; return whether it was written.

        The order matters: first the copy that no other program touches, under another name; then the journal's note on it; then
        its name; then the mask. A kill at any point leaves a copy whose revision the journal knows.

        Raises OutputError if the disk refuses. Then the journal still has everything.
        """
        if not self.is_dirty or self.asks():
            return False
        is_empty = next(self.labels.tiles(), None) is None
        fresh = self._inner / "fresh" / self.kept.name
        if not is_empty:
            write_mask(fresh, self.labels)
        record = MaskRecord(self.state.name, self.state.revision, "" if is_empty else sum_of(fresh))
        self._journal([record])
        self.state.add(record)
        if is_empty:
            remove_if_there(self.kept)
            remove_if_there(self.mask)
        else:
            with naming(self.kept):
                disk.rename(fresh, self.kept)
                sync_folder(self.kept.parent)
            copy_whole(self.kept, self.mask)
            if is_large(self.height, self.width):
                self.labels.rebase(tile_loader(self.kept))
        if self.state.seen:
            self._remove_found()
        done = replace(record, is_done=True)
        self._journal([done])
        self.state.add(done)
        self._is_replaced = False
        return True

    def asks(self) -> bool:
        """Return whether another program changed the mask since it was written here, and look again."""
        self.is_question = sum_of(self.mask) not in self.state.known_sums
        return self.is_question

    def answer(self, keep: Keep, operation: str) -> PaintOutcome:
        """Settle a mask of another program; it is first copied to ``before``.

        Raises
        ------
        ImageReadError, LabelError
            If it is to be used and is not a mask of this project.
        OutputError
            If the copy cannot be written.
        """
        theirs = None if keep == "ours" or not self.mask.exists() else self._read_theirs(self.mask)
        records = [] if theirs is None else list(self._differences(theirs, "all" if keep == "theirs" else "empty", operation))
        if keep == "theirs" and not self.mask.exists():
            records = list(self._differences(np.full((self.height, self.width), self.labels.none, np.int64), "all", operation))
        now = sum_of(self.mask)
        if now:
            keep_before(self.mask, self._inner, now)
        outcome = self._do([SeenRecord(self.state.name, now), *records])
        self.is_question, self._is_replaced = False, True
        return outcome

    def take_over(self, labels: Integer[np.ndarray, "height width"], mask: Path, operation: str, *, is_complete: bool) -> None:
        """Set the label map to that of a mask which lay there before the project; :meth:`write` then replaces that mask.

        ``is_complete``: it says something of every pixel, so the image counts as done.
        """
        now = sum_of(mask)
        keep_before(mask, self._inner, now)
        self._do([SeenRecord(self.state.name, now), *self._differences(labels, "all", operation)])
        if is_complete:
            self._do([StatusRecord(self.state.name, "done")])
        self._is_replaced = True

    def _remove_found(self) -> None:
        """Remove masks of other names that were taken over: an image has one mask."""
        for path in readable_files(self.mask.parent):
            is_of_image = without_ending(name_key(path), MASK_ENDINGS) == self.state.name
            if is_of_image and path != self.mask and sum_of(path) in self.state.seen:
                remove_if_there(path)

    def _do(self, records: Sequence[Record]) -> PaintOutcome:
        self._journal(records)
        runs = [run for record in records for run in self.state.add(record)]
        for run in runs:
            self.labels.put(run)
        return PaintOutcome(self.state.revision, union_of(box_of(run, self.width) for run in runs if len(run)), tuple(runs))

    def _read_kept(self) -> None:
        """Load the mask that was written last, and put what came after it."""
        state, now = self.state, sum_of(self.kept)
        known = [record for record in state.written if record.sha256 == now]
        if known:
            state.confirm(known[-1].revision, now)
        elif state.first:
            raise OutputError(
                f"{self.kept} is missing or was changed, so what was painted before is not known. Put back the file of that "
                "name from a backup, or move the folder .annotate away: then the masks count as found."
            )
        else:
            now = ""  # the journal goes back to the first stroke
        if now:
            load = tile_loader(self.kept)
            if is_large(self.height, self.width):
                self.labels.rebase(load)
            else:
                for row in range(-(-self.height // TILE)):
                    for column in range(-(-self.width // TILE)):
                        tile = load(row, column)
                        assert tile is not None
                        self.labels.put_tile(row, column, tile)
        for _, runs in state.unwritten:
            for run in runs:
                self.labels.put(run)

    def _count_objects(self) -> int:
        if not declares_objects(self.said.kind):
            return 1
        highest = max((int(tile.max()) for _, _, tile in self.labels.tiles()), default=0)
        return (
            max(highest, *(int(run["value"].max()) for one in self.state.history.undone for run, _ in one.parts if len(run)), 0)
            + 1
        )

    def _read_theirs(self, path: Path) -> Integer[np.ndarray, "height width"]:
        labels = read_foreign_mask(path, self.height, self.width)
        none = self.said.not_annotated
        most = 2**31 - 2 if declares_objects(self.said.kind) else len(self.said.classes) - 1
        is_wrong = (labels != none) & ((labels < 0) | (labels > most))
        if is_wrong.any():
            row, column = np.argwhere(is_wrong)[0]
            raise LabelError(
                f"{path} has the value {labels[row, column]} at row {row}, column {column}; the values are 0 to {most}, and "
                f"{none} where nothing is annotated. Correct it in the program that wrote it, or keep what was painted here.",
                path,
            )
        return labels

    def _differences(self, theirs: Integer[np.ndarray, "height width"], mode: Mode, operation: str) -> Iterator[PaintRecord]:
        """Yield the records that turn our map into theirs; one stroke, which can be undone."""
        number = 0
        for row in range(0, self.height, _BAND):
            part = theirs[row : row + _BAND].astype(np.int64)
            ours = self.labels.read(row, 0, part.shape[0], self.width)
            pixels = np.flatnonzero(part != ours)
            if not len(pixels):
                continue
            runs = join_runs(pixels + row * self.width, part.ravel()[pixels], self.width)
            for first in range(0, len(runs), _MOST_RUNS):
                change = self.labels.change(runs[first : first + _MOST_RUNS], mode)
                number += 1
                yield self._record_of(change, f"{operation}-{number}", operation, self.state.revision + number)

    def _record_of(self, change: Change, operation: str, stroke: str, revision: int) -> PaintRecord:
        return PaintRecord(self.state.name, revision, operation, stroke, "file", change.after, change.before)


def keep_before(mask: Path, inner: Path, sha: str) -> None:
    """Copy a mask as it was found; a copy of the same content is enough. Raises OutputError if that fails."""
    target = inner / "before" / f"{mask.stem}-{sha[:12]}{mask.suffix}"
    if sum_of(target) != sha:
        copy_whole(mask, target)


def union_of(boxes: Iterable[Box]) -> Box | None:
    """Return the smallest box around boxes; None around none.

    >>> union_of([(0, 0, 2, 3), (5, 1, 1, 9)])
    (0, 0, 6, 10)
    """
    found = list(boxes)
    if not found:
        return None
    top, left = min(box[0] for box in found), min(box[1] for box in found)
    bottom, right = max(box[0] + box[2] for box in found), max(box[1] + box[3] for box in found)
    return top, left, bottom - top, right - left
