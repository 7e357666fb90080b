"""The recipes that a training may name."""

from unseam.recipes import RECIPES

__all__ = ["RECIPES"]
