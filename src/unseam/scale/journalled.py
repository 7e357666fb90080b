"""Passes that record their finished chunks in a journal: a finished chunk is never computed again, even after a kill."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unseam.errors import ClusterError
from unseam.io.append_journal import AppendJournal
from unseam.scale.executors import Executor
from unseam.scale.stages import STAGES
from unseam.scale.task import ChunkTask, Failed, PlanePass, as_record, facts_of

_SECONDS = 1.0  # a kill loses at most this much finished work, besides the chunks that are being computed
_MOST_NAMED = 5


class Journalled:
    """Runs passes on an executor and records each chunk once it is on the disk.

    Parameters
    ----------
    journal
        The open journal of the work folder.
    executor
        Computes the chunks.
    on_chunk
        Called with (pass, finished chunks, all chunks) for each finished chunk.
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
        # Numbers only: a pass that needs the facts of earlier chunks reads them from the journal again.
        self._finished: dict[str, set[int]] = {}
        for record in journal.records():
            self._finished.setdefault(record["stage"], set()).add(record["chunk"])
        self._unwritten: list[dict[str, Any]] = []
        self._last_write = time.monotonic()

    def run(
        self, stage: PlanePass, chunks: Sequence[int], tables_for: Callable[[int], Any] = lambda _: None
    ) -> Iterator[tuple[int, Any]]:
        """Yield number and facts of each chunk of a pass: first those of an earlier run, then others in any order.

        Raises
        ------
        ClusterError
            If chunks failed, after all others are finished; names their places.
        """
        finished = self._finished.setdefault(stage.key, set())
        missing = [chunk for chunk in chunks if chunk not in finished]
        if finished:
            yield from self.read_finished(stage)
        # A generator, so that the tables of a chunk exist only while an executor has room for it.
        tasks = (ChunkTask(stage, chunk, tables_for(chunk)) for chunk in missing)
        failed: list[tuple[int, Failed]] = []
        try:
            for task, answer in self._executor.perform(tasks):
                if isinstance(answer, Failed):  # one bad chunk must not cost the others
                    failed.append((task.chunk, answer))
                    continue
                self._record(as_record(task, answer))
                finished.add(task.chunk)
                self._on_chunk(stage, len(finished), len(chunks))
                yield task.chunk, answer
        finally:  # after Ctrl-C or an error, too: otherwise the chunks of the last second would be computed again
            self._settle()
        if failed:
            raise ClusterError(self._failure(stage, failed, len(chunks)))

    def finish(self, stage: PlanePass, chunks: Sequence[int]) -> None:
        """Run a pass whose chunks have no facts."""
        if len(self._finished.get(stage.key, ())) < len(chunks):
            for _ in self.run(stage, chunks):
                pass

    def read_finished(self, stage: PlanePass) -> Iterator[tuple[int, Any]]:
        """Yield number and facts of each finished chunk of a pass, from the journal."""
        self._settle()  # the last second may still be unwritten
        kind = STAGES[stage.kind][1]
        for record in self._journal.records():
            if record["stage"] == stage.key:
                yield record["chunk"], facts_of(record, kind)

    def _record(self, record: dict[str, Any]) -> None:
        self._unwritten.append(record)
        # Not after every chunk: waiting for the disk can take longer than computing a small chunk.
        if time.monotonic() - self._last_write > _SECONDS:
            self._settle()

    def _settle(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            # Pixels first: after a power cut, a line in the journal must never stand for a chunk that is not on the disk.
            self._executor.settle()
            self._journal.append(unwritten)
        self._last_write = time.monotonic()

    def _failure(self, stage: PlanePass, failed: Sequence[tuple[int, Failed]], num_chunks: int) -> str:
        places = "; ".join(f"{self._where(stage, chunk)}: {answer.reason}" for chunk, answer in failed[:_MOST_NAMED])
        more = f"; and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
        return (
            f"{len(failed)} of {num_chunks} chunks could not be computed ({places}{more}). All others are finished and kept. "
            "Look at the image in these places, or give the workers more memory. Then run the same command with --resume."
        )
