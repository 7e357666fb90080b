"""The promises that every metric of the closed list keeps. A new metric is tested here without a change."""

import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given

from reference.metric_maps import CLASS_PAIRS, INSTANCE_PAIRS
from unseam.metrics import (
    ImagePair,
    Metric,
    Reads,
    Score,
    evaluate_class_maps,
    evaluate_instance_maps,
    every_metric,
    quick_metrics,
)
from unseam.shapes import IGNORE, NOT_ANNOTATED

METRICS = every_metric()
BOTH = (Reads.PIXELS, Reads.CELLS, Reads.OUTLINES, Reads.PROBABILITIES)
OF_CLASSES = [m for m in METRICS if m.reads in (*BOTH, Reads.CLASSES, Reads.THIN_CELLS)]
OF_OBJECTS = [m for m in METRICS if m.reads in (*BOTH, Reads.OBJECTS)]
CASES = [(m, evaluate_class_maps) for m in OF_CLASSES] + [(m, evaluate_instance_maps) for m in OF_OBJECTS]
ROOT = Path(__file__).parents[2]
PAGES = " ".join(page.read_text(encoding="utf-8").lower() for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")))
PAGES = " ".join(PAGES.split())

every = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
each_kind = pytest.mark.parametrize(("metric", "evaluate"), CASES, ids=lambda one: getattr(one, "__name__", type(one).__name__))


def image(predicted, truth, evaluate, name="a") -> ImagePair:
    """A pair, with the probabilities of a network that is certain."""
    is_class = evaluate is evaluate_class_maps
    classes = np.where(predicted == IGNORE, 0, predicted) if is_class else np.minimum(predicted, 1)
    likely = np.stack([classes == k for k in range(3 if is_class else 2)]).astype(np.float32)
    return ImagePair(name, predicted, truth, probabilities=likely)


def objects(evaluate, shift=0):
    """Three squares, and a strip that is not annotated."""
    labels = np.zeros((24, 40), np.int32)
    for number, left in enumerate((2, 14, 26), start=1):
        labels[4:12, left + shift : left + 8 + shift] = number
    truth = labels.copy()
    truth[20:] = NOT_ANNOTATED
    if evaluate is evaluate_instance_maps:
        return labels, truth
    return np.minimum(labels, 1).astype(np.uint8), np.where(truth < 0, IGNORE, np.minimum(truth, 1)).astype(np.uint8)


def scored(metric, evaluate, *images: ImagePair):
    return evaluate(images, metrics=[metric])


def test_the_list_is_closed_and_in_one_order():
    assert tuple(type(metric) for metric in METRICS) == get_args(Metric)
    assert set(quick_metrics()) == {metric for metric in METRICS if metric.reads.is_quick}
    assert {type(metric) for metric, _ in CASES} == set(get_args(Metric)), "some metric belongs to no maps"


@every
def test_it_states_what_it_reads_and_how_it_pools(metric):
    assert isinstance(metric.reads, Reads)
    assert metric.pooling
    assert metric == type(metric)(), "all settings have a default"
    assert metric == replace(metric)


@each_kind
def test_columns_are_described(metric, evaluate):
    scores = scored(metric, evaluate, image(*objects(evaluate), evaluate))
    (score,) = scores.per_image[0]
    assert isinstance(score, Score)
    described = [column for column, _ in score.figures()]
    assert [column.name for column in described] == list(score.columns()) == list(type(score).pool([score]))
    assert len(set(described)) == len(described)
    for column in described:
        assert len(f"{column.header}: {column.legend}") <= 100, "a line of the legend"
        assert column.header
        assert column.meaning
        assert column.best in (0, 1, None)
        assert not column.meaning.endswith((".", "best"))
    names = {type(metric).__name__, *(word for c in described for word in (c.header, c.name, c.name.replace("_", " ")))}
    assert any(name.lower() in PAGES for name in names), f"no page names one of {sorted(names)}"


@each_kind
def test_equal_maps_score_best(metric, evaluate):
    scores = scored(metric, evaluate, image(*objects(evaluate), evaluate))
    pooled = scores.pooled()
    assert any(column.best is not None for column in scores.described)
    for column in scores.described:
        if column.best is not None:
            assert pooled[column.name] == column.best, column.name


@each_kind
def test_disjoint_maps_score_worse_in_every_column_with_a_direction(metric, evaluate):
    predicted, truth = objects(evaluate)
    is_object = np.where(truth == 0, 1, 0).astype(truth.dtype)
    scores = scored(metric, evaluate, image(is_object, truth, evaluate))
    pooled = scores.pooled()
    main = scores.described[0]
    worst = pooled[main.name]
    equal = scored(metric, evaluate, image(predicted, truth, evaluate)).pooled()[main.name]
    assert worst < equal if main.best == 1 else worst > equal
    for column in scores.described:
        assert math.isnan(pooled[column.name]) or pooled[column.name] >= 0, column.name


@each_kind
def test_one_image_pools_to_itself(metric, evaluate):
    predicted, truth = objects(evaluate)
    scores = scored(metric, evaluate, image(np.roll(predicted, 3, axis=1), truth, evaluate))
    ((_, figures),) = scores.images()
    assert scores.pooled() == pytest.approx(figures, nan_ok=True)


@pytest.mark.parametrize("metric", OF_CLASSES, ids=lambda metric: type(metric).__name__)
@given(pair=CLASS_PAIRS)
def test_classes_that_are_not_annotated_count_nothing(metric, pair):
    _unannotated_pixels_count_nothing(metric, evaluate_class_maps, *pair, IGNORE)


@pytest.mark.parametrize("metric", OF_OBJECTS, ids=lambda metric: type(metric).__name__)
@given(pair=INSTANCE_PAIRS)
def test_objects_that_are_not_annotated_count_nothing(metric, pair):
    _unannotated_pixels_count_nothing(metric, evaluate_instance_maps, *pair, NOT_ANNOTATED)


def _unannotated_pixels_count_nothing(metric, evaluate, predicted, truth, not_annotated):
    """Whatever lies there, as long as it is part of no object elsewhere."""
    if metric.reads is Reads.THIN_CELLS:
        predicted, truth = np.minimum(predicted, 1), np.where(truth == IGNORE, IGNORE, np.minimum(truth, 1))
    number = 1 if metric.reads is Reads.THIN_CELLS else 2 if evaluate is evaluate_class_maps else 99
    empty = np.where(truth == not_annotated, 0, predicted).astype(truth.dtype)
    painted = np.where(truth == not_annotated, number, predicted).astype(truth.dtype)
    # both images in one table, so that both have the same classes
    has_all = np.arange(3, dtype=truth.dtype)[None] if number == 2 else np.ones((1, 1), truth.dtype)
    other = image(has_all, has_all, evaluate)
    figures = [next(scored(metric, evaluate, image(p, truth, evaluate), other).images())[1] for p in (empty, painted)]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)
