"""Objects of a plane larger than memory, chunk by chunk, and exactly those that `Objects` finds in all of it at once."""

from unseam.inference.whole_objects.find import Halo, ObjectsFound, find_objects
from unseam.inference.whole_objects.records import ChunkFacts, ChunkTables, ObjectStage, ObjectStore
from unseam.inference.whole_objects.stages import Runner, StageRound, perform_stage

__all__ = [
    "ChunkFacts",
    "Halo",
    "ObjectStore",
    "ObjectsFound",
    "Runner",
    "ObjectStage",
    "StageRound",
    "ChunkTables",
    "find_objects",
    "perform_stage",
]
