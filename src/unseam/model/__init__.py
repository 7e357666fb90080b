"""A trained network: what it predicts, and the one file that holds it."""

from unseam.model.model import Model
from unseam.model.model_file import ModelInfo, load_model, read_info, save_model
from unseam.model.segmentation import Segmentation

__all__ = ["Model", "ModelInfo", "Segmentation", "load_model", "read_info", "save_model"]
