"""What can be done with one chunk, each a file: from the task to facts, pixels from disk to disk.

A stage is a function of the task and of what lies on the disk, and of nothing else. So a chunk may be computed again, by
another process, and comes out the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from unseam.inference.whole_objects import ObjectStage
from unseam.inference.whole_objects.records import CompleteFacts, FloodFacts, WriteFacts
from unseam.scale.stages.grey_range import RangeFacts, grey_range
from unseam.scale.stages.network import NetworkFacts, network
from unseam.scale.stages.object_stages import objects
from unseam.scale.stages.pyramid import pyramid
from unseam.scale.task import ChunkTask, NoFacts, PassKind
from unseam.scale.worker import ChunkWorker

STAGES: dict[PassKind, tuple[Callable[[ChunkWorker, ChunkTask], Any], type[Any]]] = {
    PassKind.GREY_RANGE: (grey_range, RangeFacts),
    PassKind.NETWORK: (network, NetworkFacts),
    PassKind.FLOOD: (partial(objects, ObjectStage.FLOOD), FloodFacts),
    PassKind.COMPLETE: (partial(objects, ObjectStage.COMPLETE), CompleteFacts),
    PassKind.WRITE: (partial(objects, ObjectStage.WRITE), WriteFacts),
    PassKind.PYRAMID: (pyramid, NoFacts),
}
"""The closed list: the function of each pass, and the type of what it answers."""


def perform(worker: ChunkWorker, task: ChunkTask) -> Any:
    """Compute one chunk."""
    return STAGES[task.stage.kind][0](worker, task)
