"""The settings of a training: from a recipe or from the run that it resumes, with the caller's changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unseam.errors import SettingsError
from unseam.recipes import FINE_TUNED, recipe_named
from unseam.recipes.run import Run
from unseam.runs.cross_validation import shared_budget
from unseam.runs.run_folder import RunFolder, read_run
from unseam.settings import with_overrides
from unseam.training import Budget


def choose_run(
    recipe: str | Run | None,
    resumed: RunFolder | None,
    folds: int | None,
    *,
    has_start: bool = False,
    recipe_of_start: str = FINE_TUNED,
) -> Run:
    """Return the settings of the run to resume, or of the recipe; without a recipe, those for a start if the caller names one.

    Raises SettingsError if a run to resume comes with a recipe or a start, if it has another number of folds, if there is no
    such recipe, or if the recipe needs a start.
    """
    if resumed is not None:
        if recipe is not None or has_start:
            given = "a recipe" if recipe is not None else "a start"
            raise SettingsError(f"Got {given} and resume, but a run resumes with its own settings. Leave one of them out.")
        run = resumed.read_config()
        if folds not in (None, run.data.folds):
            raise SettingsError(
                f"{resumed.path} began with {run.data.folds} fold(s), not {folds}: other folds would hold out other images. "
                "Leave folds out, or begin another run."
            )
        return run
    if recipe == FINE_TUNED and not has_start:
        raise SettingsError(f"The recipe {FINE_TUNED} continues a trained network. Name it with --from (start=).")
    if isinstance(recipe, str):
        return read_run(Path(recipe)) if recipe.endswith(".toml") else recipe_named(recipe)
    return recipe or recipe_named(recipe_of_start if has_start else "default")


def change_run(run: Run, steps: int | None, minutes: float | None, folds: int | None, settings: Sequence[str]) -> Run:
    """Return the run with the caller's changes. Steps or minutes replace the whole budget.

    The held-out part tunes threshold, split and smallest object of objects, unless the caller sets one of them. Raises
    SettingsError if a setting is unknown or out of range, or if nothing limits training.
    """
    of_objects = ("objects.threshold", "objects.split", "objects.min_size")
    if any(setting.strip().startswith(of_objects) for setting in settings):
        settings = ["training.tune_objects=false", *settings]
    run = with_overrides(run, settings)
    if folds is not None:
        run = replace(run, data=replace(run.data, folds=folds))
    if steps is not None or minutes is not None:
        run = shared_budget(run, steps, minutes)
    Budget(run.training.steps, run.training.minutes)  # raises on a bad budget before any image is read
    return run
