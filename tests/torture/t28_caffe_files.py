"""Networks in files of Caffe: damaged bytes; fields taken out, doubled, moved or replaced, with fitting lengths."""

from torture.harness import Result, Scale
from torture.probe import count


def run(scale: Scale) -> Result:
    return count("T28", "caffe", scale, scale.of(600, 20_000))
