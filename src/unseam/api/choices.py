"""Choices and defaults that the help of the command line shows. Importing them is quick."""

from unseam.data.kinds import MaskChoice
from unseam.engines import ENGINES
from unseam.inference import DEFAULT_INPUT_TILE
from unseam.recipes import RECIPES

__all__ = ["DEFAULT_INPUT_TILE", "ENGINES", "RECIPES", "MaskChoice"]
