"""Write the report of a run or of an evaluation as one HTML file."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from unseam.data.kinds import facts_of_kind
from unseam.data.layout import find_pairs
from unseam.data.pairs import Pair
from unseam.data.read_pair import read_case
from unseam.errors import DataError, ImageReadError, ModelFileError, OutputError
from unseam.evaluation.from_files import ScoredPair
from unseam.evaluation.result import Evaluation
from unseam.io import write_bytes_whole
from unseam.model.model_file import read_info
from unseam.report.comparison import Comparison, Comparisons, ReportFacts, narrow_dtype, read_comparisons
from unseam.report.overlay import to_display
from unseam.report.page import ReportPage, Training, render
from unseam.report.pages import GENERATOR
from unseam.runs.run_folder import RunFolder, read_history

_MOST_PIXELS = 100_000_000
"""Most pixels in the maps that the report of an evaluation holds."""


def write_report(run: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a finished run from the files in its folder.

    Parameters
    ----------
    run
        Run folder.
    out
        File to write; None: ``report.html`` in the run folder.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ModelFileError
        If the folder holds no readable model, or one that was imported and not trained.
    DataError
        If the file of held-out predictions is damaged.
    OutputError
        If the file cannot be written, or already exists and is not a report of unseam.
    """
    folder = RunFolder(Path(run))
    info = read_info(folder.model)
    config = folder.path / "config.toml"
    comparisons = read_comparisons(folder.held_out) if folder.held_out.exists() else None
    record = info.training
    if record.imported is not None:
        raise ModelFileError(
            f"{folder.path}: unseam did not train this network (it is from {record.imported.file}), so there is nothing to "
            "report. Score it on annotated images: unseam predict, then unseam evaluate."
        )
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
    return write_page(Path(out) if out is not None else folder.report, render(report))


class EvaluationReport:
    """Collects the maps that an evaluation compares, and writes its report.

    If the truth belongs to a data set in a layout that training can read, the report shows the images. Without ``out`` it goes
    to ``report.html`` next to the predictions. ``options`` are those of the command line, for the command on the page.
    """

    def __init__(self, predicted: Path, truth: Path, out: Path | None = None, options: Sequence[str] = ()) -> None:
        self.options = tuple(options)
        self.predicted, self.truth = predicted, truth
        self.out = out or (predicted if predicted.is_dir() else predicted.parent) / "report.html"
        self._is_requested = out is not None
        self.is_written = False
        self._images: list[Comparison] = []
        self._class_names: tuple[str, ...] = ()
        self._num_pixels = self._num_left_out = 0
        self._pairs: dict[Path, Pair] | None = None

    def on_pair(self, pair: ScoredPair) -> None:
        """Keep a pair of maps, up to a total number of pixels: there may be thousands of pairs."""
        if self._pairs is None:
            self._pairs = _pairs_around(self.truth)
        truth, predicted = narrow_dtype(pair.images.truth), narrow_dtype(pair.images.predicted)
        self._num_pixels += truth.size
        if self._num_pixels > _MOST_PIXELS:
            self._num_left_out += 1
            return
        found = self._pairs.get(pair.annotation.resolve())
        picture = _picture(found, pair.plane, truth.shape)
        self._images.append(Comparison(pair.images.name, truth, predicted, picture))
        self._class_names = tuple(f"value {value}" for value in pair.values)

    def write_if_possible(self, evaluation: Evaluation) -> str:
        """Write the page. Return a sentence with its place, or with the reason why it was not written.

        The default place may be read-only, so OutputError is raised only if the caller named the file.
        """
        try:
            line = f"report: {write_page(self.out, render(self._report(evaluation)))}"
        except OutputError as error:
            if self._is_requested:
                raise
            return f"No report: {error}"
        self.is_written = True
        return line

    def _report(self, evaluation: Evaluation) -> ReportPage:
        names = ("background", facts_of_kind(evaluation.kind).foreground)
        facts = ReportFacts(masks=evaluation.kind, class_names=self._class_names or names, calibration=evaluation.calibration)
        limit = f" Pictures and counts cover the first {len(self._images)} only." if self._num_left_out else ""
        return ReportPage(
            title=f"Scores of {self.predicted.resolve().name}",
            lead=f"{self.predicted} against {self.truth}. {evaluation.reason}{limit}",
            comparisons=Comparisons(facts, tuple(self._images)),
            training=None,
            command=shlex.join(["unseam", "evaluate", str(self.predicted), str(self.truth), *self.options]),
            scored=(evaluation.scores, evaluation.intervals),
        )


def _pairs_around(truth: Path) -> dict[Path, Pair]:
    """Find the data set around an annotation or a folder of annotations; the keys are the first files of the masks."""
    for folder in (truth, truth.parent, truth.parent.parent):
        if folder.is_dir():
            try:
                return {pair.mask.resolve(): pair for pair in find_pairs(folder).pairs}
            except DataError:  # not a data set, but a folder above may be one
                continue
    return {}


def _picture(pair: Pair | None, index: int, shape: tuple[int, ...]) -> UInt8[np.ndarray, "height width *colour"] | None:
    """Read a plane of the image as a picture; None if the image has no plane of this shape."""
    if pair is None:
        return None
    try:
        planes = read_case(pair.images).planes()
    except (DataError, ImageReadError):  # the picture is optional: scores need the maps only
        return None
    fits = index < len(planes) and planes[index].shape[:2] == shape
    return to_display(planes[index]) if fits else None


def write_page(out: Path, page: str) -> Path:
    """Write a page and return its path. It may replace a report of unseam, but no other file."""
    check_page(out)
    write_bytes_whole(out, page.encode(errors="backslashreplace"))
    return out


def check_page(out: Path) -> None:
    """Raise OutputError if there is a file that is not a report of unseam."""
    if out.exists() and not _is_report(out):
        raise OutputError(f"{out} already exists and is not a report of unseam, so it is not overwritten. Give another --out.")


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(2000)
    except OSError:
        return False
