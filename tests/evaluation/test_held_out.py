"""What was held out is predicted once, and every figure comes from that prediction."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import unseam
from reference.toy import SMALL, spots
from unseam.api.training import train
from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut, Split
from unseam.evaluation.held_out import predict_held_out, with_smallest_object
from unseam.evaluation.scoring import score_for_choice
from unseam.evaluation.validation import prepare_validation
from unseam.heads import Classes, Objects, RidgeObjects
from unseam.inference.predict import Predictor
from unseam.metrics import evaluate_class_maps, evaluate_instance_maps
from unseam.model.model_file import read_info
from unseam.nets import UNetConfig
from unseam.report import from_training
from unseam.report.comparison import SeamCheck, read_comparisons
from unseam.runs.run_folder import read_history
from unseam.runs.watch import Watch
from unseam.shapes import IGNORE, NOT_ANNOTATED

CPU = torch.device("cpu")


def held_out(classes: np.ndarray, instances: np.ndarray | None = None) -> HeldOut:
    classes = classes.astype(np.uint8)
    image = np.zeros((1, *classes.shape), np.float32)
    sample = Sample("one", image, classes, np.ones(classes.shape, np.float32), instances)
    return HeldOut(sample, Window(0, classes.shape[0], 4, classes.shape[1]))


@pytest.mark.parametrize("inside", [0, IGNORE])
@pytest.mark.parametrize("objects", [None, Objects()])
def test_without_foreground_in_the_truth_there_is_no_validation(inside, objects):
    """Foreground outside the window does not count."""
    classes = np.full((6, 10), inside)
    classes[:, :4] = 1
    instances = np.where(classes == 1, 1, 0).astype(np.int32)
    assert prepare_validation([held_out(classes, instances)], RidgeObjects(), objects, CPU) is None
    classes[2, 5], instances[2, 5] = 1, 2
    assert prepare_validation([held_out(classes, instances)], RidgeObjects(), objects, CPU) is not None


def test_without_a_held_out_part_there_is_no_validation():
    assert prepare_validation([], Classes(), None, CPU) is None


def test_the_smallest_object_is_measured_whatever_its_number():
    ids = np.zeros((40, 40), np.int32)
    ids[:10, :4], ids[20:30, :8] = 2_000_000_000, 7  # numbers, not sizes: counting up to the largest would take 16 GB
    ids[35:, 35:] = -1
    assert with_smallest_object(Objects(), [ids]).min_size == int(np.percentile([40, 80], 5) / 4)


def test_without_objects_the_settings_stay():
    assert with_smallest_object(Objects(min_size=3), [np.zeros((4, 4), np.int32)]) == Objects(min_size=3)
    assert with_smallest_object(Objects(min_size=3), []) == Objects(min_size=3)


@pytest.fixture
def predicted(monkeypatch):
    """List each predicted window with the sum of its image, without the seam check, which scores nothing."""
    found = []
    predict = Predictor.probabilities

    def counted(self, image, window=None):
        found.append((float(np.asarray(image).sum()), window))
        return predict(self, image, window)

    monkeypatch.setattr(Predictor, "probabilities", counted)
    monkeypatch.setattr(from_training, "_check_seams", lambda *_: SeamCheck("left out"))
    return found


@pytest.mark.parametrize("masks", ["instances", "binary"])
def test_after_training_each_held_out_window_is_predicted_once(masks, rng, tmp_path, predicted):
    images, labels = zip(*(spots(rng) for _ in range(6)), strict=True)
    records = []
    watch = Watch(on_record=lambda *_: records.append(len(predicted)))
    settings = [*SMALL, f"data.masks={masks}", "data.validation=0.34", "training.logit_adjustment=0"]
    truths = labels if masks == "instances" else [(one > 0).astype(np.uint8) for one in labels]
    train(list(images), list(truths), out=tmp_path / "run", steps=20, settings=settings, device="cpu", watch=watch)
    assert records == [2, 4], "two validations of two windows"
    after = predicted[records[-1] :]
    assert sorted(after[:2]) == sorted(predicted[:2]), "and each window once more"
    assert len(after) == (6 if masks == "instances" else 2), "four images that were learnt help to choose the threshold"
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.parametrize("masks", ["instances", "binary"])
def test_a_cross_validation_predicts_each_image_once_at_its_end(masks, rng, tmp_path, predicted):
    images, labels = zip(*(spots(rng) for _ in range(3)), strict=True)
    settings = [*SMALL, f"data.masks={masks}", "training.validations=1", "training.logit_adjustment=0"]
    truths = labels if masks == "instances" else [(one > 0).astype(np.uint8) for one in labels]
    scores = []
    watch = Watch(on_record=lambda *_: predicted.clear(), on_scores=scores.append)
    train(list(images), list(truths), out=tmp_path / "run", steps=3, folds=3, settings=settings, device="cpu", watch=watch)
    assert len(predicted) == len({total for total, _ in predicted}) == 3
    shown = read_comparisons(tmp_path / "run/held_out.npz")
    score = evaluate_instance_maps if masks == "instances" else evaluate_class_maps
    pooled = score([(one.name, one.predicted, one.truth) for one in shown.images]).pooled()
    assert pooled == pytest.approx(scores[0].pooled(), nan_ok=True), "the report shows what was scored"


@pytest.mark.parametrize("masks", ["instances", "binary"])
def test_model_card_and_report_have_one_final_figure(masks, rng, tmp_path):
    """In bfloat16 the last validation differs. It is called validation, and only the history shows it."""
    image, labels = spots(rng)
    truth = labels if masks == "instances" else (labels > 0).astype(np.uint8)
    settings = [*SMALL, f"data.masks={masks}", "training.precision=bfloat16"]
    out = tmp_path / "run"
    model = train([image], [truth], out=out, steps=60, settings=settings, device="cpu")
    record = read_info(out / "model.safetensors").training
    assert record.score == model.info.training.score
    shown = read_comparisons(out / "held_out.npz")
    pairs = [(one.name, one.predicted, one.truth) for one in shown.images]
    if masks == "instances":
        assert record.score == evaluate_instance_maps(pairs).pooled()["panoptic_quality"]
    else:
        assert record.score == evaluate_class_maps(pairs).pooled()["iou"]
    final = f"{record.score_name} {record.score:.4f}"
    page = (out / "report.html").read_text()
    assert final in (out / "README.md").read_text()
    assert final in page
    assert f"{record.score:.4f}" in page.split('id="curves"')[0], "in the table of scores"
    assert f"validation {record.score_name}" in page
    assert f"validation {record.score_name}" in (out / "curve.svg").read_text()
    if masks == "binary":  # objects are validated by a threshold that is not chosen yet
        assert read_history(out / "history.csv")[-1].score == pytest.approx(record.score, abs=0.2)


class Bright(torch.nn.Module):
    """Predicts the brightness as the probability of foreground."""

    def __init__(self) -> None:
        super().__init__()
        self.config = UNetConfig(first_width=1, depth=1)
        self.geometry = self.config.build().geometry
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        c = self.geometry.context
        p = x[:, :, c:-c, c:-c].clamp(1e-6, 1 - 1e-6)
        return torch.cat([(1 - p).log(), p.log()], 1)


def two_strips() -> tuple[Sample, list[Split]]:
    """Return an image with a square in the middle, of which each of two folds holds out one half."""
    ids = np.zeros((20, 20), np.int32)
    ids[5:15, 5:15] = 1
    image = np.where(ids > 0, 0.9, 0.1).astype(np.float32)[None]
    sample = Sample("one", image, (ids > 0).astype(np.uint8), np.ones(ids.shape, np.float32), ids)
    halves = Window(0, 20, 0, 10), Window(0, 20, 10, 20)
    return sample, [Split((sample,), (HeldOut(sample, half),), "", chooses=False) for half in halves]


def test_strips_of_one_image_are_put_together_before_objects_are_found():
    sample, parts = two_strips()
    found = predict_held_out([Bright(), Bright()], RidgeObjects(), parts, [Objects(), Objects()], CPU, tune=True)
    (image,) = found.images
    np.testing.assert_array_equal(image.predicted, sample.instances)
    assert image.folds == (1, 2)
    assert image.threshold == Objects().threshold, "no other image could choose it"
    assert found.score == 1
    assert len(found.parts) == 2


def test_what_only_one_fold_held_out_is_scored_in_its_own_window():
    _, parts = two_strips()
    found = predict_held_out([Bright()], RidgeObjects(), parts[:1], [Objects()], CPU, tune=True)
    (image,) = found.images
    assert image.truth.shape == image.predicted.shape == (20, 10)
    assert found.score == 1


def test_between_two_windows_nothing_counts_as_annotated():
    sample, (first, second) = two_strips()
    windows = ((first, Window(0, 20, 2, 6)), (second, Window(0, 20, 14, 18)))
    ends = [replace(part, validation=(HeldOut(sample, window),)) for part, window in windows]
    for objects, unknown in ((None, IGNORE), ([Objects(), Objects()], NOT_ANNOTATED)):
        (image,) = predict_held_out([Bright(), Bright()], RidgeObjects(), ends, objects, CPU, tune=False).images
        assert image.window == Window(0, 20, 2, 18)
        assert (image.truth[:, 4:12] == unknown).all()
        assert (image.predicted[:, 4:12] == 0).all()
        assert (image.truth[:, :4] != unknown).all()


def test_without_tuning_the_threshold_is_that_of_the_settings():
    _, parts = two_strips()
    objects = [Objects(threshold=0.95)] * 2
    found = predict_held_out([Bright()] * 2, RidgeObjects(), parts, objects, CPU, tune=False)
    assert found.objects.threshold == found.images[0].threshold == 0.95
    assert found.score == 0


def test_nothing_held_out_is_no_score():
    found = predict_held_out([Bright()], RidgeObjects(), [Split((), (), "")], [Objects(min_size=5)], CPU, tune=True)
    assert (found.images, found.score, found.calibration, found.objects) == ((), None, None, Objects(min_size=5))


def test_the_figure_that_chooses_is_the_one_of_the_table(rng):
    truth, predicted = rng.integers(0, 3, (2, 30, 30)).astype(np.uint8)
    table = evaluate_class_maps([("a", predicted, truth)]).pooled()
    assert score_for_choice([(predicted, truth)], of_objects=False) == table["iou"]
    ids, guess = truth.astype(np.int32), predicted.astype(np.int32)
    pooled = evaluate_instance_maps([("a", guess, ids)]).pooled()
    assert score_for_choice([(guess, ids)], of_objects=True) == pooled["panoptic_quality"]


def test_panoptic_quality_is_a_product_nowhere():
    """Its metric divides the sum of IoU once. No other code multiplies F1 by the mean IoU of matches."""
    source = Path(unseam.__file__).parent
    products = [
        (path.name, ast.unparse(node))
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    ]
    assert len(products) > 100
    assert not [one for one in products if re.search(r"f1|matched_iou|recognition|segmentation_quality", one[1])]


def touching_pair(side: int = 20) -> Sample:
    """Two objects with a faint gap: at the threshold 0.5 they are one, from 0.6 on they are two."""
    ids = np.zeros((side, side), np.int32)
    ids[2:-2, 2:9], ids[2:-2, 11:-2] = 1, 2
    image = np.where(ids > 0, 0.95, 0.05).astype(np.float32)
    image[2:-2, 9:11] = 0.55
    return Sample("two", image[None], (ids > 0).astype(np.uint8), np.ones(ids.shape, np.float32), ids)


def test_what_was_learnt_helps_to_choose_the_threshold_and_is_not_scored():
    """The held-out part shows one object alone, and every way is right there."""
    single, pair = two_strips()[0], touching_pair()
    part = Split((pair,), (HeldOut(single, single.window),), "")
    settings = [Objects(grow_px=0.0, min_size=4)]
    alone = predict_held_out([Bright()], RidgeObjects(), [part], settings, CPU, tune=True)
    both = predict_held_out([Bright()], RidgeObjects(), [part], settings, CPU, tune=True, trained=[HeldOut(pair, pair.window)])
    assert (alone.objects.threshold, alone.objects.split) == (0.5, 0.0), "the first of equals"
    assert (both.objects.threshold, both.objects.split) == (0.5, 0.15)
    assert [image.sample.name for image in both.images] == ["one"]
    assert alone.score == both.score == 1
    assert (both.images[0].threshold, both.images[0].split) == (0.5, 0.15)


def test_the_range_of_the_score_is_that_of_four_windows(rng):
    classes = rng.integers(0, 2, (12, 40)).astype(np.uint8)
    image = rng.random((1, 12, 40), np.float32)
    sample = Sample("one", image, classes, np.ones(classes.shape, np.float32))
    part = Split((), (HeldOut(sample, sample.window),), "")
    found = predict_held_out([Bright()], Classes(), [part], None, CPU, tune=True)
    predicted = found.images[0].predicted
    each = [
        score_for_choice([(predicted[:, at], classes[:, at])], of_objects=False)
        for at in map(slice, range(0, 40, 10), range(10, 50, 10))
    ]
    assert found.score_range == (min(each), max(each))
    assert found.score_range[0] < found.score < found.score_range[1]


def test_a_single_window_with_foreground_has_no_range():
    sample, _ = two_strips()
    classes = sample.classes.copy()
    classes[:15] = 0
    classes[15:, 10:] = 1
    one = replace(sample, classes=classes)
    part = Split((), (HeldOut(one, one.window),), "")
    assert predict_held_out([Bright()], Classes(), [part], None, CPU, tune=True).score_range is None
    assert predict_held_out([Bright()], Classes(), [Split((), (), "")], None, CPU, tune=True).score_range is None
