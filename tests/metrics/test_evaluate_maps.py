import json
import math

import numpy as np
import pytest

from unseam.errors import DataError, LabelError
from unseam.metrics import (
    DET,
    SEG,
    ImagePair,
    ObjectScores,
    Overlap,
    PanopticQuality,
    PixelError,
    RandError,
    SurfaceDistance,
    VInfo,
    VRand,
    WarpingError,
    evaluate_class_maps,
    evaluate_instance_maps,
    every_metric,
    quick_metrics,
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
        assert figures["iou"] == Overlap()(predicted, truth).mean_iou
        assert figures["dice"] == Overlap()(predicted, truth).mean_dice
        assert figures["rand_error"] == RandError().from_class_maps(predicted, truth).error


def test_mistakes_of_topology_are_found_if_asked_for(rng):
    pairs = list(class_pairs(rng, num_classes=2))
    scores = evaluate_class_maps(iter(pairs), metrics=(*quick_metrics(), WarpingError()))
    assert scores.columns[9:] == ("warping_error", "split_merger_error", "splits", "mergers")
    for (_, predicted, truth), (_, figures) in zip(pairs, scores.images(), strict=True):
        assert figures["warping_error"] == WarpingError()(predicted, truth).error
    assert scores.pooled()["splits"] == sum(figures["splits"] for _, figures in scores.images())


def test_instance_maps_score_as_each_metric_does(rng):
    pairs = list(instance_pairs(rng))
    scores = evaluate_instance_maps(iter(pairs), metrics=quick_metrics(ObjectScores(0.6)))
    for (_, predicted, truth), (_, figures) in zip(pairs, scores.images(), strict=True):
        assert figures["seg"] == SEG()(predicted, truth).seg
        assert figures["det"] == DET()(predicted, truth).det
        assert figures["f1"] == ObjectScores(0.6)(predicted, truth).f1
        assert figures["rand_error"] == RandError()(predicted, truth).error
        foreground = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
        assert figures["iou"] == Overlap()((predicted > 0).astype(np.uint8), foreground).mean_iou
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
    with pytest.raises(DataError, match="pair"):
        evaluate([])
    with pytest.raises(DataError, match=r"b\.tif.* 2 x 2 px .* 2 x 3 px"):
        evaluate([("a.tif", good, good), ("b.tif", good, np.zeros((2, 3), np.int32))])
    with pytest.raises(LabelError, match=r"b\.tif.* true .* -9 to -9"):
        evaluate([("b.tif", good, good - 9)])


CLASS_COLUMNS = (
    *("pixel_error", "iou", "dice", "pixel_precision", "pixel_recall"),
    *("rand_error", "rand_precision", "rand_recall", "rand_index_error", "hausdorff95_px", "surface_dice"),
    *("warping_error", "split_merger_error", "splits", "mergers"),
    *("v_rand", "v_rand_split", "v_rand_merge", "v_info", "v_info_split", "v_info_merge"),
    *("calibration_error", "best_dice", "best_threshold"),
)
INSTANCE_COLUMNS = (
    *("seg", "det", "precision", "recall", "f1", "mean_matched_iou", "true_positives", "false_positives", "false_negatives"),
    *("average_precision", *(f"average_precision_{percent}" for percent in range(50, 100, 5))),
    *("panoptic_quality", "segmentation_quality", "recognition_quality", "aggregated_jaccard", "aggregated_jaccard_plus"),
    *("rand_error", "rand_precision", "rand_recall", "rand_index_error"),
    *("pixel_error", "iou", "dice", "pixel_precision", "pixel_recall", "hausdorff95_px", "surface_dice"),
    *("calibration_error", "best_dice", "best_threshold"),
)


def test_columns_of_files_keep_their_names_and_order(rng):
    """Scripts of users read them."""
    likely = np.full((2, 20, 30), 0.5, np.float32)
    pairs = [ImagePair(*pair, probabilities=likely) for pair in class_pairs(rng, 2)]
    assert evaluate_class_maps(pairs, metrics=every_metric()).columns == CLASS_COLUMNS
    likely = np.full((2, 20, 24), 0.5, np.float32)
    pairs = [ImagePair(*pair, probabilities=likely) for pair in instance_pairs(rng)]
    assert evaluate_instance_maps(pairs, metrics=every_metric()).columns == INSTANCE_COLUMNS


def test_a_table_shows_what_people_ask_for_first(rng):
    two = evaluate_class_maps(class_pairs(rng, 2), metrics=every_metric()).shown
    assert [column.title() for column in two[:6]] == ["IoU", "Dice", "pixel err", "Rand err", "warp err", "precision"]
    three = evaluate_class_maps(class_pairs(rng, 3), metrics=every_metric()).shown
    assert [column.title() for column in three[:5]] == ["mean IoU", "IoU class 1", "IoU class 2", "mean Dice", "pixel err"]
    assert not any(column.is_of_one_class for column in three)
    objects = evaluate_instance_maps(instance_pairs(rng)).shown
    assert [column.title() for column in objects[:7]] == ["SEG", "PQ", "AP50", "AP", "F1", "precision", "recall"]


def test_one_metric_may_be_computed_alone(rng):
    pairs = list(instance_pairs(rng))
    scores = evaluate_instance_maps(pairs, metrics=[PanopticQuality()])
    assert scores.columns == ("panoptic_quality", "segmentation_quality", "recognition_quality")
    whole = evaluate_instance_maps(pairs).pooled()
    assert scores.pooled() == {name: whole[name] for name in scores.columns}


def test_a_given_metric_stands_for_its_kind():
    given = ObjectScores(0.7)
    metrics = quick_metrics(given)
    assert [metric for metric in metrics if isinstance(metric, ObjectScores)] == [given]
    assert len(metrics) < len(every_metric())


def test_thin_borders_are_scored_in_two_classes_of_a_size_that_can_be_afforded(rng, monkeypatch):
    pairs = list(class_pairs(rng, 2))
    scores = evaluate_class_maps(pairs, metrics=[VRand(), VInfo()])
    for (_, predicted, truth), (_, figures) in zip(pairs, scores.images(), strict=True):
        assert figures["v_rand"] == VRand().from_class_maps(predicted, truth).score
        assert figures["v_info"] == VInfo().from_class_maps(predicted, truth).score
    metrics = [VRand(), PixelError()]
    assert evaluate_class_maps([*pairs, *class_pairs(rng, 3)], metrics=metrics).columns == ("pixel_error",)
    monkeypatch.setattr("unseam.metrics.evaluate.MOST_THINNED_PX", 599)
    assert evaluate_class_maps(pairs, metrics=metrics).columns == ("pixel_error",)


def test_outlines_are_measured_in_the_spacing_of_each_image():
    truth, predicted = np.zeros((2, 6, 6), np.uint8)
    truth[1:4, 1:4] = predicted[1:4, 2:5] = 1
    images = [ImagePair(str(size), predicted, truth, (size, size)) for size in (1.0, 2.0)]
    scores = evaluate_class_maps(images, metrics=[SurfaceDistance()])
    assert [figures["hausdorff95_px"] for _, figures in scores.images()] == [1, 2]


def test_headers_of_a_table_are_different_and_every_line_of_its_legend_is_short(rng):
    tables = [evaluate_class_maps(class_pairs(rng, k), metrics=every_metric()) for k in (2, 3)]
    for scores in (*tables, evaluate_instance_maps(instance_pairs(rng), metrics=every_metric())):
        titles = [column.title() for column in scores.shown]
        assert len(set(titles)) == len(titles)
        assert all(len(f"{column.title()}: {column.legend}") <= 100 for column in scores.shown if column.klass is None)
