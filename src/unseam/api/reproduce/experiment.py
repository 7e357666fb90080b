"""What every experiment of the paper is here: a recipe, a budget, a part that is held out and scored at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.data.split import Split, annotated, whole
from unseam.errors import DataError, SettingsError
from unseam.inference.rotations import Averaging
from unseam.io.output_folder import output_folder
from unseam.model import Model
from unseam.recipes import recipe_named
from unseam.recipes.run import Run
from unseam.runs.into_folder import TrainingCall, fit_into
from unseam.runs.run_folder import RunFolder
from unseam.runs.watch import Watch
from unseam.settings import with_overrides


@dataclass(frozen=True)
class Asked:
    """What the user wants of an experiment: data, folder for the results, budget, recipe and changes to it, averaging.

    With ``resume`` it goes on with what stands in the folder, by the same recipe, until the budget is used up.
    """

    data: Path
    out: Path
    minutes: float
    recipe: str = "paper"
    settings: tuple[str, ...] = ()
    average: Averaging = "rotations"
    device: str = "auto"
    watch: Watch = field(default_factory=Watch)
    resume: bool = False

    @property
    def run(self) -> Run:
        """The recipe with the changes and the budget."""
        run = with_overrides(recipe_named(self.recipe), self.settings)
        return replace(run, training=replace(run.training, steps=None, minutes=self.minutes))

    def check_folder(self) -> None:
        """See that the folder for the results is free, or, to go on, that it holds a run by the same recipe.

        Raises
        ------
        OutputError
            If there is a run in it, and it is not to go on.
        SettingsError
            If there is none to go on with, or it was begun with other settings.
        ModelFileError
            If its checkpoints are gone.
        """
        folder = RunFolder(self.out)
        if not self.resume:
            folder.check_free()
            return
        begun, wanted = folder.read_config(), self.run
        if replace(begun, training=replace(begun.training, minutes=self.minutes)) != wanted:
            raise SettingsError(
                f"{self.out} was begun with other settings (its config.toml) than the recipe {self.recipe!r}"
                f"{' and --set ' + ' '.join(self.settings) if self.settings else ''}. Give the same --recipe and --set, or "
                "another --out."
            )
        folder.check_resumable()

    @property
    def departures(self) -> tuple[str, ...]:
        """Sentences on what the user asked for that the paper did not do."""
        said = []
        if self.recipe != "paper":
            said.append(
                f"Trained by the recipe {self.recipe!r}, which is not the paper's: another width, optimiser and schedule."
            )
        if self.settings:
            said.append(f"Settings of the recipe were changed: {', '.join(self.settings)}.")
        return tuple(said)


def trained(prepared: Prepared, parts: Split, asked: Asked) -> Model:
    """Train by the recipe within the budget; what is held out chooses nothing, the last weights are kept.

    Raises
    ------
    OutputError
        If another process trains in the folder, or it cannot be written.
    DataError, SettingsError, TrainingError
        As for :func:`unseam.runs.into_folder.fit_into`.
    """
    folder = RunFolder(asked.out)
    with output_folder(folder.path, "training"):
        model, _ = fit_into(folder, prepared, asked.run, TrainingCall(asked.device, asked.watch, asked.resume), parts)
        folder.end()
    return model


def last_block(samples: Sequence[Sample], share: float = 0.2) -> Split:
    """Hold out the last neighbours of a sequence, with one between them and those that train.

    Raises
    ------
    DataError
        If there are fewer than three.
    """
    if len(samples) < 3:
        raise DataError(f"{len(samples)} annotated plane(s) came; three or more are needed, to train, to part and to score.")
    first = len(samples) - max(1, round(share * len(samples)))
    reason = (
        f"held out: the last {len(samples) - first} of {len(samples)} ({samples[first].name} to {samples[-1].name}); "
        f"{samples[first - 1].name}, next to them, trains nothing"
    )
    return Split(tuple(samples[: first - 1]), annotated(whole(samples[first:])), reason, chooses=False)


def made(model: Model, parts: Split, asked: Asked) -> tuple[tuple[str, str], ...]:
    """How ours came about, for the table."""
    record = model.info.training
    return (
        ("recipe", f"{asked.recipe}: {record.recipe}"),
        ("budget", f"{asked.minutes:g} minutes"),
        ("training", f"{record.steps} steps, {record.seconds / 60:.1f} minutes, {record.precision} on {record.device}"),
        ("trained on", f"{len(parts.training)} images"),
        ("scored on", parts.reason),
        ("averaged over", {"rotations": "seven rotations", "flips": "eight flips", "none": "nothing"}[asked.average]),
        ("made", f"{record.date} with {', '.join(record.versions)}"),
    )
