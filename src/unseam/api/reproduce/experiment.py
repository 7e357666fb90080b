"""The common parts of the experiments: a recipe, a budget, and held-out images that are scored at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.data.split import Split, keep_annotated, whole_images
from unseam.errors import DataError, SettingsError
from unseam.inference import Averaging
from unseam.io.output_folder import output_folder
from unseam.model import Model
from unseam.recipes import recipe_named
from unseam.recipes.run import Run
from unseam.runs.into_folder import TrainingCall, fit_into
from unseam.runs.run_folder import RunFolder
from unseam.runs.watch import Watch
from unseam.settings import with_overrides

OUR_CHOICES = "Learning rate, number of steps and ranges of the grey values are ours, since the paper gives none."


@dataclass(frozen=True)
class ExperimentCall:
    """Arguments of an experiment. With ``resume`` it continues the run in ``out`` until the budget is used up."""

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
        run = with_overrides(recipe_named(self.recipe), self.settings)
        return replace(run, training=replace(run.training, steps=None, minutes=self.minutes))

    def check_folder(self) -> None:
        """Check that the folder is free or, with ``resume``, holds a run of the same recipe.

        Raises OutputError if it holds a run and ``resume`` is False; SettingsError if there is no run to resume, or it has
        other settings; ModelFileError if its checkpoints are gone.
        """
        folder = RunFolder(self.out)
        if not self.resume:
            folder.check_free()
            return
        started = folder.read_config()
        if replace(started, training=replace(started.training, minutes=self.minutes)) != self.run:
            raise SettingsError(
                f"{self.out} was started with other settings (its config.toml) than the recipe {self.recipe!r}"
                f"{' and --set ' + ' '.join(self.settings) if self.settings else ''}. Give the same --recipe and --set, or "
                "another --out."
            )
        folder.check_resumable()

    @property
    def departures(self) -> tuple[str, ...]:
        """Sentences on what the user requested that the paper did not do."""
        sentences = []
        if self.recipe != "paper":
            sentences.append(f"The recipe {self.recipe!r} is not the paper's: it has another width, optimiser and schedule.")
        if self.settings:
            sentences.append(f"Settings of the recipe were changed: {', '.join(self.settings)}.")
        return tuple(sentences)


def train_experiment(prepared: Prepared, parts: Split, call: ExperimentCall) -> Model:
    """Train with the recipe within the budget. The held-out images choose nothing: the model has the last weights."""
    folder = RunFolder(call.out)
    with output_folder(folder.path, "training"):
        model, _ = fit_into(folder, prepared, call.run, TrainingCall(call.device, call.watch, call.resume), parts)
        folder.end()
    return model


def hold_out_last_block(samples: Sequence[Sample], share: float = 0.2) -> Split:
    """Hold out the last samples of a sequence. The one before them is dropped, since neighbours look alike."""
    if len(samples) < 3:
        raise DataError(f"Got {len(samples)} annotated plane(s); give three or more: to train, to separate and to score.")
    first = len(samples) - max(1, round(share * len(samples)))
    reason = (
        f"held out: the last {len(samples) - first} of {len(samples)} ({samples[first].name} to {samples[-1].name}); "
        f"{samples[first - 1].name}, next to them, is not used"
    )
    return Split(tuple(samples[: first - 1]), keep_annotated(whole_images(samples[first:])), reason, chooses=False)


def describe_training(model: Model, parts: Split, call: ExperimentCall) -> tuple[tuple[str, str], ...]:
    """Describe the training, for the table."""
    record = model.info.training
    return (
        ("recipe", f"{call.recipe}: {record.recipe}"),
        ("budget", f"{call.minutes:g} minutes"),
        ("training", f"{record.steps} steps, {record.seconds / 60:.1f} minutes, {record.precision} on {record.device}"),
        ("trained on", f"{len(parts.training)} images"),
        ("scored on", parts.reason),
        ("averaged over", {"rotations": "seven rotations", "flips": "eight flips", "none": "nothing"}[call.average]),
        ("made", f"{record.date} with {', '.join(record.versions)}"),
    )
