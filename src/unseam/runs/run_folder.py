"""The folder of a run: the names of its files, and how each is written."""

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from unseam.data.labels import LabelKind
from unseam.errors import ModelFileError, OutputError, SettingsError
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.io import disk, make_folder, sweep, write_text_whole
from unseam.model.card import card
from unseam.model.model_file import ModelInfo
from unseam.recipes.run import Run
from unseam.runs.checkpoints import Checkpoints
from unseam.settings import decode, encode
from unseam.training.curve import curve_svg
from unseam.training.observers import Record

_LAUNCH = ".torchrun"


@dataclass(frozen=True)
class RunFolder:
    """``model.safetensors``, ``config.toml``, ``history.csv``, ``curve.svg``, ``README.md``, the checkpoints, the report."""

    path: Path

    @property
    def model(self) -> Path:
        """The model file; prediction needs nothing else."""
        return self.path / "model.safetensors"

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints, from which training continues."""
        return Checkpoints(self.path / "checkpoints")

    @property
    def held_out(self) -> Path:
        """The held-out parts as pictures and maps, from which the report can be made again."""
        return self.path / "held_out.npz"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    def fold(self, number: int) -> "RunFolder":
        """The folder of checkpoints and history of fold ``number`` (from 1) of a cross-validation."""
        return RunFolder(self.path / f"fold-{number}")

    def check_free(self) -> None:
        """See that a new run would overwrite nothing.

        Raises
        ------
        OutputError
            If a run, or any file with a name that a run would use, is already there.
        """
        names = (self.model.name, self.checkpoints.folder.name, "config.toml", "history.csv", "curve.svg", "README.md")
        there = [name for name in (*names, self.held_out.name, self.report.name) if (self.path / name).exists()]
        if there:
            raise OutputError(
                f"{self.path} already holds a run ({', '.join(there)}), and nothing is overwritten. "
                "Give --resume to go on with it, or another folder with --out."
            )

    def begin(self, run: Run, launch: str = "") -> None:
        """Make the folder and write the settings, before the first step: a folder that cannot be written is found now.

        ``launch`` names the call of torchrun that trains here; empty without torchrun.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self.make()
        if launch:  # first: a run without it would block the one that torchrun starts in its place
            write_text_whole(self.path / _LAUNCH, launch)
        write_text_whole(self.path / "config.toml", tomli_w.dumps(encode(run)))

    def was_begun_by(self, launch: str) -> bool:
        """Whether this call of torchrun began the run here, and the run is not finished."""
        try:
            return bool(launch) and (self.path / "config.toml").exists() and (self.path / _LAUNCH).read_text() == launch
        except OSError:
            return False

    def end(self) -> None:
        """Note that the run is finished, so that torchrun does not continue it."""
        with suppress(OSError):
            disk.remove_file(self.path / _LAUNCH)

    def make(self) -> None:
        """Make the folder, and remove unfinished files of a run that was killed here.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        make_folder(self.path)
        sweep(self.path)

    def read_config(self) -> Run:
        """The settings of the run.

        Raises
        ------
        SettingsError
            If there are none, or they cannot be read.
        """
        if not (self.path / "config.toml").exists():
            raise SettingsError(f"{self.path}: no run to go on with: there is no config.toml in it. Leave --resume out.")
        return read_run(self.path / "config.toml")

    def check_resumable(self) -> None:
        """See that a run with a history still has a checkpoint: starting it again would replace what it wrote.

        Raises
        ------
        ModelFileError
            If there is a history without any checkpoint.
        """
        if (self.path / "history.csv").exists() and not self.checkpoints.exist():
            raise ModelFileError(
                f"{self.path}: this run has a history, but no checkpoint to go on from: {self.checkpoints.folder.name} is gone "
                "or empty. Leave --resume out and train in another folder; the model that is there stays usable."
            )

    def write_history(self, records: Sequence[Record], score_name: str) -> None:
        """``history.csv`` and ``curve.svg``, so far."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["step", "seconds", "energy", "score", "foreground"])
        for r in records:
            table.writerow([r.step, f"{r.seconds:.1f}", f"{r.energy:.6g}", f"{r.score:.6g}", f"{r.foreground:.6g}"])
        write_text_whole(self.path / "history.csv", text.getvalue())
        picture = curve_svg(
            [r.step for r in records],
            [r.energy for r in records],
            [r.score for r in records],
            title=f"Training of {self.path.name}",
            score_name=f"validation {score_name}" if score_name else "no validation",
        )
        write_text_whole(self.path / "curve.svg", picture)

    def write_out_of_fold(self, found: HeldOutPredictions, masks: LabelKind) -> None:
        """``out_of_fold.json`` and ``out_of_fold.csv``: each image scored by the network that did not see it."""
        write_text_whole(self.path / "out_of_fold.json", json.dumps({"masks": masks, **found.to_json()}, indent=2))
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["image", "fold", *found.scores.columns])
        folds = ["+".join(map(str, image.folds)) for image in found.images]
        for row, fold in zip(found.scores.rows(), [*folds, ""], strict=True):
            table.writerow([row.name, fold, *(f"{value:.6g}" for value in row.values)])
        write_text_whole(self.path / "out_of_fold.csv", text.getvalue())

    def write_card(self, info: ModelInfo) -> None:
        """``README.md``: what this model is."""
        write_text_whole(self.path / "README.md", card(info, self.path.name))


def read_run(file: Path) -> Run:
    """The settings in a ``config.toml``.

    Raises
    ------
    SettingsError
        If there is no such file, or it is no ``config.toml``.
    """
    try:
        return decode(Run, tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{file}: these settings cannot be read ({error.strerror}).") from error
    except SettingsError:  # a ValueError as well
        raise
    except (ValueError, RecursionError) as error:  # brackets in brackets without end; a number of thousands of digits
        raise SettingsError(f"{file}: not a TOML file ({str(error)[:200]}).") from error


def read_history(path: Path) -> tuple[Record, ...]:
    """The records in a ``history.csv``; none if it is absent or damaged."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        return tuple(
            Record(int(row["step"]), *(float(row[name]) for name in ("seconds", "energy", "score", "foreground")))
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ()
