"""A trained network: what it predicts, and the one file that holds it."""

from unseam.model.model import Model, Segmentation
from unseam.model.model_file import ModelInfo, load_model, read_info, save_model

__all__ = ["Model", "ModelInfo", "Segmentation", "load_model", "read_info", "save_model"]
