"""Scores for a person to read: names, meanings, the best and the worst images."""

import math
from dataclasses import dataclass

from unseam.evaluation.scoring import score_maps
from unseam.metrics import Bootstrap, Interval, Intervals, Scores
from unseam.report.comparison import Comparisons, ReportFacts

_MEANINGS = {
    "seg": ("SEG", "mean over true objects of the IoU with the predicted object that covers more than half of it, else 0"),
    "f1": ("F1", "objects that match by an IoU above 0.5: harmonic mean of precision and recall"),
    "panoptic_quality": ("PQ", "panoptic quality: F1 times the mean IoU of the objects that match"),
    "average_precision": ("AP", "objects that match over all found, missed and invented; mean over IoU 0.5, 0.55, .. 0.95"),
    "precision": ("precision", "share of the predicted objects that match a true one"),
    "recall": ("recall", "share of the true objects that match a predicted one"),
    "mean_matched_iou": ("IoU of matches", "mean IoU of the objects that match"),
    "iou": ("IoU", "pixels in both over pixels in either; of several classes, their mean"),
    "dice": ("Dice", "twice the pixels in both over the pixels of each, added; of several classes, their mean"),
    "rand_error": ("Rand error", "1 - F-score of pairs of pixels: are two pixels that belong together kept together?"),
    "pixel_error": ("pixel error", "share of the pixels that are wrong"),
}
_FEWER_IS_BETTER = ("rand_error", "pixel_error")


@dataclass(frozen=True)
class Column:
    """A score: its column in :class:`unseam.metrics.Scores`, its name, what it means (empty: the name says it)."""

    key: str
    name: str
    meaning: str


@dataclass(frozen=True)
class ScoreTable:
    """Scores to show: one row for each image in their order, and one for all."""

    columns: tuple[Column, ...]
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
    by_class = {f"iou_class_{index}": Column("", f"IoU of {name}", "") for index, name in enumerate(facts.class_names)}
    pooled = scores.pooled()
    columns = tuple(_column(key, by_class) for key in (*_MEANINGS, *by_class) if key in pooled and not _is_of_one(key, pooled))
    ranked_by = next(c for c in columns if c.key in (("f1",) if facts.has_objects else ("iou",)))
    values = [figures for _, figures in scores.images()]
    ranked = [(index, float(figures[ranked_by.key])) for index, figures in enumerate(values)]
    return ScoreTable(
        columns,
        tuple((name, tuple(_said(figures[c.key]) for c in columns)) for name, figures in scores.images()),
        tuple(_said(pooled[c.key]) for c in columns),
        tuple(_ends(intervals[c.key]) for c in columns) if intervals else (),
        found.reason,
        tuple(sorted((pair for pair in ranked if not math.isnan(pair[1])), key=lambda pair: (-pair[1], pair[0]))),
        ranked_by.name,
    )


def _is_of_one(key: str, pooled: dict[str, int | float]) -> bool:
    """With several classes the Rand error is of one of them only, and left out."""
    return key == "rand_error" and "iou_class_1" in pooled


def _column(key: str, by_class: dict[str, Column]) -> Column:
    if key in by_class:
        return Column(key, by_class[key].name, "")
    name, meaning = _MEANINGS[key]
    return Column(key, name, f"{meaning}; less is better" if key in _FEWER_IS_BETTER else meaning)


def _ends(interval: Interval) -> str:
    return f"{_said(interval.low)} to {_said(interval.high)}"


def _said(value: float | int) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
