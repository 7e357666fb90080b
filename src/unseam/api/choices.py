"""Choices and defaults that the command line shows in its help. Nothing heavy is imported for them."""

from unseam.data.kinds import MaskChoice
from unseam.inference import DEFAULT_INPUT_TILE

__all__ = ["DEFAULT_INPUT_TILE", "MaskChoice"]
