"""Load models from files, or read only their facts."""

from pathlib import Path

from unseam.engines import Precision
from unseam.model import Model
from unseam.model.card import facts, lines_that_load
from unseam.model.model_file import ModelInfo
from unseam.model.model_file import read_info as read_info_of_file
from unseam.networks import find_model, reading_shipped
from unseam.settings import encode

__all__ = ["Model", "ModelInfo", "encode", "facts", "load", "loading_lines", "read_model_info"]


def load(path: str | Path, device: str = "auto", precision: Precision = "float32", engine: str = "auto") -> Model:
    """Load a model: a file, a run folder, or the name of a network that ships (``unseam networks``).

    See :meth:`unseam.model.Model.load` for the arguments.
    """
    return Model.load(path, device, precision, engine)


def read_model_info(path: str | Path) -> ModelInfo:
    """Read what a model is, without its weights: in a file, in a run folder, or shipped. Raises ModelFileError."""
    with reading_shipped(path):
        return read_info_of_file(find_model(path))


def loading_lines(about: ModelInfo, path: str | Path) -> tuple[str, str, str]:
    """Return three lines of Python that load the weights of a model, wherever it lies, into the plain network."""
    return lines_that_load(about, str(find_model(path)))
