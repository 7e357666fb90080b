"""Names with paths, controls and other letters in files that are read, and of files themselves.

Nothing is ever unpacked: of a ZIP (.npz) one member is read as a stream, of a model file no name is used as a path. So the test
is that a hostile name leaves the folders as they were, and that a file is read, or refused by one kind of error, whatever its
own name.
"""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from torture.harness import Result, Scale
from torture.probe import rng_of
from unseam.errors import ImageReadError, ModelFileError
from unseam.io import read_image
from unseam.model.model_file import ModelInfo, TrainingRecord, load_model, save_model
from unseam.nets import UNetConfig

_PARTS = (
    *("..", "/", "\\", "a", "etc", "C:", "~", "$HOME", "%2e%2e", "con", "nul", " ", ".", "-rf", "\n", "\r", "\u202e", "\u0000"),
    *("\x1b[2J", "<b>", "'", '"', "*", "?", "ä", "日本", "\udcff", "x" * 300),
)
_PIXELS = np.arange(600, dtype=np.uint16).reshape(20, 30)


def run(scale: Scale) -> Result:
    num = scale.of(200, 2000)
    lost = silent = 0
    config = UNetConfig(in_channels=1, num_classes=2, first_width=1, depth=1)
    net, inside = config.build(), scale.folder / "inside"
    inside.mkdir()
    for index in range(num):
        rng = rng_of(scale.seed, index)
        name = "".join(_PARTS[int(at)] for at in rng.integers(len(_PARTS), size=int(rng.integers(1, 6))))
        lost += not (_reads_member(inside, name) and _reads_model(inside, name, net, config) and _reads_file(inside, name))
        silent += [path.name for path in scale.folder.iterdir()] != ["inside"] or any(inside.iterdir())
    return Result("T23", num, lost, silent, "names of members, of images in a model file, of files; nothing is ever unpacked")


def _reads_member(folder: Path, name: str) -> bool:
    stream = BytesIO()
    np.save(stream, _PIXELS)
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a" + name.replace("\udcff", "").replace("\0", "") + ".npy", stream.getvalue())
    try:
        return bool((read_image(path).pixels == _PIXELS).all())
    except ImageReadError:
        return True
    finally:
        path.unlink()


def _reads_model(folder: Path, name: str, net: object, config: UNetConfig) -> bool:
    path = folder / "m.safetensors"
    name = json.loads(json.dumps(name.replace("\udcff", "")))
    info = ModelInfo(net=config, class_names=("background", name), training=TrainingRecord(images=(name,)))
    save_model(path, net, info)
    try:
        return load_model(path)[1] == info
    except ModelFileError:
        return False
    finally:
        path.unlink()


def _reads_file(folder: Path, name: str) -> bool:
    """A file of that name, where there can be one, is read; where not, it is an error that says so."""
    path = folder / ("".join(letter for letter in name if letter not in "/\\\0") + ".npy")
    try:
        with path.open("wb") as stream:
            np.save(stream, _PIXELS)
    except (OSError, ValueError):
        path = folder / (name + ".npy")
    try:
        return bool((read_image(path).pixels == _PIXELS).all())
    except ImageReadError as error:
        return str(error).startswith(str(path)) and not path_is_there(path)
    finally:
        if path_is_there(path) and path.parent == folder:
            path.unlink()


def path_is_there(path: Path) -> bool:
    """Whether there is such a file; a name that cannot be is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
