"""The settings of a training: from a recipe or from the run that it resumes, with the caller's changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from unseam.data.sample import Sample
from unseam.errors import SettingsError
from unseam.nets import UNetConfig
from unseam.recipes import FINE_TUNED, recipe_named
from unseam.recipes.run import Run
from unseam.runs.cross_validation import shared_budget
from unseam.runs.run_folder import RunFolder, read_run
from unseam.settings import with_overrides
from unseam.training import Budget

_MOST_CROPS = 8
"""Crops of small volumes in a step, for each that the recipe asks for: more see little that is new."""


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

    Volumes are predicted in the orientations in which they are learnt. The held-out part tunes threshold, split and smallest
    object of objects, unless the caller sets one of them.

    Raises SettingsError if a setting is unknown or out of range, or if nothing limits training.
    """
    of_objects = ("objects.threshold", "objects.split", "objects.min_size")
    if any(setting.strip().startswith(of_objects) for setting in settings):
        settings = ["training.tune_objects=false", *settings]
    changed = with_overrides(run, settings)
    becomes_volumes = changed.data.volumes and not run.data.volumes  # a run that resumes keeps what was set
    run = with_overrides(_for_volumes(run), settings) if becomes_volumes else changed
    if folds is not None:
        run = replace(run, data=replace(run.data, folds=folds))
    if steps is not None or minutes is not None:
        run = shared_budget(run, steps, minutes)
    Budget(run.training.steps, run.training.minutes)  # raises on a bad budget before any image is read
    return run


def _for_volumes(run: Run) -> Run:
    """Return the recipe as it is for volumes, before the caller's changes.

    The default recipe, whose network fits planes of a thousand pixels, takes one of less context: planes of small volumes would
    mostly be mirror images. Most voxels are background, so each class is drawn as often as the others (`docs/log.md`).
    """
    run = replace(run, average="planes", normalise=replace(run.normalise, over="stack"))
    if isinstance(run.net, UNetConfig) and run.net.resolution == "auto":
        net, training = replace(run.net, depth=2, resolution="full"), replace(run.training, crops="by_class")
        run = replace(run, net=net, training=training)
    return run


def with_crops_of_volumes(run: Run, samples: Sequence[Sample]) -> Run:
    """Return the run with crops that are no larger than the planes of the volumes, and as many more of them in a step.

    Volumes are often small, and a crop beyond the border of its plane is its mirror image.
    """
    settings, largest = run.training, max(max(sample.classes.shape) for sample in samples)
    if largest >= settings.output_size:
        return run
    number = int(np.clip((settings.output_size / largest) ** 2, 1, _MOST_CROPS))
    changed = replace(settings, output_size=largest, batch_size=settings.batch_size * number)
    return replace(run, training=changed)
