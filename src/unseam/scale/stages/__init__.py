"""The passes, one per file: functions from a task to facts, with pixels from disk to disk.

A pass depends only on the task and on the disk. So any process can compute a chunk again with the same result.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from unseam.inference.whole_objects import ObjectStage
from unseam.inference.whole_objects.records import CompleteFacts, FloodFacts, SplitFacts, WriteFacts
from unseam.scale.stages.grey_range import RangeFacts, grey_range
from unseam.scale.stages.network import NetworkFacts, network
from unseam.scale.stages.object_stages import objects
from unseam.scale.stages.pyramid import pyramid
from unseam.scale.task import ChunkTask, NoFacts, PassKind
from unseam.scale.worker import ChunkWorker

STAGES: dict[PassKind, tuple[Callable[[ChunkWorker, ChunkTask], Any], type[Any]]] = {
    PassKind.GREY_RANGE: (grey_range, RangeFacts),
    PassKind.NETWORK: (network, NetworkFacts),
    PassKind.SPLIT: (partial(objects, ObjectStage.SPLIT), SplitFacts),
    PassKind.FLOOD: (partial(objects, ObjectStage.FLOOD), FloodFacts),
    PassKind.COMPLETE: (partial(objects, ObjectStage.COMPLETE), CompleteFacts),
    PassKind.WRITE: (partial(objects, ObjectStage.WRITE), WriteFacts),
    PassKind.PYRAMID: (pyramid, NoFacts),
}
"""The closed list: function and facts of each pass."""


def perform_pass(worker: ChunkWorker, task: ChunkTask) -> Any:
    """Compute one chunk."""
    return STAGES[task.stage.kind][0](worker, task)
