"""Scores for a person to read: names, meanings, the best and the worst images."""

import math
from dataclasses import dataclass

from unseam.evaluation.scoring import score_maps
from unseam.metrics import Bootstrap, Interval, Intervals, Scores
from unseam.metrics import Column as Described
from unseam.report.comparison import Comparisons, ReportFacts


@dataclass(frozen=True)
class ShownColumn:
    """A score: its name, and what it means (empty: the name says it)."""

    name: str
    meaning: str


@dataclass(frozen=True)
class ScoreTable:
    """Scores to show: one row for each image in their order, and one for all."""

    columns: tuple[ShownColumn, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    all: tuple[str, ...]
    interval: tuple[str, ...]
    """Intervals of the row for all; empty if there are none, for the reason that follows."""
    interval_reason: str
    ranked: tuple[tuple[int, float], ...]
    """Index and score of the images that have a score, the best first."""
    ranked_by: str


def score_comparisons(comparisons: Comparisons) -> tuple[Scores, Intervals]:
    """The scores of all images, at least one, with intervals; images of one file or sequence are drawn together."""
    pairs = [(one.name, one.predicted, one.truth) for one in comparisons.images]
    scores = score_maps(pairs, of_objects=comparisons.facts.has_objects)
    groups = [one.group or one.name for one in comparisons.images]
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    return scores, Bootstrap()(scores, [number[group] for group in groups])


def score_table(scores: Scores, found: Intervals, facts: ReportFacts) -> ScoreTable:
    """The scores that a person asks for first; images are ranked by F1 of objects, or by IoU."""
    intervals = found.of
    shown = scores.shown
    ranked_by = next(column for column in shown if column.name == ("f1" if facts.has_objects else "iou"))
    pooled, values = scores.pooled(), [figures for _, figures in scores.images()]
    ranked = [(index, float(figures[ranked_by.name])) for index, figures in enumerate(values)]
    return ScoreTable(
        tuple(ShownColumn(c.title(facts.class_names), c.legend if c.klass is None else "") for c in shown),
        tuple((name, tuple(c.text(figures[c.name]) for c in shown)) for name, figures in scores.images()),
        tuple(c.text(pooled[c.name]) for c in shown),
        tuple(_ends(c, intervals[c.name]) for c in shown) if intervals else (),
        found.reason,
        tuple(sorted((pair for pair in ranked if not math.isnan(pair[1])), key=lambda pair: (-pair[1], pair[0]))),
        ranked_by.title(),
    )


def _ends(column: Described, interval: Interval) -> str:
    return f"{column.text(interval.low)} to {column.text(interval.high)}"
