"""TIFF of 24 kinds, damaged."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T9", "tiff", scale, scale.of(1000, 50_000))
