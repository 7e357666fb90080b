"""The table of scores in a report, and the ranking of its images."""

import math
from dataclasses import dataclass

from unseam.evaluation.scoring import score_maps
from unseam.metrics import Bootstrap, Column, Interval, Intervals, Scores
from unseam.report.comparison import Comparisons, ReportFacts


@dataclass(frozen=True)
class ShownColumn:
    """Name and meaning of a score; the meaning is empty where the name says it."""

    name: str
    meaning: str


@dataclass(frozen=True)
class ScoreTable:
    """Scores to show: one row per image, in their order, and one for all images."""

    columns: tuple[ShownColumn, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    all: tuple[str, ...]
    interval: tuple[str, ...]
    """Intervals of the row for all images; if this is empty, the next field says why."""
    interval_reason: str
    ranked: tuple[tuple[int, float], ...]
    """Index and score of each image that has a score, the best first."""
    ranked_by: str


def score_comparisons(comparisons: Comparisons) -> tuple[Scores, Intervals]:
    """Score all images (at least one), with intervals. The bootstrap draws images of one file or sequence together."""
    pairs = [(one.name, one.predicted, one.truth) for one in comparisons.images]
    scores = score_maps(pairs, of_objects=comparisons.facts.has_objects)
    groups = [one.group or one.name for one in comparisons.images]
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    return scores, Bootstrap()(scores, [number[group] for group in groups])


def score_table(scores: Scores, intervals: Intervals, facts: ReportFacts) -> ScoreTable:
    """Lay out the main scores, and rank the images by F1 of objects or by IoU."""
    shown = scores.shown
    ranked_by = next(column for column in shown if column.name == ("f1" if facts.has_objects else "iou"))
    pooled, values = scores.pooled(), [figures for _, figures in scores.images()]
    ranked = [(index, float(figures[ranked_by.name])) for index, figures in enumerate(values)]
    return ScoreTable(
        tuple(ShownColumn(c.title(facts.class_names), c.legend if c.klass is None else "") for c in shown),
        tuple((name, tuple(c.text(figures[c.name]) for c in shown)) for name, figures in scores.images()),
        tuple(c.text(pooled[c.name]) for c in shown),
        tuple(_format_interval(c, intervals.of[c.name]) for c in shown) if intervals.of else (),
        intervals.reason,
        tuple(sorted((pair for pair in ranked if not math.isnan(pair[1])), key=lambda pair: (-pair[1], pair[0]))),
        ranked_by.title(),
    )


def _format_interval(column: Column, interval: Interval) -> str:
    return f"{column.text(interval.low)} to {column.text(interval.high)}"
