"""Find the objects of a plane larger than memory, chunk by chunk: exactly those that `Objects` finds in the whole plane."""

from unseam.inference.whole_objects.find import Halo, ObjectsFound, find_objects
from unseam.inference.whole_objects.records import ChunkFacts, ChunkTables, ObjectStage, ObjectStore
from unseam.inference.whole_objects.stages import Runner, StageRound, perform_stage

__all__ = [
    "ChunkFacts", "ChunkTables", "Halo", "ObjectStage", "ObjectStore", "ObjectsFound", "Runner", "StageRound", "find_objects",
    "perform_stage",
]  # fmt: skip
