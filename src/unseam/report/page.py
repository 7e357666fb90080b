"""The report as one HTML file. It opens in any browser, needs no network, and can be printed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from unseam.data.kinds import facts_of_kind
from unseam.metrics import Intervals, Scores
from unseam.metrics.contingency import contingency_of_class_maps, contingency_of_instance_maps
from unseam.model.card import facts
from unseam.model.model_file import ModelInfo
from unseam.report.calibration_plot import calibration_svg
from unseam.report.comparison import Comparison, Comparisons
from unseam.report.overlay import PALETTE, Layers, draw_layers
from unseam.report.pages import render_template
from unseam.report.score_table import ScoreTable, score_comparisons, score_table
from unseam.report.thumbnails import MOST_SHOWN, wrong_objects
from unseam.training.curve import FOR_A_PAGE, curve_svg
from unseam.training.observers import Record

_NUM_EXTREMES = 3


@dataclass(frozen=True)
class Training:
    """How the model was trained: model file, history of the validation, settings as TOML, and the command that repeats it."""

    info: ModelInfo
    records: tuple[Record, ...]
    config: str
    command: str
    folds: tuple[tuple[Record, ...], ...] = ()
    """The history of each fold of a cross-validation; ``records`` is then empty."""


@dataclass(frozen=True)
class ReportPage:
    """Everything in one report."""

    title: str
    lead: str
    """A sentence on what was scored."""
    comparisons: Comparisons | None
    """None: no maps were kept."""
    training: Training | None
    """None: the predictions were files."""
    command: str
    """Writes this report again."""
    scored: tuple[Scores, Intervals] | None = None
    """None: the scores are computed from the comparisons."""


@dataclass(frozen=True)
class Panel:
    """One image in the report."""

    number: int
    name: str
    place: str
    score: str
    layers: Layers


@dataclass(frozen=True)
class Cell:
    """One cell of the confusion table: pixels, and their share of the true class."""

    num_pixels: int
    share: float
    is_right: bool


@dataclass(frozen=True)
class _Ranking:
    """Scores and images, which several sections show."""

    table: ScoreTable
    panels: tuple[Panel, ...]
    heading: str


def render(report: ReportPage) -> str:
    """Render the report as HTML. Names of files and classes may hold any text, so the template escapes them."""
    return render_template("report.html", **_sections(report))


def _sections(report: ReportPage) -> dict[str, Any]:
    """Return the variables of the template."""
    return {"report": report, "most_shown": MOST_SHOWN} | _of_training(report.training) | _of_maps(report)


def _of_training(training: Training | None) -> dict[str, Any]:
    if training is None:
        return {"curve": "", "curves_of_folds": [], "score_name": "", "has_scores": False, "about": []}
    score_name = facts_of_kind(training.info.masks).score_name
    folds = enumerate(training.folds, 1)
    return {
        "curve": _curve(training.records, score_name),
        "curves_of_folds": [(n, _curve(records, score_name, is_best_kept=False)) for n, records in folds if records],
        "score_name": score_name,
        "has_scores": _has_scores(training.records),
        "about": facts(training.info),
    }


def _of_maps(report: ReportPage) -> dict[str, Any]:
    known, images = report.comparisons, report.comparisons.images if report.comparisons is not None else ()
    ranking = _rank(known, report.scored) if known is not None and images else None
    return {
        "facts": known.facts if known is not None else None,
        "num_images": len(ranking.table.rows) if ranking is not None else 0,
        "counted": ranking,
        "legend": _legend(known) if known is not None else [],
        "confusion": _confusion(known) if known is not None and images else [],
        "wrong": wrong_objects(images) if known is not None and images and known.facts.has_objects else (),
        "calibration": _calibration(known) if known is not None else None,
    }


def _has_scores(records: tuple[Record, ...]) -> bool:
    return any(not math.isnan(record.score) for record in records)


def _curve(records: tuple[Record, ...], score_name: str, *, is_best_kept: bool = True) -> Markup:
    name = f"validation {score_name}" if _has_scores(records) else "no validation"
    drawn = draw_curve(records, "", name, ink=FOR_A_PAGE, is_best_ringed=is_best_kept)
    return Markup(drawn)  # noqa: S704 - draw_curve escapes its texts


def draw_curve(records: Sequence[Record], title: str, score_name: str, **options: Any) -> str:
    """Draw a history as the text of an SVG file; the options are those of :func:`unseam.training.curve.curve_svg`."""
    steps, energies, scores = ([getattr(r, name) for r in records] for name in ("step", "energy", "score"))
    return curve_svg(steps, energies, scores, title, score_name, seconds=[r.seconds for r in records], **options)


def _rank(comparisons: Comparisons, known: tuple[Scores, Intervals] | None) -> _Ranking:
    """Return the scores and the images to look at: all of them if there are few, otherwise the best and the worst."""
    table = score_table(*(known or score_comparisons(comparisons)), comparisons.facts)
    # An evaluation scores all images but keeps the maps of the first ones only.
    scored = {index: score for index, score in table.ranked if index < len(comparisons.images)}
    order = [*scored, *(index for index in range(len(comparisons.images)) if index not in scored)]
    few = len(order) <= 2 * _NUM_EXTREMES
    chosen = order if few else [*list(scored)[:_NUM_EXTREMES], *list(scored)[-_NUM_EXTREMES:]]
    panels: list[Panel] = []
    for index in dict.fromkeys(chosen):
        one = comparisons.images[index]
        layers = draw_layers(one.picture, one.truth, one.predicted, instances=comparisons.facts.has_objects)
        score = f"{table.ranked_by} {scored[index]:.3f}" if index in scored else "nothing to score"
        panels.append(Panel(len(panels) + 1, one.name, _place(one), score, layers))
    heading = "all, the best first" if few else f"the best {_NUM_EXTREMES} and the worst {_NUM_EXTREMES} of {len(order)}"
    return _Ranking(table, tuple(panels), heading)


def _place(one: Comparison) -> str:
    (top, left), (height, width) = one.origin, one.truth.shape
    return f"rows {top}–{top + height - 1}, columns {left}–{left + width - 1}"


def _legend(comparisons: Comparisons) -> list[tuple[str, str]]:
    """Return colour and name of each class. Objects have no fixed colours."""
    if comparisons.facts.has_objects:
        return []
    colours = [f"rgb({int(r)} {int(g)} {int(b)})" for r, g, b in PALETTE]
    return [(colours[i % len(colours)], name) for i, name in enumerate(comparisons.facts.class_names[1:])]


def _confusion(comparisons: Comparisons) -> list[tuple[str, list[Cell]]]:
    """Count pixels in one row per true class and one cell per predicted class. Objects count as one class."""
    num_classes = len(comparisons.facts.class_names)
    counts = np.zeros((num_classes, num_classes), np.int64)
    for one in comparisons.images:
        if comparisons.facts.has_objects:
            table = contingency_of_instance_maps(one.predicted, one.truth).as_foreground()
        else:
            table = contingency_of_class_maps(one.predicted, one.truth)
        inside = (table.truth < num_classes) & (table.predicted < num_classes)
        np.add.at(counts, (table.truth[inside], table.predicted[inside]), table.count[inside])
    totals = counts.sum(axis=1)
    rows = []
    for true, name in enumerate(comparisons.facts.class_names):
        total = totals[true] or math.nan
        rows.append((name, [Cell(int(n), float(n / total), guess == true) for guess, n in enumerate(counts[true])]))
    return rows


def _calibration(comparisons: Comparisons) -> tuple[Markup, str] | None:
    score = comparisons.facts.calibration
    if score is None or not score.curve:
        return None
    return Markup(calibration_svg(score, FOR_A_PAGE)), f"{score.error:.3f}"  # noqa: S704 - numbers only
