"""Passes whose finished chunks stand in a journal: a finished chunk is never computed again, even after a kill."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from unseam.errors import ClusterError
from unseam.io.append_journal import AppendJournal
from unseam.scale.executors import Executor
from unseam.scale.stages import STAGES
from unseam.scale.task import ChunkTask, Failed, PlanePass, as_record, facts_of

_SECONDS = 1.0
"""A kill loses at most this much finished work, besides the chunks that are being computed."""
_SHOWN = 5


class Journalled:
    """Runs passes on an executor and records each chunk once it is on the disk.

    Parameters
    ----------
    journal
        The open journal of the work folder.
    executor
        Computes the chunks.
    on_chunk
        Called with (pass, chunks finished, chunks in all) for each finished chunk.
    where
        Describes the place of a chunk, for errors.
    """

    def __init__(
        self,
        journal: AppendJournal,
        executor: Executor,
        on_chunk: Callable[[PlanePass, int, int], None] = lambda *_: None,
        where: Callable[[PlanePass, int], str] = lambda stage, chunk: f"chunk {chunk}",
    ) -> None:
        self._journal, self._executor = journal, executor
        self._on_chunk, self._where = on_chunk, where
        self._finished: dict[str, set[int]] = {}
        for record in journal.records():
            self._finished.setdefault(record["stage"], set()).add(record["chunk"])
        self._waiting: list[dict[str, Any]] = []
        self._last = time.monotonic()

    def run(
        self, stage: PlanePass, chunks: Sequence[int], tables_for: Callable[[int], Any] = lambda _: None
    ) -> Iterator[tuple[int, Any]]:
        """Yield number and facts of each chunk of a pass, in any order; first those of an earlier run.

        Raises
        ------
        ClusterError
            If some chunks failed, once all others are finished; names their places.
        """
        known = self._finished.setdefault(stage.key, set())
        left = [chunk for chunk in chunks if chunk not in known]
        if known:
            yield from self.read_finished(stage)
        tasks = (ChunkTask(stage, chunk, tables_for(chunk)) for chunk in left)
        failed: list[tuple[int, Failed]] = []
        try:
            for task, answer in self._executor.perform(tasks):
                if isinstance(answer, Failed):
                    failed.append((task.chunk, answer))
                    continue
                self._note(as_record(task, answer))
                known.add(task.chunk)
                self._on_chunk(stage, len(known), len(chunks))
                yield task.chunk, answer
        finally:
            self._settle()
        if failed:
            raise ClusterError(self._said(stage, failed, len(chunks)))

    def finish(self, stage: PlanePass, chunks: Sequence[int]) -> None:
        """Run a pass whose chunks have no facts."""
        if len(self._finished.get(stage.key, ())) < len(chunks):
            for _ in self.run(stage, chunks):
                pass

    def read_finished(self, stage: PlanePass) -> Iterator[tuple[int, Any]]:
        """Yield number and facts of each finished chunk of a pass, from the journal."""
        self._settle()
        kind = STAGES[stage.kind][1]
        for record in self._journal.records():
            if record["stage"] == stage.key:
                yield record["chunk"], facts_of(record, kind)

    def _note(self, record: dict[str, Any]) -> None:
        self._waiting.append(record)
        if time.monotonic() - self._last > _SECONDS:
            self._settle()

    def _settle(self) -> None:
        """Wait for the pixels to reach the disk, then append the lines that say so."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._executor.settle()
            self._journal.append(waiting)
        self._last = time.monotonic()

    def _said(self, stage: PlanePass, failed: Iterable[tuple[int, Failed]], num_chunks: int) -> str:
        rows = [f"{self._where(stage, chunk)}: {answer.reason}" for chunk, answer in failed]
        more = f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        said = "; ".join(rows[:_SHOWN]) + more
        return (
            f"{len(rows)} of {num_chunks} chunks could not be computed ({said}). All others are finished and kept. Look at the "
            "image there, or give workers more memory; then the same command with --resume tries these again."
        )
