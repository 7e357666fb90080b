"""Recipes: functions that return a :class:`unseam.recipes.run.Run`. Vary one with ``dataclasses.replace`` or ``--set``.

No recipe is imported before it is used, so the command line can list them without loading torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from unseam.errors import SettingsError

if TYPE_CHECKING:
    from unseam.recipes.run import Run

RECIPES = {
    "default": "a few minutes; taken if you name none",
    "paper": "as the paper trained",
}
"""The closed list, with what the help says. A name is that of a file in this folder and of the function in it."""


def recipe_named(name: str) -> "Run":
    """Return the run of a recipe.

    Raises
    ------
    SettingsError
        If there is no such recipe; the message lists them.
    """
    if name not in RECIPES:
        raise SettingsError(f"There is no recipe {name!r}; there are: {', '.join(RECIPES)}.")
    run: Run = getattr(import_module(f"unseam.recipes.{name}"), name)()
    return run
