"""The smaller levels of a result: one worker makes each chunk from the four above it."""

from unseam.io.result import build_level_chunk
from unseam.scale.task import ChunkTask, NoFacts
from unseam.scale.worker import ChunkWorker


def pyramid(worker: ChunkWorker, task: ChunkTask) -> NoFacts:
    """Write one chunk of one level."""
    stage = task.stage
    group = worker.work.group(worker.images[stage.position].position, stage.result)
    build_level_chunk(group, stage.level, worker.leading(stage.position, stage.plane, stage.klass), task.chunk, worker.files)
    return NoFacts()
