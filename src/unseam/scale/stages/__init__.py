"""What can be done with one chunk, each a file: from the task to facts, pixels from disk to disk.

A stage is a function of the task and of what lies on the disk, and of nothing else. So a chunk may be computed again, by
another process, and comes out the same.
"""

from collections.abc import Callable
from typing import Any

from unseam.inference.whole_objects.records import CompleteFacts, FloodFacts, WriteFacts
from unseam.scale.stages.grey_range import RangeFacts, grey_range
from unseam.scale.stages.network import NetworkFacts, network
from unseam.scale.stages.objects import objects
from unseam.scale.stages.pyramid import pyramid
from unseam.scale.task import NoFacts, Task
from unseam.scale.worker import Worker

STAGES: dict[str, tuple[Callable[[Worker, Task], Any], type[Any]]] = {
    "grey range": (grey_range, RangeFacts),
    "network": (network, NetworkFacts),
    "objects flood": (objects, FloodFacts),
    "objects complete": (objects, CompleteFacts),
    "objects write": (objects, WriteFacts),
    "pyramid": (pyramid, NoFacts),
}
"""The closed list: how a stage is computed, and what it answers."""


def perform(worker: Worker, task: Task) -> Any:
    """Compute one chunk."""
    return STAGES[task.stage.kind][0](worker, task)
