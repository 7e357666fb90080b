"""Zarr stores of 8 kinds: metadata and chunks damaged, pipes, links, folders and bombs among their files."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T13", "zarr", scale, scale.of(250, 20_000))
