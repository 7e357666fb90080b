"""Objects of a plane larger than memory, chunk by chunk, and exactly those that `Objects` finds in all of it at once."""

from unseam.inference.whole_objects.find import Halo, ObjectsFound, find_objects
from unseam.inference.whole_objects.records import Facts, ObjectStore, Stage, Tables
from unseam.inference.whole_objects.stages import Runner, Step, perform

__all__ = [
    "Facts",
    "Halo",
    "ObjectStore",
    "ObjectsFound",
    "Runner",
    "Stage",
    "Step",
    "Tables",
    "find_objects",
    "perform",
]
