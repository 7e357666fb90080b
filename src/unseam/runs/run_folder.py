"""The folder of a run: the names of its files, and how each is written and read."""

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import tomli_w
from torch import nn

from unseam.data.labels import LabelKind
from unseam.errors import ModelFileError, OutputError, SettingsError
from unseam.evaluation.held_out import HeldOutPredictions
from unseam.io import disk, make_folders, remove_unfinished, write_text_whole
from unseam.model.card import card
from unseam.model.model_file import ModelInfo, save_model
from unseam.recipes.run import Run
from unseam.runs.checkpoints import Checkpoints
from unseam.settings import decode, encode
from unseam.training.curve import curve_svg
from unseam.training.observers import Record

_LAUNCH = ".torchrun"


@dataclass(frozen=True)
class RunFolder:
    """``model.safetensors``, ``config.toml``, ``history.csv``, ``curve.svg``, ``README.md``, the checkpoints, the report;
    ``start.safetensors`` if training began with a trained network."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def start(self) -> Path:
        """A copy of the network that training began with."""
        return self.path / "start.safetensors"

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints")

    @property
    def held_out(self) -> Path:
        """The held-out parts as pictures and maps; the report can be made from them again."""
        return self.path / "held_out.npz"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def fold(self, number: int) -> "RunFolder":
        """Return the folder of checkpoints and history of fold ``number`` (from 1) of a cross-validation."""
        return RunFolder(self.path / f"fold-{number}")

    def check_free(self) -> None:
        """Raise OutputError if the folder holds a run, or any file with a name that a run would use."""
        names = (self.model.name, self.checkpoints.folder.name, "config.toml", "history.csv", "curve.svg", "README.md")
        taken = [
            name for name in (*names, self.start.name, self.held_out.name, self.report.name) if (self.path / name).exists()
        ]
        if taken:
            raise OutputError(
                f"{self.path} already holds a run ({', '.join(taken)}), and nothing is overwritten. "
                "Give --resume to continue it, or another folder with --out."
            )

    def begin(self, run: Run, launch: str = "") -> None:
        """Make the folder and write the settings before the first step, so that an OutputError comes early.

        ``launch`` names the call of torchrun that trains here; empty without torchrun.
        """
        self.make()
        if launch:  # first: without it, a killed run would block the one that torchrun starts in its place
            write_text_whole(self.path / _LAUNCH, launch)
        write_text_whole(self.path / "config.toml", tomli_w.dumps(encode(run)))

    def keep_start(self, net: nn.Module, info: ModelInfo) -> None:
        """Copy the start into the folder once, so that a resumed run, and a fold that begins later, need no other file."""
        if not self.start.exists():
            save_model(self.start, net, info)

    def was_begun_by(self, launch: str) -> bool:
        """Return whether this call of torchrun began the run here, and the run is not finished."""
        try:
            return bool(launch) and (self.path / "config.toml").exists() and (self.path / _LAUNCH).read_text() == launch
        except OSError:
            return False

    def end(self) -> None:
        """Mark the run as finished, so that torchrun does not continue it."""
        with suppress(OSError):
            disk.remove_file(self.path / _LAUNCH)

    def make(self) -> None:
        """Make the folder, and remove what a killed run left unfinished."""
        make_folders(self.path)
        remove_unfinished(self.path)

    @property
    def is_begun(self) -> bool:
        """Whether a training got as far as its first step here, so that it can be resumed."""
        return (self.path / "config.toml").exists()

    def read_config(self) -> Run:
        """Read the settings of the run; SettingsError if there are none, or they cannot be read."""
        if not self.is_begun:
            raise SettingsError(f"{self.path}: no run to continue: there is no config.toml in it. Leave --resume out.")
        return read_run(self.path / "config.toml")

    def check_resumable(self) -> None:
        """Raise ModelFileError if the run has a history without any checkpoint: starting again would replace its files."""
        if (self.path / "history.csv").exists() and not self.checkpoints.exist():
            raise ModelFileError(
                f"{self.path}: this run has a history, but no checkpoint to resume from: {self.checkpoints.folder.name} is "
                "missing or empty. Leave --resume out and train in another folder; the model in this folder stays usable."
            )

    def write_history(self, records: Sequence[Record], score_name: str) -> None:
        """Write ``history.csv`` and ``curve.svg``."""
        rows = [[r.step, f"{r.seconds:.1f}", f"{r.energy:.6g}", f"{r.score:.6g}", f"{r.foreground:.6g}"] for r in records]
        write_text_whole(self.path / "history.csv", _csv([["step", "seconds", "energy", "score", "foreground"], *rows]))
        title, score_name = f"Training of {self.path.name}", f"validation {score_name}" if score_name else "no validation"
        picture = curve_svg(
            [r.step for r in records], [r.energy for r in records], [r.score for r in records], title, score_name
        )
        write_text_whole(self.path / "curve.svg", picture)

    def write_out_of_fold(self, found: HeldOutPredictions, masks: LabelKind) -> None:
        """Write ``out_of_fold.json`` and ``out_of_fold.csv``: the score of each image by a network that did not see it."""
        write_text_whole(self.path / "out_of_fold.json", json.dumps({"masks": masks, **found.to_json()}, indent=2))
        folds = ["+".join(map(str, image.folds)) for image in found.images]
        rows = [
            [row.name, fold, *(f"{value:.6g}" for value in row.values)]
            for row, fold in zip(found.scores.rows(), [*folds, ""], strict=True)
        ]
        write_text_whole(self.path / "out_of_fold.csv", _csv([["image", "fold", *found.scores.columns], *rows]))

    def write_card(self, info: ModelInfo) -> None:
        """Write ``README.md``, the model card."""
        write_text_whole(self.path / "README.md", card(info, self.path.name))


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_run(file: Path) -> Run:
    """Read the settings in a ``config.toml``; SettingsError if the file is missing or not such a file."""
    try:
        return decode(Run, tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{file}: the settings cannot be read ({error.strerror}).") from error
    except SettingsError:  # a ValueError as well
        raise
    except (ValueError, RecursionError) as error:  # a RecursionError comes from deeply nested brackets
        raise SettingsError(f"{file}: not a TOML file ({str(error)[:200]}).") from error


def read_history(path: Path) -> tuple[Record, ...]:
    """Read the records in a ``history.csv``; empty if it is missing or damaged."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        names = ("seconds", "energy", "score", "foreground")
        return tuple(Record(int(row["step"]), *(float(row[name]) for name in names)) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ()
