import json
import math

import numpy as np
import pytest

from unseam.errors import DataError, LabelError, SettingsError
from unseam.metrics import (
    DET,
    SEG,
    Dice,
    IoU,
    ObjectScores,
    PixelError,
    RandError,
    WarpingError,
    evaluate_class_maps,
    evaluate_instance_maps,
)
from unseam.shapes import IGNORE, NOT_ANNOTATED


def class_pairs(rng, num_classes, num_images=3):
    for image in range(num_images):
        truth = rng.integers(0, num_classes, (20, 30)).astype(np.uint8)
        predicted = np.where(rng.random(truth.shape) < 0.3, 0, truth).astype(np.uint8)
        truth[:2] = IGNORE
        yield f"image {image}", predicted, truth


def instance_pairs(rng, num_images=3):
    for image in range(num_images):
        truth = np.kron(rng.integers(0, 9, (5, 6)), np.ones((4, 4), int)).astype(np.int32)
        predicted = np.where(rng.random(truth.shape) < 0.3, 0, truth).astype(np.int32)
        truth[:2] = NOT_ANNOTATED
        yield f"image {image}", predicted, truth


def test_class_maps_score_as_each_metric_does(rng):
    pairs = list(class_pairs(rng, num_classes=2))
    scores = evaluate_class_maps(iter(pairs))
    assert scores.columns[:5] == ("pixel_error", "iou", "dice", "pixel_precision", "pixel_recall")
    assert scores.columns[5:] == ("rand_error", "rand_precision", "rand_recall", "rand_index_error")
    for (name, predicted, truth), (row_name, figures) in zip(pairs, scores.images(), strict=True):
        assert row_name == name
        assert figures["pixel_error"] == PixelError()(predicted, truth).error
        assert figures["iou"] == IoU()(predicted, truth).mean_foreground
        assert figures["dice"] == Dice()(predicted, truth).mean_foreground
        assert figures["rand_error"] == RandError().from_class_maps(predicted, truth).error


def test_mistakes_of_topology_are_found_if_asked_for(rng):
    pairs = list(class_pairs(rng, num_classes=2))
    scores = evaluate_class_maps(iter(pairs), warping=WarpingError())
    assert scores.columns[9:] == ("warping_error", "split_merger_error", "splits", "mergers")
    for (_, predicted, truth), (_, figures) in zip(pairs, scores.images(), strict=True):
        assert figures["warping_error"] == WarpingError()(predicted, truth).error
    assert scores.pooled()["splits"] == sum(figures["splits"] for _, figures in scores.images())


def test_instance_maps_score_as_each_metric_does(rng):
    pairs = list(instance_pairs(rng))
    scores = evaluate_instance_maps(iter(pairs), threshold=0.6)
    for (_, predicted, truth), (_, figures) in zip(pairs, scores.images(), strict=True):
        assert figures["seg"] == SEG()(predicted, truth).seg
        assert figures["det"] == DET()(predicted, truth).det
        assert figures["f1"] == ObjectScores(0.6)(predicted, truth).f1
        assert figures["rand_error"] == RandError()(predicted, truth).error
        foreground = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
        assert figures["iou"] == IoU()((predicted > 0).astype(np.uint8), foreground).mean_foreground
        assert figures["pixel_error"] == PixelError()((predicted > 0).astype(np.uint8), foreground).error


def test_all_images_pool_as_one_large_image_but_for_rand(rng):
    pairs = list(class_pairs(rng, num_classes=2))
    together = evaluate_class_maps([("all", np.vstack([p[1] for p in pairs]), np.vstack([p[2] for p in pairs]))])
    scores = evaluate_class_maps(pairs)
    for column in ("pixel_error", "iou", "dice"):
        assert scores.pooled()[column] == pytest.approx(together.pooled()[column])
    rand_errors = [figures["rand_error"] for _, figures in scores.images()]
    assert scores.pooled()["rand_error"] == pytest.approx(np.mean(rand_errors))


def test_instances_pool_as_one_large_image(rng):
    pairs = list(instance_pairs(rng))
    apart = [
        (np.where(predicted > 0, predicted + 100 * k, predicted), np.where(truth > 0, truth + 100 * k, truth))
        for k, (_, predicted, truth) in enumerate(pairs)
    ]
    together = evaluate_instance_maps(
        [("all", np.vstack([predicted for predicted, _ in apart]), np.vstack([truth for _, truth in apart]))]
    ).pooled()
    pooled = evaluate_instance_maps(pairs).pooled()
    for column in ("seg", "precision", "recall", "f1", "mean_matched_iou", "iou", "dice", "pixel_error"):
        assert pooled[column] == pytest.approx(together[column]), column


def test_number_of_classes_is_that_of_all_images():
    two, three = np.array([[0, 1]], np.uint8), np.array([[1, 2]], np.uint8)
    scores = evaluate_class_maps([("two", two, two), ("three", three, three)])
    assert scores.columns[1:4] == ("iou", "iou_class_1", "iou_class_2")
    rows = scores.rows()
    assert len({len(row.values) for row in rows}) == 1
    assert math.isnan(rows[0].values[3])  # class 2 is in neither map of the first image
    assert rows[-1].values[3] == 1


def test_empty_maps_are_scored_as_far_as_there_is_something(rng):
    empty = np.zeros((4, 4), np.int32)
    pooled = evaluate_instance_maps([("empty", empty, empty)])
    assert pooled.pooled()["pixel_error"] == 0
    assert pooled.to_json()["all"]["seg"] is None
    unannotated = np.full((4, 4), IGNORE, np.uint8)
    assert set(evaluate_class_maps([("none", empty, unannotated)]).to_json()["all"].values()) == {None}
    json.dumps(pooled.to_json(), allow_nan=False)


@pytest.mark.parametrize("evaluate", [evaluate_class_maps, evaluate_instance_maps])
def test_refusals_name_the_image(evaluate):
    good = np.zeros((2, 2), np.int32)
    with pytest.raises(DataError, match="at least one pair is needed"):
        evaluate([])
    with pytest.raises(DataError, match=r"b\.tif: The prediction is 2 x 2 px and its truth 2 x 3 px"):
        evaluate([("a.tif", good, good), ("b.tif", good, np.zeros((2, 3), np.int32))])
    with pytest.raises(LabelError, match=r"b\.tif: The true .* map holds values from -9 to -9"):
        evaluate([("b.tif", good, good - 9)])


def test_settings_are_refused_before_anything_is_read():
    def unread():
        raise AssertionError
        yield

    with pytest.raises(SettingsError):
        evaluate_instance_maps(unread(), threshold=0.2)
    with pytest.raises(SettingsError):
        evaluate_class_maps(unread(), cell_class=-1)
