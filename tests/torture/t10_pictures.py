"""PNG, JPEG, BMP, GIF of 11 kinds, damaged."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T10", "picture", scale, scale.of(1000, 10_000))
