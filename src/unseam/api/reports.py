"""Reports of runs and of evaluations, written as one HTML file each."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from unseam.data.kinds import facts_of_kind
from unseam.data.layout import find_pairs
from unseam.data.pairs import Pair
from unseam.data.read_pair import read_case
from unseam.errors import DataError, ImageReadError, OutputError
from unseam.evaluation.from_files import ScoredPair
from unseam.evaluation.result import Evaluation
from unseam.io import write_bytes_whole
from unseam.model.model_file import read_info
from unseam.report.comparison import Comparison, Comparisons, ReportFacts, narrow, read_comparisons
from unseam.report.overlay import to_look_at
from unseam.report.page import GENERATOR, ReportPage, Training, render
from unseam.runs.run_folder import RunFolder, read_history

_MOST_PIXELS = 100_000_000
"""Of maps that the report of an evaluation holds."""


def write_report(run: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a finished run, from what its folder holds and nothing else.

    Parameters
    ----------
    run
        Run folder.
    out
        File to write; None: ``report.html`` in the folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelFileError
        If there is no model in it, or one that cannot be read.
    DataError
        If what was kept of the held-out parts is damaged.
    OutputError
        If the file cannot be written, or is already there and not one of our reports.
    """
    folder = RunFolder(Path(run))
    info = read_info(folder.model)
    config = folder.path / "config.toml"
    comparisons = read_comparisons(folder.held_out) if folder.held_out.exists() else None
    record = info.training
    data = comparisons.facts.data if comparisons is not None and comparisons.facts.data else "DATA"
    training = Training(
        info,
        read_history(folder.path / "history.csv"),
        config.read_text(encoding="utf-8", errors="replace") if config.exists() else "not kept",
        shlex.join(["unseam", "train", data, "--out", "AGAIN", "--recipe", str(config)]),
        tuple(read_history(folder.fold(number + 1).path / "history.csv") for number in range(len(info.members))),
    )
    lead = f"{len(record.images)} annotated image(s), {record.steps} steps, {record.seconds / 60:.1f} minutes."
    report = ReportPage(
        title=f"Training of {folder.path.resolve().name}",
        lead=f"{lead} {record.held_out[:1].upper()}{record.held_out[1:]}.",  # not capitalize(): it would change names
        comparisons=comparisons,
        training=training,
        command=shlex.join(["unseam", "report", str(folder.path)]),
    )
    return _write(Path(out) if out is not None else folder.report, report)


class EvaluationReport:
    """Collects what an evaluation compares, and writes its report.

    Parameters
    ----------
    predicted, truth
        What is scored. If the truth lies in a data set in a layout that training knows, its images are shown.
    out
        File to write; None: ``report.html`` in the folder of the predictions.
    options
        Options of the command line; the page shows the command that made it.
    """

    def __init__(self, predicted: Path, truth: Path, out: Path | None = None, options: Sequence[str] = ()) -> None:
        self.options = tuple(options)
        self.predicted, self.truth = predicted, truth
        self.out = out or (predicted if predicted.is_dir() else predicted.parent) / "report.html"
        self._is_asked_for = out is not None
        self._images: list[Comparison] = []
        self._class_names: tuple[str, ...] = ()
        self._num_pixels = self._num_left_out = 0
        self._pairs: dict[Path, Pair] | None = None

    def on_pair(self, pair: ScoredPair) -> None:
        """Keep a pair of maps to show, up to a number of pixels: there may be thousands of pairs."""
        if self._pairs is None:
            self._pairs = _pairs_around(self.truth)
        truth, predicted = narrow(pair.images.truth), narrow(pair.images.predicted)
        self._num_pixels += truth.size
        if self._num_pixels > _MOST_PIXELS:
            self._num_left_out += 1
            return
        found = self._pairs.get(pair.annotation.resolve())
        picture = _picture(found, pair.plane, truth.shape)
        self._images.append(Comparison(pair.images.name, truth, predicted, picture))
        self._class_names = tuple(f"value {value}" for value in pair.values)

    def write_if_possible(self, evaluation: Evaluation) -> str:
        """Write the page; a sentence says where it is, or why there is none.

        Raises
        ------
        OutputError
            If the caller named the file, and it cannot be written or is not one of our reports. The default place may be
            read-only.
        """
        try:
            return f"report: {_write(self.out, self._report(evaluation))}"
        except OutputError as error:
            if self._is_asked_for:
                raise
            return f"No report: {error}"

    def _report(self, evaluation: Evaluation) -> ReportPage:
        names = ("background", facts_of_kind(evaluation.kind).foreground)
        facts = ReportFacts(masks=evaluation.kind, class_names=self._class_names or names, calibration=evaluation.calibration)
        words = f" Pictures and counts are of the first {len(self._images)}." if self._num_left_out else ""
        return ReportPage(
            title=f"Scores of {self.predicted.resolve().name}",
            lead=f"{self.predicted} against {self.truth}. {evaluation.reason}{words}",
            comparisons=Comparisons(facts, tuple(self._images)),
            training=None,
            command=shlex.join(["unseam", "evaluate", str(self.predicted), str(self.truth), *self.options]),
            scored=(evaluation.scores, evaluation.intervals),
        )


def _pairs_around(truth: Path) -> dict[Path, Pair]:
    """The pairs of the data set around an annotation or a folder of them, by the first file of each mask."""
    for folder in (truth, truth.parent, truth.parent.parent):
        if folder.is_dir():
            try:
                return {pair.mask.resolve(): pair for pair in find_pairs(folder).pairs}
            except DataError:  # no data set: there may be one further out
                continue
    return {}


def _picture(pair: Pair | None, index: int, shape: tuple[int, ...]) -> UInt8[np.ndarray, "height width *colour"] | None:
    """A plane of the image as a picture; None if there is none of this shape."""
    if pair is None:
        return None
    try:
        planes = read_case(pair.images).planes()
    except (DataError, ImageReadError):  # scores do not need it
        return None
    fits = index < len(planes) and planes[index].shape[:2] == shape
    return to_look_at(planes[index]) if fits else None


def _write(out: Path, report: ReportPage) -> Path:
    """Write the page; a file that is already there must be one of our reports."""
    if out.exists() and not _is_report(out):
        raise OutputError(f"{out} is there already and not a report of unseam, so it is not overwritten. Give another --out.")
    write_bytes_whole(out, render(report).encode(errors="backslashreplace"))
    return out


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(2000)
    except OSError:
        return False
