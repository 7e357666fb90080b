"""A training that chooses its own start: what is decided before it, and with which calls of ``train``."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.annotated import AnnotatedFolder
from unseam.data.kinds import LabelKind, MaskChoice, choose_masks
from unseam.data.prepare import understand
from unseam.errors import SettingsError
from unseam.model import Model
from unseam.recipes.run import Run
from unseam.runs.default_start import AUTO, Chosen, decide, is_to_be_decided
from unseam.runs.run_folder import RunFolder
from unseam.runs.settings_of_run import change_run, choose_run
from unseam.runs.watch import Watch

_SETTLED = re.compile(r"\s*(net|normalise|start)\s*[.=]")
"""Settings that would contradict a start, or say what it is."""


def is_open(
    start: Model | str | Path | None, recipe: str | Run | None, settings: Sequence[str], *, is_alone: bool, rescale: bool
) -> bool:
    """Return whether the start of a training is still to be decided.

    Raises SettingsError if several processes that train together are asked to decide.
    """
    if start == AUTO and not is_alone:
        raise SettingsError(
            "--from auto trains twice for a short time, which one process does alone. Under torchrun, give --from general or "
            "--from nothing."
        )
    is_settled = not is_alone or recipe is not None or rescale or any(_SETTLED.match(setting) for setting in settings)
    return is_to_be_decided(start, is_settled=is_settled)


@dataclass(frozen=True)
class Asked:
    """What a caller of training asks for, as `unseam.api.training.train` names it."""

    recipe: str | Run | None
    steps: int | None
    minutes: float | None
    folds: int | None
    settings: Sequence[str]


def choose_start(
    train: Callable[[str, int | None, float | None, Watch], Model],
    read: Callable[[MaskChoice], AnnotatedFolder],
    folder: RunFolder | None,
    asked: Asked,
    watch: Watch,
) -> Chosen:
    """Choose the start of a training, and tell what was chosen.

    ``train(start, steps, minutes, watch)`` trains on the data, and ``read(masks)`` reads them.


    Raises OutputError if the run folder is taken, before any trial, and the errors of `decide`.
    """
    if folder is not None:
        folder.check_free()
    recipe = choose_run(asked.recipe, None, asked.folds)
    run = change_run(recipe, asked.steps, asked.minutes, asked.folds, asked.settings)
    each = run.training.minutes
    whole = asked.minutes if asked.minutes is not None or each is None else each * run.data.folds

    def kind_of() -> LabelKind:
        annotated = read(run.data.masks)
        ignore = run.data.ignore if run.data.ignore is not None else annotated.ignore
        masks = choose_masks(run.data.masks, annotated.kind)
        return understand(annotated.images, masks=masks, ignore=ignore, declared=annotated.classes, head=run.head).kind

    def trial(start: str, trial_steps: int | None, trial_minutes: float | None) -> Model:
        watch.tell(f"trial: a short training that begins with {start}")
        quiet = Watch(observers=watch.observers, should_stop=watch.should_stop)
        return train(start, trial_steps, trial_minutes, quiet)

    chosen = decide(kind_of, run, whole, trial)
    watch.tell(f"training begins with {chosen.reason}; --from general or --from nothing chooses without trials")
    return chosen
