"""Objects of a plane from what the network wrote: the stages of `unseam.inference.whole_objects` as passes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

from unseam.inference.whole_objects import ChunkFacts, ChunkTables, ObjectsFound, ObjectStage, StageRound, find_objects
from unseam.inference.whole_objects.records import CoreFacts
from unseam.scale.journalled import Journalled
from unseam.scale.task import PassKind, PlanePass
from unseam.scale.worker import ChunkWorker

_PASSES = {
    ObjectStage.SPLIT: PassKind.SPLIT,
    ObjectStage.FLOOD: PassKind.FLOOD,
    ObjectStage.COMPLETE: PassKind.COMPLETE,
    ObjectStage.WRITE: PassKind.WRITE,
}


def objects_of_plane(worker: ChunkWorker, run: Journalled, position: int, plane: int) -> ObjectsFound:
    """Find and write the objects of a plane. Errors are those of :meth:`unseam.scale.journalled.Journalled.run`."""

    def run_step(
        step: StageRound, chunks: Sequence[int], tables_for: Callable[[int], ChunkTables]
    ) -> Iterator[tuple[int, ChunkFacts]]:
        if step.stage is ObjectStage.CORES:  # the network's pass found them while it held the probabilities of the chunk
            for chunk, facts in run.read_finished(PlanePass(PassKind.NETWORK, position, plane)):
                yield chunk, CoreFacts(**{field.name: getattr(facts, field.name) for field in fields(CoreFacts)})
        else:
            yield from run.run(PlanePass(_PASSES[step.stage], position, plane, step.round), chunks, tables_for)

    return find_objects(worker.grid(position), worker.model.info.objects, run_step)
