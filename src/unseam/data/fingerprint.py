"""Describe the data of a run in lines that can be compared: a run may resume only with the same data."""

import hashlib
from collections.abc import Sequence

from unseam.data.sample import Sample
from unseam.data.split import HeldOut


def fingerprint(samples: Sequence[Sample], held_out: Sequence[HeldOut]) -> tuple[str, ...]:
    """Return a line per sample (name, size, check sum of its annotation) and a line per held-out window.

    Grey values are left out, because their last bit may differ between machines.

    >>> import numpy as np
    >>> classes = np.zeros((4, 6), np.uint8)
    >>> fingerprint([Sample("a", np.zeros((1, 4, 6), np.float32), classes, np.ones((4, 6), np.float32))], [])
    ('image a, 4 x 6 px, 1 channel(s), annotation 9d908ecf',)
    """
    lines = []
    for sample in samples:
        channels, height, width = sample.image.shape
        lines.append(f"image {sample.name}, {height} x {width} px, {channels} channel(s), annotation {_check_sum(sample)}")
    for part in held_out:
        window = part.window
        rows, columns = f"{window.top}-{window.bottom}", f"{window.left}-{window.right}"
        lines.append(f"held out of {part.sample.name}: rows {rows}, columns {columns}")
    return tuple(lines)


def _check_sum(sample: Sample) -> str:
    total = hashlib.sha256(sample.classes.tobytes())
    if sample.instances is not None:
        total.update(sample.instances.tobytes())
    return total.hexdigest()[:8]
