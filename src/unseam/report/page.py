"""The report: one HTML file that holds everything, needs no network and no program but a browser, and can be printed."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unseam.data.kinds import facts_of_kind
from unseam.metrics import Intervals, Scores
from unseam.metrics.contingency import contingency_of_class_maps, contingency_of_instance_maps
from unseam.model.card import facts
from unseam.model.model_file import ModelInfo
from unseam.report.calibration_plot import calibration_svg
from unseam.report.comparison import Comparison, Comparisons
from unseam.report.overlay import PALETTE, Layers, draw_layers
from unseam.report.score_table import ScoreTable, score_comparisons, score_table
from unseam.report.thumbnails import MOST_SHOWN, wrong_objects
from unseam.training.curve import FOR_A_PAGE, curve_svg
from unseam.training.observers import Record

GENERATOR = '<meta name="generator" content="unseam report">'
"""In the head of each report: a file with this line is ours to write anew."""

_EACH_WAY = 3


@dataclass(frozen=True)
class Training:
    """How the model came to be.

    Attributes
    ----------
    info
        From the model file.
    records
        The history: the validation during training.
    config
        The settings, as TOML.
    command
        Repeats the run.
    folds
        The history of each fold of a cross-validation; ``records`` is then empty.
    """

    info: ModelInfo
    records: tuple[Record, ...]
    config: str
    command: str
    folds: tuple[tuple[Record, ...], ...] = ()


@dataclass(frozen=True)
class ReportPage:
    """Everything that stands in one report.

    Attributes
    ----------
    title
        Heading of the page.
    lead
        A sentence on what was scored.
    comparisons
        The maps to show; None: none were kept.
    training
        How the model came to be; None: predictions were scored from files.
    command
        Makes this report again.
    scored
        The scores and their intervals, where they are known already; otherwise they are computed from the comparisons.
    """

    title: str
    lead: str
    comparisons: Comparisons | None
    training: Training | None
    command: str
    scored: tuple[Scores, Intervals] | None = None


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
    """One cell of the confusion between classes: pixels, and their share of the true class."""

    num_pixels: int
    share: float
    is_right: bool


@dataclass(frozen=True)
class _Counted:
    """Figures that are counted once and shown in several places."""

    table: ScoreTable
    panels: tuple[Panel, ...]
    heading: str


def render(report: ReportPage) -> str:
    """The report as HTML. Names of files and classes are text from anywhere, and are escaped."""
    pages = Environment(
        loader=PackageLoader("unseam.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters["percent"] = lambda share: "–" if math.isnan(share) else f"{100 * share:.1f} %"
    template = pages.get_template("report.html")
    assert pages.loader is not None
    style, script = (Markup(pages.loader.get_source(pages, name)[0]) for name in ("style.css", "zoom.js"))  # noqa: S704 - ours
    return template.render(style=style, script=script, generator=Markup(GENERATOR), **_sections(report))  # noqa: S704 - ours


def _sections(report: ReportPage) -> dict[str, Any]:
    """The variables of the template; a section that has nothing to show says why."""
    comparisons, training = report.comparisons, report.training
    has_maps = comparisons is not None and bool(comparisons.images)
    counted = _count(comparisons, report.scored) if comparisons is not None and has_maps else None
    return {
        "report": report,
        "facts": comparisons.facts if comparisons is not None else None,
        "num_images": len(counted.table.rows) if counted is not None else 0,
        "counted": counted,
        "curve": _curve(training.records, training.info) if training is not None else "",
        "curves_of_folds": _curves_of_folds(training) if training is not None else [],
        "score_name": facts_of_kind(training.info.masks).score_name if training is not None else "",
        "has_scores": training is not None and any(not math.isnan(record.score) for record in training.records),
        "legend": _legend(comparisons) if comparisons is not None else [],
        "confusion": _confusion(comparisons) if comparisons is not None and has_maps else [],
        "wrong": wrong_objects(comparisons.images) if has_maps and comparisons and comparisons.facts.has_objects else (),
        "most_shown": MOST_SHOWN,
        "calibration": _calibration(comparisons) if comparisons is not None else None,
        "about": facts(training.info) if training is not None else [],
    }


def _curve(records: tuple[Record, ...], info: ModelInfo, *, is_best_kept: bool = True) -> Markup:
    has_scores = any(not math.isnan(record.score) for record in records)
    drawn = curve_svg(
        [r.step for r in records],
        [r.energy for r in records],
        [r.score for r in records],
        "",
        f"validation {facts_of_kind(info.masks).score_name}" if has_scores else "no validation",
        seconds=[r.seconds for r in records],
        ink=FOR_A_PAGE,
        is_best_ringed=is_best_kept,
    )
    return Markup(drawn)  # noqa: S704 - its texts are escaped where they are drawn


def _curves_of_folds(training: Training) -> list[tuple[int, Markup]]:
    """Number and curve of each fold that has a history."""
    return [(n, _curve(records, training.info, is_best_kept=False)) for n, records in enumerate(training.folds, 1) if records]


def _count(comparisons: Comparisons, scored_by: tuple[Scores, Intervals] | None) -> _Counted:
    """Scores, and the images to look at: all of a few, otherwise the best and the worst."""
    known = scored_by or score_comparisons(comparisons)
    table = score_table(*known, comparisons.facts)
    scored = {index: score for index, score in table.ranked if index < len(comparisons.images)}
    order = [*scored, *(index for index in range(len(comparisons.images)) if index not in scored)]
    few = len(order) <= 2 * _EACH_WAY
    chosen = order if few else [*list(scored)[:_EACH_WAY], *list(scored)[-_EACH_WAY:]]
    panels: list[Panel] = []
    for index in dict.fromkeys(chosen):
        one = comparisons.images[index]
        layers = draw_layers(one.picture, one.truth, one.predicted, instances=comparisons.facts.has_objects)
        score = f"{table.ranked_by} {scored[index]:.3f}" if index in scored else "nothing to score"
        panels.append(Panel(len(panels) + 1, one.name, _place(one), score, layers))
    heading = "all, the best first" if few else f"the best {_EACH_WAY} and the worst {_EACH_WAY} of {len(order)}"
    return _Counted(table, tuple(panels), heading)


def _place(one: Comparison) -> str:
    (top, left), (height, width) = one.origin, one.truth.shape
    return f"rows {top}–{top + height - 1}, columns {left}–{left + width - 1}"


def _legend(comparisons: Comparisons) -> list[tuple[str, str]]:
    """Colour and name of each class; objects have no fixed colours."""
    if comparisons.facts.has_objects:
        return []
    colours = [f"rgb({int(r)} {int(g)} {int(b)})" for r, g, b in PALETTE]
    return [(colours[i % len(colours)], name) for i, name in enumerate(comparisons.facts.class_names[1:])]


def _confusion(comparisons: Comparisons) -> list[tuple[str, list[Cell]]]:
    """One row for each true class, one cell for each predicted class; for objects: background and object."""
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
        shares = [count / totals[true] if totals[true] else math.nan for count in counts[true]]
        cells = [Cell(int(count), float(shares[guess]), guess == true) for guess, count in enumerate(counts[true])]
        rows.append((name, cells))
    return rows


def _calibration(comparisons: Comparisons) -> tuple[Markup, str] | None:
    score = comparisons.facts.calibration
    if score is None or not score.curve:
        return None
    return Markup(calibration_svg(score, FOR_A_PAGE)), f"{score.error:.3f}"  # noqa: S704 - numbers only
