"""NumPy files of 5 kinds, damaged."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T10", "array", scale, scale.of(400, 10_000))
