"""Choices and defaults that the command line shows in its help. Nothing heavy is imported for them."""

from unseam.data import Masks
from unseam.inference import DEFAULT_INPUT_TILE

__all__ = ["DEFAULT_INPUT_TILE", "Masks"]
