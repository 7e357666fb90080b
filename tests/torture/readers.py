"""What the probe may be told to read: how its files are made and mutated, and when one counts as changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from torture import seeds
from torture.caffe_files import CaffeFiles
from torture.mutations import mutated, other_tree
from torture.parsers import Parsers
from torture.probe import rng_of
from torture.zarr_mutations import Stores
from unseam.errors import DataError, ImageReadError, ModelFileError
from unseam.io import ImageFile, read_image, read_labels


@dataclass
class Images:
    """Images, and what is read of them is read as label map too.

    Formats without a check sum cannot tell damaged pixels; what they can tell is how many there are. So another number of rows
    or columns is ``silent``, but for PNG whose check sums were mended: that is another picture.
    """

    families: dict[str, bytes]
    ending: str | None = None
    refusals: tuple[type[Exception], ...] = (ImageReadError, DataError)
    whole: dict[str, ImageFile] = field(default_factory=dict)

    def make(self, seed: int, index: int, folder: Path) -> tuple[Path, str]:
        """Write mutation ``index``; its path and its family."""
        rng = rng_of(seed, index)
        family = list(self.families)[index % len(self.families)]
        path = folder / f"mutation.{self.ending or family.split()[0]}"
        if family not in self.whole:
            path.write_bytes(self.families[family])
            self.whole[family] = read_image(path)
        data = mutated(self.families[family], list(self.families.values()), rng)
        if family.startswith("png") and rng.random() < 0.8:
            data = seeds.mended_png(data)
        path.write_bytes(data)
        return path, family

    def verdict(self, path: Path, family: str) -> str:
        """Read it: ``same``, ``changed`` or ``silent``."""
        file, whole = read_image(path), self.whole[family]
        if file.pixels.dtype == whole.pixels.dtype and np.array_equal(file.pixels, whole.pixels):
            return "same"
        if file.pixels.dtype.kind not in "uif" or not np.isfinite(file.pixels).all() or file.pixels.size == 0:
            raise AssertionError(f"{file.pixels.dtype} {file.pixels.shape} was let through")
        _read_as_labels(path)
        per_byte = 8 if family == "1 bit" else 1  # a row ends with a whole byte, whose last bits may be pixels or not
        is_other_size = (file.height, -(-file.width // per_byte)) != (whole.height, -(-whole.width // per_byte))
        return "silent" if is_other_size and not family.startswith(("png", "jpg", "bmp", "gif")) else "changed"


def _read_as_labels(path: Path) -> None:
    """The same bytes as a label map: refused by a label error, or integers."""
    try:
        labels = read_labels(path).pixels
    except (ImageReadError, DataError):
        return
    assert labels.dtype.kind in "ui"
    assert labels.min() >= -1


class Models:
    """Model files: bytes damaged; the description changed, with the check sum that stood there or without one."""

    refusals: tuple[type[Exception], ...] = (ModelFileError,)
    most_seconds, most_bytes = 0.1, 50e6

    def __init__(self) -> None:
        import torch
        from safetensors.torch import save

        from unseam.model.model_file import FORMAT
        from unseam.nets import UNetConfig

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.save, self.format = save, FORMAT
        self.net = UNetConfig(in_channels=1, num_classes=2, first_width=2, depth=1).build()
        self.data = b""

    def make(self, seed: int, index: int, folder: Path) -> tuple[Path, str]:
        """Write mutation ``index``; its path and what was damaged."""
        from unseam.model.model_file import ModelInfo, save_model

        path = folder / "mutation.safetensors"
        if not self.data:
            self.info = ModelInfo(net=self.net.config)
            save_model(path, self.net, self.info)
            self.data = path.read_bytes()
        rng = rng_of(seed, index)
        kind = ("bytes", "description", "description without a check sum", "tensors")[index % 4]
        if kind == "bytes":
            path.write_bytes(mutated(self.data, [self.data], rng))
            return path, kind
        length = int.from_bytes(self.data[:8], "little")
        header = json.loads(self.data[8 : 8 + length])
        if kind == "tensors":
            about = header.pop("__metadata__")
            header = other_tree(header, rng)
            header = {"__metadata__": about, **header} if isinstance(header, dict) else header
        else:
            about = json.loads(header["__metadata__"]["unseam"])
            if "without" in kind:
                del about["sha256"]
            header["__metadata__"]["unseam"] = json.dumps(other_tree(about, rng))
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + self.data[8 + length :])
        return path, kind

    def verdict(self, path: Path, family: str) -> str:
        """Load it: the model that was saved, or (described otherwise by somebody who left the check sum out) another one."""
        from unseam.model.model_file import load_model

        net, info = load_model(path)
        mine, other = self.net.state_dict(), net.state_dict()
        if info == self.info and mine.keys() == other.keys() and all(bool((mine[n] == other[n]).all()) for n in mine):
            return "same"
        return "changed" if "without" in family else "silent"


READERS: dict[str, Callable[[], Images | Models | Stores | Parsers | CaffeFiles]] = {
    "tiff": lambda: Images(seeds.tiffs(), "tif"),
    "picture": lambda: Images(seeds.pictures()),
    "array": lambda: Images(seeds.arrays()),
    "model": Models,
    "zarr": Stores,
    "parser": Parsers,
    "caffe": CaffeFiles,
}
