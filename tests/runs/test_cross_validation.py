"""Folds from end to end: training, the files that stay, averages and scores."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from reference.toy import SMALL, spots, spots_folder, weights_of
from unseam import metrics
from unseam.api.models import load
from unseam.api.training import train
from unseam.data.folds import split_into_folds
from unseam.data.prepare import Annotated, prepare
from unseam.errors import SettingsError
from unseam.evaluation.held_out import predict_held_out
from unseam.heads import Objects, RidgeObjects
from unseam.io import disk
from unseam.model.model_file import read_info
from unseam.nets import UNetConfig, members_of
from unseam.recipes.default import default
from unseam.runs.cross_validation import describe_budget, shared_budget
from unseam.runs.watch import Watch
from unseam.settings import with_overrides

QUICK = with_overrides(default(), SMALL)
FILES = ["README.md", "config.toml", "fold-1", "fold-2", "fold-3", "model.safetensors", "out_of_fold.csv", "out_of_fold.json"]


def quick(data, masks=None, **more):
    return train(data, masks, **({"steps": 6, "folds": 3, "settings": SMALL, "device": "cpu"} | more))


@pytest.fixture
def folder(tmp_path, rng):
    return spots_folder(tmp_path / "data", rng, "abc")


def interrupt_at(steps: int) -> Watch:
    """Press Ctrl-C after this number of steps of all folds together."""
    seen = []

    def interrupt(_, __):
        seen.append(1)
        if len(seen) == steps:
            raise KeyboardInterrupt

    return Watch(observers=(interrupt,))


def test_a_folder_and_its_run_folder(folder, tmp_path):
    out, messages, scores = tmp_path / "run", [], []
    model = quick(folder, out=out, watch=Watch(messages.append, on_scores=scores.append))
    assert set(FILES) <= {path.name for path in out.iterdir()}
    assert {path.name for path in (out / "fold-2").iterdir()} == {"checkpoints", "history.csv", "curve.svg"}
    assert any(sentence.startswith("3 folds") and "6 step(s) in all, 2 each" in sentence for sentence in messages)
    assert [sentence for sentence in messages if sentence.startswith("fold ")] == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3"]
    assert model.info == read_info(out / "model.safetensors") == load(out, "cpu").info
    assert [record.steps for record in model.info.members] == [2, 2, 2]
    assert model.info.training.steps == 6
    assert "`fold-1`" in (out / "README.md").read_text()
    assert "folds = 3" in (out / "config.toml").read_text()
    rows = list(csv.DictReader((out / "out_of_fold.csv").read_text().splitlines()))
    assert [row["image"] for row in rows[:-1]] == list(json.loads((out / "out_of_fold.json").read_text())["folds"])
    assert sorted(row["fold"] for row in rows[:-1]) == ["1", "2", "3"]
    assert rows[-1]["image"] == "all"
    assert float(rows[-1]["iou"]) == pytest.approx(model.info.training.score, rel=1e-5)
    assert scores[0].pooled()["iou"] == model.info.training.score


def test_each_image_is_scored_by_the_network_that_did_not_see_it(folder, tmp_path):
    model = quick(folder, out=tmp_path / "run")
    of_fold = json.loads((tmp_path / "run/out_of_fold.json").read_text())
    for row in of_fold["images"]:
        (fold,) = of_fold["folds"][row["name"]]
        assert row["name"] in model.info.members[fold - 1].held_out
        net = members_of(model.net)[fold - 1]
        image = np.asarray(Image.open(folder / f"images/{row['name']}.png"))
        truth = np.asarray(Image.open(folder / f"masks/{row['name']}.png")) > 0
        predicted = type(model)(net, read_info(tmp_path / "run/model.safetensors"), "cpu").predict(image).classes > 0
        expected = metrics.Overlap()(predicted.astype(np.uint8), truth.astype(np.uint8)).mean_iou
        assert row["scores"]["iou"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("stop", [3, 5])
def test_stopped_and_resumed_is_the_run_without_a_break(stop, folder, tmp_path):
    whole = quick(folder, out=tmp_path / "whole")
    quick(folder, out=tmp_path / "run", watch=interrupt_at(stop))
    assert len(load(tmp_path / "run", "cpu").info.members) == (stop - 1) // 2
    messages = []
    resumed = quick(folder, out=tmp_path / "run", resume=True, settings=(), folds=None, watch=Watch(messages.append))
    assert any("from step 2" in sentence for sentence in messages)
    for mine, theirs in zip(members_of(resumed.net), members_of(whole.net), strict=True):
        for name, weights in weights_of(mine).items():
            np.testing.assert_array_equal(weights, weights_of(theirs)[name])
    oof = [(tmp_path / name / "out_of_fold.csv").read_text() for name in ("whole", "run")]
    assert oof[0] == oof[1]


class Killed(BaseException):
    """Stands for SIGKILL. No code handles it."""


@pytest.mark.parametrize("name", ["fold-1/history.csv", "fold-1/curve.svg", "fold-3/history.csv", "out_of_fold.csv"])
def test_killed_before_the_last_writing_of_a_file(name, folder, tmp_path, monkeypatch):
    """A finished fold makes no further record, so its history is written when the run resumes."""
    whole, out, steps, rename = tmp_path / "whole/run", tmp_path / "run", [], disk.rename
    quick(folder, out=whole)
    last = 2 if name.startswith("fold-1") else 6

    def kill(old, new):
        if new == out / name and len(steps) >= last:
            raise Killed
        rename(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(disk, "rename", kill)
        with pytest.raises(Killed):
            quick(folder, out=out, watch=Watch(observers=(lambda *_: steps.append(1),)))
    messages = []
    quick(folder, out=out, resume=True, settings=(), folds=None, watch=Watch(messages.append))
    assert any("from step 2" in sentence for sentence in messages)
    assert tables(out) == tables(whole)
    assert sorted(path.relative_to(out) for path in out.rglob("*")) == sorted(p.relative_to(whole) for p in whole.rglob("*"))


def tables(out) -> dict[str, list[list[str]]]:
    """Return the tables of a run without the times, and its pictures."""
    found = {}
    for path in sorted(out.rglob("*.csv")):
        cells = [line.split(",") for line in path.read_text().splitlines()]
        found[str(path.relative_to(out))] = [row[:1] + row[2:] if path.stem == "history" else row for row in cells]
    return found | {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*.svg"))}


def test_ctrl_c_in_the_first_fold_keeps_what_it_has_learnt(folder, tmp_path):
    messages = []
    watch = interrupt_at(1)
    watch.tell = messages.append
    model = quick(folder, out=tmp_path / "run", watch=watch)
    assert [record.steps for record in model.info.members] == [1]
    assert any("stopped at step 1" in sentence and "last weights" in sentence for sentence in messages)
    assert list(json.loads((tmp_path / "run/out_of_fold.json").read_text())["folds"].values()) == [[1]]


def test_ctrl_c_before_the_first_step_gives_no_model(folder, tmp_path):
    def tell(sentence: str) -> None:
        if sentence == "fold 1 of 3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(folder, out=tmp_path / "run", watch=Watch(tell))
    assert not (tmp_path / "run").exists()


def test_other_folds_cannot_go_on(folder, tmp_path):
    quick(folder, out=tmp_path / "run", steps=3)
    with pytest.raises(SettingsError, match=r"run .*3 fold\(s\).* 2\b.*Leave folds out"):
        quick(folder, out=tmp_path / "run", resume=True, settings=(), folds=2)


def test_a_finished_run_can_be_trained_for_longer(folder, tmp_path):
    quick(folder, out=tmp_path / "run", steps=3)
    model = quick(folder, out=tmp_path / "run", resume=True, settings=(), folds=None, steps=9)
    assert [record.steps for record in model.info.members] == [3, 3, 3]


def test_one_image_is_cut_into_strips(rng):
    image, labels = spots(rng)
    scores = []
    model = quick([image], [(labels > 0).astype(np.uint8)], watch=Watch(on_scores=scores.append))
    assert len(model.info.members) == 3
    assert scores[0].names == ("image 0",)


def test_objects_get_their_threshold_from_the_images_of_other_folds(rng):
    images, masks = zip(*(spots(rng) for _ in range(3)), strict=True)
    model = quick(list(images), list(masks), settings=[*SMALL, "data.masks=instances"])
    assert model.info.training.score_name == "panoptic quality"


class Bright(torch.nn.Module):
    """Predicts the brightness of the image as the probability of foreground."""

    def __init__(self) -> None:
        super().__init__()
        self.config = UNetConfig(first_width=1, depth=1)
        inner = self.config.build()
        self.geometry = inner.geometry
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        c = self.geometry.context
        p = x[:, :, c:-c, c:-c].clamp(1e-6, 1 - 1e-6)
        return torch.cat([(1 - p).log(), p.log()], 1)


def test_a_threshold_that_only_an_image_itself_would_choose_is_not_taken(rng):
    """Objects of two images need a split and have specks below 0.5, those of one show only there; none may choose alone."""
    truth = np.zeros((40, 40), np.int32)
    truth[5:15, 5:15], truth[5:15, 17:27] = 1, 2
    melted = np.where(truth > 0, 0.95, 0.01).astype(np.float32)
    melted[5:15, 15:17] = 0.75
    for row in (25, 32):
        for column in (3, 15, 27):
            melted[row : row + 4, column : column + 4] = 0.4
    faint = np.where(truth > 0, 0.4, 0.01).astype(np.float32)
    whole = prepare(
        [Annotated(n, p, truth) for n, p in (("a", melted), ("b", melted), ("c", faint))],
        with_overrides(default(), ["normalise.low_percent=0", "normalise.high_percent=100"]).normalise,
        default().weight_map,
        masks="instances",
    )
    images = zip(whole.samples, (melted, melted, faint), strict=True)
    parts = split_into_folds([replace(sample, image=image[None]) for sample, image in images], 3, 0)
    found = predict_held_out([Bright()] * 3, RidgeObjects(), parts, [Objects()] * 3, torch.device("cpu"), tune=True)
    by_name = {image.sample.name: (image.threshold, image.split) for image in found.images}
    assert by_name["a"] == by_name["b"] == by_name["c"] == (0.5, 0.15)
    assert (found.objects.threshold, found.objects.split) == (0.5, 0.15)


def test_a_budget_is_shared():
    run = with_overrides(default(), ["data.folds=5"])
    assert shared_budget(run, None, 10.0).training.minutes == 2
    assert shared_budget(run, 7, None).training.steps == 1
    assert describe_budget(run).startswith("5 folds, one network each: 25 minute(s) in all, 5 each")
    assert describe_budget(shared_budget(run, 100, 10.0)).startswith(
        "5 folds, one network each: 10 minute(s) in all, 2 each or 100 step(s) in all, 20 each"
    )
