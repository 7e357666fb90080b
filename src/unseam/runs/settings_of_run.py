"""The settings of a training: those of a recipe or of the run that it continues, with the caller's changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unseam.errors import SettingsError
from unseam.recipes import recipe_named
from unseam.recipes.run import Run
from unseam.runs.cross_validation import shared_budget
from unseam.runs.run_folder import RunFolder, read_run
from unseam.settings import with_overrides
from unseam.training import Budget


def choose_run(recipe: str | Run | None, resumed: RunFolder | None, folds: int | None) -> Run:
    """The settings of the run to continue, or of the recipe.

    Raises
    ------
    SettingsError
        If both came, if the run was begun with another number of folds, or if there is no such recipe.
    """
    if resumed is not None:
        if recipe is not None:
            raise SettingsError("A recipe came together with resume: a run goes on by its own settings. Leave one of them out.")
        run = resumed.read_config()
        if folds not in (None, run.data.folds):
            raise SettingsError(
                f"{resumed.path} was begun with {run.data.folds} fold(s), and {folds} came: other folds would hold out other "
                "images. Leave folds out, or begin another run."
            )
        return run
    if isinstance(recipe, str):
        return read_run(Path(recipe)) if recipe.endswith(".toml") else recipe_named(recipe)
    return recipe or recipe_named("default")


def change_run(run: Run, steps: int | None, minutes: float | None, folds: int | None, settings: Sequence[str]) -> Run:
    """The run with the caller's changes. A budget that is given replaces the whole budget.

    Threshold and smallest object are tuned on the held-out part, unless the caller sets one of them.

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range, or if nothing limits training.
    """
    if any(setting.strip().startswith(("objects.threshold", "objects.min_size")) for setting in settings):
        settings = ["training.tune_objects=false", *settings]
    run = with_overrides(run, settings)
    if folds is not None:
        run = replace(run, data=replace(run.data, folds=folds))
    if steps is not None or minutes is not None:
        run = shared_budget(run, steps, minutes)
    Budget(run.training.steps, run.training.minutes)  # refuses a bad budget before any image is read
    return run
