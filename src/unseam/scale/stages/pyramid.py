"""The smaller levels of a result: each chunk from the four that lie over it, and written by one worker."""

from unseam.io.result import build_level_chunk
from unseam.scale.task import NoFacts, Task
from unseam.scale.worker import Worker


def pyramid(worker: Worker, task: Task) -> NoFacts:
    """One chunk of one level; the stage's part is ``name-level``, of a class ``probabilities.2-level``."""
    name, level = task.stage.part.rsplit("-", 1)
    name, _, klass = name.partition(".")
    leading = worker.leading(task.stage.position, task.stage.plane, int(klass) if klass else None)
    group = worker.work.group(worker.images[task.stage.position].position, name)
    build_level_chunk(group, int(level), leading, task.chunk, worker.files)
    return NoFacts()
