"""Scores as a person reads them: names, what each means, best and worst images."""

import math
from dataclasses import dataclass
from typing import Literal

from unseam.metrics import Bootstrap, Interval, Intervals, Scores, evaluate_class_maps, evaluate_instance_maps
from unseam.metrics import Column as Described
from unseam.report.evidence import Evidence


@dataclass(frozen=True)
class Column:
    """A score: its name, and what it means (empty: the name says it)."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Scored:
    """Scores, and how sure they are."""

    scores: Scores
    intervals: Intervals


@dataclass(frozen=True)
class ScoreTable:
    """Scores to show: a row an image in the order of the images, one for all together."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    all: tuple[str, ...]
    interval: tuple[str, ...]
    """Of all together; empty if there are none, for the reason that follows."""
    interval_reason: str
    ranked: tuple[tuple[int, float], ...]
    """Index and score of the images that have a score, the best first."""
    ranked_by: str


def scores_of(evidence: Evidence) -> Scored:
    """The scores of all that was compared, at least one pair; windows of one image are drawn together for the intervals."""
    pairs = [(one.name, one.predicted, one.truth) for one in evidence.compared]
    scores = evaluate_instance_maps(pairs) if evidence.facts.masks == "instances" else evaluate_class_maps(pairs)
    names = [one.name.split(" plane ")[0] for one in evidence.compared]
    number = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return Scored(scores, Bootstrap()(scores, [number[name] for name in names]))


def score_table(scored: Scored, masks: Literal["binary", "classes", "instances"], class_names: tuple[str, ...]) -> ScoreTable:
    """The scores that a person asks for first; images are ranked by F1 of objects, or by IoU."""
    scores, intervals = scored.scores, scored.intervals.of
    shown = scores.shown
    ranked_by = next(column for column in shown if column.name == ("f1" if masks == "instances" else "iou"))
    pooled, values = scores.pooled(), [figures for _, figures in scores.images()]
    ranked = [(index, float(figures[ranked_by.name])) for index, figures in enumerate(values)]
    return ScoreTable(
        tuple(Column(c.title(class_names), c.legend if c.klass is None else "") for c in shown),
        tuple((name, tuple(c.text(figures[c.name]) for c in shown)) for name, figures in scores.images()),
        tuple(c.text(pooled[c.name]) for c in shown),
        tuple(_ends(c, intervals[c.name]) for c in shown) if intervals else (),
        scored.intervals.reason,
        tuple(sorted((pair for pair in ranked if not math.isnan(pair[1])), key=lambda pair: (-pair[1], pair[0]))),
        ranked_by.title(),
    )


def _ends(column: Described, interval: Interval) -> str:
    return f"{column.text(interval.low)} to {column.text(interval.high)}"
