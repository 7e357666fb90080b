"""Objects of a plane from what the network wrote: the stages of `unseam.inference.whole_objects` as stages of this work."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from unseam.inference.whole_objects import Facts, ObjectsFound, Step, Tables, find_objects
from unseam.inference.whole_objects import Stage as ObjectStage
from unseam.inference.whole_objects.records import CoreFacts
from unseam.scale.journalled import Journalled
from unseam.scale.task import Stage
from unseam.scale.worker import Worker


def objects_of_plane(worker: Worker, run: Journalled, position: int, plane: int) -> ObjectsFound:
    """Find and write the objects of a plane.

    Raises
    ------
    ClusterError, OutputError
        As :meth:`unseam.scale.journalled.Journalled.run`.
    """
    grid = worker.grid(position)

    def run_step(step: Step, chunks: Sequence[int], tables_for: Callable[[int], Tables]) -> Iterator[tuple[int, Facts]]:
        if step.stage is ObjectStage.CORES:  # found while the probabilities of the chunk were at hand
            for chunk, facts in run.told(Stage("network", position, plane)):
                yield chunk, cores_of(facts)
        else:
            stage = Stage(f"objects {step.stage.value}", position, plane, str(step.round))
            yield from run.run(stage, chunks, tables_for)

    return find_objects(grid, worker.model.info.objects, run_step)


def cores_of(facts: Any) -> CoreFacts:
    """What the network's stage tells of cores."""
    return CoreFacts(**{field.name: getattr(facts, field.name) for field in fields(CoreFacts)})
