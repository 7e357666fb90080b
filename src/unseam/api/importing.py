"""Take over the authors' trained network of 2015, from a file of Caffe."""

import hashlib
import platform
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import torch

from unseam._version import __version__
from unseam.data.normalise import Normalise
from unseam.errors import ModelFileError, SettingsError
from unseam.io.output_folder import output_folder
from unseam.io.write import plain_text
from unseam.model import Model, ModelInfo
from unseam.model.from_caffe import load_released
from unseam.model.model_info import Imported, TrainingRecord
from unseam.nets import NetConfig
from unseam.runs.run_folder import RunFolder

_LARGEST_SCALE = 1e6


def import_caffe(file: str | Path, out: str | Path | None = None, *, scale: float | None = None, device: str = "auto") -> Model:
    """Read the network that the authors of the paper released (``phseg_v5``) from a file of Caffe.

    The result predicts, is saved and can be trained further like any other model. Caffe is not needed.

    Parameters
    ----------
    file
        ``.caffemodel`` in its present or its older (V1) form, or ``.caffemodel.h5``, which needs the extra ``unseam[hdf5]``. At
        most 2 GB. Image channels and classes may differ from the release; all else must be as there.
    out
        Folder to write: ``model.safetensors`` and its card ``README.md``. None: write nothing.
    scale
        The grey value that stands for 1: images are divided by it, for example 255 for 8-bit images. The file does not say how
        the network was trained. None: images have to hold 0 to 1 themselves, and a note says so.
    device
        As in :func:`unseam.load`.

    Returns
    -------
    Model
        ``model.info.training.imported`` names the file, its check sum, and what was assumed.

    Raises
    ------
    ModelFileError
        If the file cannot be read, is damaged, or holds another network: the first layer that does not fit is named.
    SettingsError
        If ``scale`` is not a positive number, or the file is HDF5 and h5py is not installed.
    OutputError
        If ``out`` already holds a run or cannot be written. Nothing is written after any error.

    Source: the network definition that the authors published beside the paper.
    """
    if scale is not None and not 1 / _LARGEST_SCALE <= scale <= _LARGEST_SCALE:
        raise SettingsError(f"scale {scale:g}: give the grey value that stands for 1, such as 255 for 8-bit images.")
    path, folder = Path(file), RunFolder(Path(out)) if out is not None else None
    with output_folder(folder.path, "importing") if folder is not None else nullcontext():
        if folder is not None:
            folder.check_free()
        net = load_released(path)
        model = Model(net, _about(path, net.config, scale), device)  # type: ignore[arg-type]
        if folder is not None:
            model.save(folder.model)
            folder.write_card(model.info)
    return model


def _about(path: Path, net: NetConfig, scale: float | None) -> ModelInfo:
    foreground = ("foreground",) if net.num_classes == 2 else tuple(f"class {number}" for number in range(1, net.num_classes))
    return ModelInfo(
        net=net,
        normalise=Normalise(fixed=(0.0, 1.0 if scale is None else float(scale))),
        class_names=("background", *foreground),
        class_values=tuple(range(net.num_classes)),
        training=TrainingRecord(
            imported=Imported(plain_text(path.name), _sha256(path), (_note(scale),)),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            versions=(f"unseam {__version__}", f"torch {torch.__version__}", f"Python {platform.python_version()}"),
        ),
    )


def _note(scale: float | None) -> str:
    if scale is None:
        return (
            "the file does not say how the grey values of its training were scaled; they are taken as 0 to 1. For 8-bit "
            "images, import again with --scale 255 (scale=255)"
        )
    return f"the file does not say how the grey values of its training were scaled; they are divided by {scale:g}, as given"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error
