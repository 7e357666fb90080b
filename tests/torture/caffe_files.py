"""Files of Caffe with damaged bytes, or other fields with lengths that fit, so that a change reaches what stands behind."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from reference.caffe_files import caffemodel, field, fields, hdf5, varint
from reference.released_arrays import arrays
from torture.mutations import mutated
from torture.probe import rng_of
from unseam.errors import ModelFileError

_WIDTH = 1
_ODD = (0, 1, 2, 3, 2**31, 2**32, 2**62, 2**63, 2**64 - 1)


class CaffeFiles:
    """The released network, of the least width: both forms of ``.caffemodel``, and HDF5 where h5py is installed.

    These files have no check sum, so changed weights go unnoticed. A different network must be refused.
    """

    refusals: tuple[type[Exception], ...] = (ModelFileError,)
    most_seconds, most_bytes = 1.0, 50e6

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def make(self, seed: int, index: int, folder: Path) -> tuple[Path, str]:
        """Write mutation ``index``; its path and its family."""
        path = folder / "mutation.caffemodel"
        if not self.files:
            self._begin(path)
        rng = rng_of(seed, index)
        form = list(self.files)[index % len(self.files)]
        data = self.files[form]
        if form != "HDF5" and rng.random() < 0.6:
            for _ in range(int(rng.integers(1, 4))):
                data = other_fields(data, rng)
            path.write_bytes(data)
            return path, f"{form}, other fields"
        path.write_bytes(mutated(data, list(self.files.values()), rng))
        return path, f"{form}, damaged bytes"

    def verdict(self, path: Path, family: str) -> str:
        """Load it: ``same``, ``changed`` (other weights) or ``silent`` (taken for another network)."""
        import torch

        from unseam.model.from_caffe import load_released

        net = load_released(path, _WIDTH)
        if net.config != self.net.config:
            return "silent"
        weights, whole = net.state_dict(), self.net.state_dict()
        assert all(bool(torch.isfinite(weight).all()) and weight.dtype == torch.float32 for weight in weights.values())
        return "same" if all(torch.equal(weights[name], whole[name]) for name in whole) else "changed"

    def _begin(self, path: Path) -> None:
        from unseam.model.from_caffe import load_released

        layers = arrays(_WIDTH)
        self.files = {form: caffemodel(layers, form) for form in ("new", "V1")}
        if find_spec("h5py"):
            self.files["HDF5"] = hdf5(path, layers).read_bytes()
        for data in self.files.values():  # what is imported at the first reading is imported here
            path.write_bytes(data)
            self.net = load_released(path, _WIDTH)


def other_fields(data: bytes, rng: np.random.Generator) -> bytes:
    """A message with one field, here or inside of one, taken out, doubled, moved, replaced or numbered otherwise."""
    found = fields(data)
    if not found:
        return data
    at = int(rng.integers(len(found)))
    number, content = found[at]
    kind = int(rng.integers(12))
    if kind < 6 and isinstance(content, bytes) and 0 < len(content) < 2**20 and rng.random() < 0.9:
        try:
            found[at] = number, other_fields(content, rng)
        except (IndexError, TypeError):  # numbers, not a message
            found[at] = number, mutated(content, [data], rng)
    elif kind == 6:
        del found[at]
    elif kind == 7:
        found.insert(int(rng.integers(len(found))), found[at])
    elif kind == 8:
        found.insert(0, found.pop(at))
    elif kind == 9:
        found[at] = number, varint(_ODD[int(rng.integers(len(_ODD)))]) * int(rng.integers(1, 5))
    elif kind == 10:
        found[at] = number, _ODD[int(rng.integers(len(_ODD)))]
    else:
        found[at] = max(1, number + int(rng.integers(-3, 4))), content
    return b"".join(field(key, value) for key, value in found)
