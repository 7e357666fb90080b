"""Model files with damaged bytes, another description, other tensors."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T8", "model", scale, scale.of(1000, 20_000))
