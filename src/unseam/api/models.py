"""Load models from files, or read only their facts."""

from pathlib import Path

from unseam.engines import Precision
from unseam.model import Model
from unseam.model.card import facts, lines_that_load
from unseam.model.model_file import ModelInfo
from unseam.model.model_file import read_info as read_info_of_file
from unseam.settings import encode

__all__ = ["Model", "ModelInfo", "encode", "facts", "load", "loading_lines", "read_model_info"]


def load(path: str | Path, device: str = "auto", precision: Precision = "float32", engine: str = "auto") -> Model:
    """Load a model from a file or a run folder; see :meth:`unseam.Model.load` for the arguments."""
    return Model.load(path, device, precision, engine)


def read_model_info(path: str | Path) -> ModelInfo:
    """Read what the model in a file or a run folder is, without its weights. Raises ModelFileError."""
    return read_info_of_file(_file(path))


def loading_lines(about: ModelInfo, path: str | Path) -> tuple[str, str, str]:
    """Return three lines of Python that load the weights of a model, in a file or a run folder, into the plain network."""
    return lines_that_load(about, str(_file(path)))


def _file(path: str | Path) -> Path:
    path = Path(path)
    return path / "model.safetensors" if path.is_dir() else path
