"""The smaller levels of a result: one worker makes each chunk from the four above it."""

from unseam.io.result import build_level_chunk
from unseam.scale.prediction import CLASSES
from unseam.scale.task import ChunkTask, NoFacts
from unseam.scale.worker import ChunkWorker


def pyramid(worker: ChunkWorker, task: ChunkTask) -> NoFacts:
    """Write one chunk of one level."""
    stage = task.stage
    group = worker.work.group(worker.images[stage.position].position, stage.result)
    leading = worker.leading(stage.position, stage.plane, stage.klass)
    build_level_chunk(group, stage.level, leading, task.chunk, worker.files)
    if stage.result == CLASSES:
        worker.copy_classes(stage.position, leading, task.chunk, stage.level)
    return NoFacts()
