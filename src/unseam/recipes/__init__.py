"""Recipes: functions that return a :class:`unseam.recipes.run.Run`. Vary one with ``dataclasses.replace`` or ``--set``."""

from collections.abc import Callable

from unseam.errors import SettingsError
from unseam.recipes.default import default
from unseam.recipes.paper import paper
from unseam.recipes.run import Run

RECIPES: tuple[Callable[[], Run], ...] = (default, paper)
"""The closed list: every recipe that the command line can name."""


def recipe_named(name: str) -> Run:
    """The run of a recipe.

    Raises
    ------
    SettingsError
        If there is no such recipe; the message lists them.
    """
    for recipe in RECIPES:
        if recipe.__name__ == name:
            return recipe()
    raise SettingsError(f"There is no recipe {name!r}; there are: {', '.join(r.__name__ for r in RECIPES)}.")


__all__ = ["RECIPES", "recipe_named", "default", "paper"]
