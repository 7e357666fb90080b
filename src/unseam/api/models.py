"""Models from files: to segment with, or only to read what they are."""

from pathlib import Path

from unseam.engines import EngineName, Precision
from unseam.model import Model
from unseam.model.card import facts
from unseam.model.model_file import ModelInfo
from unseam.model.model_file import read_info as read_info_of_file
from unseam.settings import encode

__all__ = ["Model", "ModelInfo", "encode", "facts", "load", "read_info"]


def load(
    path: str | Path, device: str = "auto", precision: Precision = "float32", engine: EngineName = "auto"
) -> Model:
    """The model in a file or in a run folder; see :meth:`unseam.model.Model.load`."""
    return Model.load(path, device, precision, engine)


def read_info(path: str | Path) -> ModelInfo:
    """What the model in a file or in a run folder is; its weights are not read.

    Raises
    ------
    ModelFileError
        If there is none, or it cannot be read.
    """
    path = Path(path)
    return read_info_of_file(path / "model.safetensors" if path.is_dir() else path)
