"""Recipes: functions that return a :class:`unseam.recipes.run.Run`. Vary one with ``dataclasses.replace`` or ``--set``.

No recipe is imported before it is used, so the command line can list them without loading torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from unseam.errors import SettingsError

if TYPE_CHECKING:
    from unseam.recipes.run import Run

RECIPES = {
    "default": "a few minutes; used if you name none",
    "paper": "as the paper trained",
    "fine_tuned": "used with --from a model of yours if you name none",
}
"""The closed list, with the text of the help. Each name is a file in this folder and the function in that file."""


FINE_TUNED = "fine_tuned"
"""The recipe of a run with a start, unless the caller names another, or the start has kept its normalisation."""


def recipe_named(name: str) -> "Run":
    """Return the run of a recipe; raise SettingsError for an unknown name."""
    if name not in RECIPES:
        raise SettingsError(f"There is no recipe {name!r}. Use one of: {', '.join(RECIPES)}.")
    run: Run = getattr(import_module(f"unseam.recipes.{name}"), name)()
    return run
