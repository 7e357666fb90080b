"""The tables of the paper beside ours: on data laid out as the challenges lay them out, painted by us."""

import json

import numpy as np
import pytest
import tifffile

from reference.toy import SMALL, spots
from unseam.api.reproduce import EXPERIMENTS, ExperimentCall
from unseam.api.reproduce.membranes import _Scored
from unseam.api.reproduce.table import PaperRow, PaperTable
from unseam.errors import DataError, OutputError, SettingsError
from unseam.metrics import BestOverThresholds, RandError, VInfo, VRand, VRandScore, WarpingError, over_thresholds
from unseam.recipes.paper import paper
from unseam.runs.watch import Watch


def asked(data, out, **more) -> ExperimentCall:
    """By a network of a few weights, and with a budget that ends at once."""
    small = {"recipe": "default", "settings": SMALL, "minutes": 0.002, "average": "none", "device": "cpu"}
    return ExperimentCall(data, out, **(small | more))


@pytest.fixture
def stack(tmp_path, rng):
    images, labels = zip(*(spots(rng) for _ in range(6)), strict=True)
    folder = tmp_path / "isbi"
    folder.mkdir()
    tifffile.imwrite(folder / "train-volume.tif", np.stack(images), photometric="minisblack")
    tifffile.imwrite(folder / "train-labels.tif", 255 * (np.stack(labels) == 0).astype(np.uint8), photometric="minisblack")
    tifffile.imwrite(folder / "test-volume.tif", np.stack(images), photometric="minisblack")
    return folder


def write_sequence(folder, name, rng, frames, truth="GT"):
    (folder / name).mkdir(parents=True)
    (folder / f"{name}_{truth}" / "SEG").mkdir(parents=True)
    for frame in range(frames):
        image, labels = spots(rng)
        tifffile.imwrite(folder / name / f"t{frame:03d}.tif", image)
        tifffile.imwrite(folder / f"{name}_{truth}" / "SEG" / f"man_seg{frame:03d}.tif", labels.astype(np.uint16))


def test_isbi2012_from_the_files_of_the_challenge(stack, tmp_path):
    table = EXPERIMENTS["isbi2012"](asked(stack, tmp_path / "out"))
    assert table.columns[:3] == ("warping error", "Rand error", "pixel error")
    assert all("not in the paper" in column for column in table.columns[3:])
    assert table.paper[1].values == (0.000353, 0.0382, 0.0611, None, None)
    assert [row.who for row in table.ours] == ["ours, the challenge's way", "ours, decided at one half"]
    assert all(0 <= value <= 1 for row in table.ours for value in row.values if value is not None)
    how = dict(table.made)
    assert how["trained on"] == "4 images"
    assert how["scored on"] == "held out: the last 1 of 6 (slice 5 to slice 5); slice 4, next to them, is not used"
    assert "scored on 1 of the 6 annotated slices" in table.differences[2]
    text = (tmp_path / "out/table.md").read_text()
    assert "| U-Net (paper, table 1) | 0.000353 | 0.0382 | 0.0611 | - | - |" in text
    assert json.loads((tmp_path / "out/table.json").read_text())["paper"][1]["values"][:3] == [0.000353, 0.0382, 0.0611]
    assert {"model.safetensors", "config.toml", "held_out.png"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_isbi2012_from_a_slice_a_file(tmp_path, rng):
    for part in ("images", "masks"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for index in range(4):
        image, labels = spots(rng)
        tifffile.imwrite(tmp_path / f"data/images/{index}.tif", image)
        tifffile.imwrite(tmp_path / f"data/masks/{index}.tif", 255 * (labels == 0).astype(np.uint8))
    how = dict(EXPERIMENTS["isbi2012"](asked(tmp_path / "data", tmp_path / "out")).made)
    assert how["scored on"] == "held out: the last 1 of 4 (3 to 3); 2, next to them, is not used"


def test_the_errors_are_those_of_the_metrics_added_up(rng):
    maps = [rng.random((20, 24)) for _ in range(2)]
    truths = [(rng.random((20, 24)) > 0.3).astype(np.uint8) for _ in maps]
    scored = _Scored()
    for probabilities, truth in zip(maps, truths, strict=True):
        scored.add(probabilities, truth)
    best, at_half = scored.rows()
    pairs = list(zip(maps, truths, strict=True))
    warping = BestOverThresholds.together([over_thresholds(WarpingError(), p, t) for p, t in pairs]).score
    rand = BestOverThresholds.together([over_thresholds(RandError().from_class_maps, p, t) for p, t in pairs]).score
    squared = np.mean([np.mean((p - t) ** 2) for p, t in pairs])
    v_rand, v_info = (
        BestOverThresholds.together([over_thresholds(metric.from_class_maps, p, t) for p, t in pairs]).score
        for metric in (VRand(), VInfo())
    )
    errors = (warping.split_merger_error, rand.error, pytest.approx(squared))
    assert best.values == (*errors, v_rand.score, v_info.score)
    at = [VRand().from_class_maps((p > 0.5).astype(np.uint8), t) for p, t in pairs]
    assert at_half.values[3] == VRandScore.together(at).score
    assert at_half.values[2] == pytest.approx(np.mean([np.mean((p > 0.5) != t) for p, t in pairs]))


@pytest.mark.parametrize(("name", "paper"), [("phc-u373", 0.9203), ("dic-hela", 0.7756)])
def test_a_sequence_is_trained_on_and_the_other_one_scored(name, paper, tmp_path, rng):
    write_sequence(tmp_path / "data", "01", rng, 2)
    write_sequence(tmp_path / "data", "02", rng, 3, truth="ST")
    table = EXPERIMENTS[name](asked(tmp_path / "data", tmp_path / "out"))
    assert table.paper[1].values == (paper, None, None)
    assert dict(table.made)["trained on"] == "2 images"
    assert dict(table.made)["scored on"] == "held out: 3 frame(s) of the sequence(s) 02"
    assert 0 <= table.ours[0].values[0] <= 1


def test_one_sequence_is_scored_at_its_end(tmp_path, rng):
    write_sequence(tmp_path / "data", "01", rng, 5)
    how = dict(EXPERIMENTS["dic-hela"](asked(tmp_path / "data", tmp_path / "out")).made)
    assert how["scored on"] == "held out: the last 1 of 5 (01/t004 to 01/t004); 01/t003, next to them, is not used"


def test_what_is_not_laid_out_as_the_challenge_does_it_is_refused(stack, tmp_path, rng):
    (stack / "test-volume.tif").unlink()
    with pytest.raises(DataError, match="01_GT/SEG"):
        EXPERIMENTS["phc-u373"](asked(stack, tmp_path / "out"))
    with pytest.raises(DataError, match=r"nowhere: .*train-volume\.tif"):
        EXPERIMENTS["isbi2012"](asked(tmp_path / "nowhere", tmp_path / "out"))
    write_sequence(tmp_path / "data", "01", rng, 1)
    (tmp_path / "data/01_GT/SEG/man_seg000.tif").rename(tmp_path / "data/01_GT/SEG/man_seg_000_005.tif")
    with pytest.raises(DataError, match=r"man_seg_000_005\.tif"):
        EXPERIMENTS["phc-u373"](asked(tmp_path / "data", tmp_path / "out"))
    short = tmp_path / "short"
    short.mkdir()
    for name in ("train-volume", "train-labels"):
        tifffile.imwrite(short / f"{name}.tif", np.indices((2, 40, 40)).sum(0).astype(np.uint8) % 2, photometric="minisblack")
    with pytest.raises(DataError, match=r"2 annotated plane\(s\).*three"):
        EXPERIMENTS["isbi2012"](asked(short, tmp_path / "out"))


def test_nothing_is_overwritten(stack, tmp_path):
    EXPERIMENTS["isbi2012"](asked(stack, tmp_path / "out"))
    with pytest.raises(OutputError, match="already holds a run"):
        EXPERIMENTS["isbi2012"](asked(stack, tmp_path / "out"))


def test_another_recipe_is_said(stack, tmp_path):
    table = EXPERIMENTS["isbi2012"](asked(stack, tmp_path / "out"))
    assert table.differences[0].startswith("The recipe 'default' is not the paper's")
    assert table.differences[1].startswith("Settings of the recipe were changed: net.unet.first_width=2")
    assert table.differences[-1] == "The paper averaged over seven rotations of the input; ours did not."


def test_the_papers_recipe_is_what_is_taken(tmp_path):
    run = ExperimentCall(tmp_path, tmp_path, 3.0).run
    assert (run.net, run.optimiser, run.training.steps, run.training.minutes) == (paper().net, paper().optimiser, None, 3.0)
    assert ExperimentCall(tmp_path, tmp_path, 3.0).departures == ()


def test_a_table_as_text():
    paper, ours = PaperRow("paper", (0.5, None)), PaperRow("ours", (0.000353, 0.0))
    table = PaperTable("T", ("a", "b"), (paper,), (ours,), (("how", "so"),), ("x",))
    assert table.lines() == [["", "a", "b"], ["paper", "0.5000", "-"], ["ours", "0.000353", "0"]]
    assert "| paper | 0.5000 | - |" in table.markdown()


def test_it_goes_on_where_it_was_stopped_by_the_same_recipe_only(stack, tmp_path):
    out, told = tmp_path / "out", []
    first = dict(EXPERIMENTS["isbi2012"](asked(stack, out)).made)
    again = asked(stack, out, resume=True, minutes=0.01, watch=Watch(told.append))
    longer = dict(EXPERIMENTS["isbi2012"](again).made)
    assert any("from step " in sentence for sentence in told)
    assert int(longer["training"].split()[0]) > int(first["training"].split()[0])
    with pytest.raises(SettingsError, match="same --recipe and --set"):
        EXPERIMENTS["isbi2012"](asked(stack, out, resume=True, recipe="paper"))
    with pytest.raises(SettingsError, match="other"):
        EXPERIMENTS["isbi2012"](asked(stack, tmp_path / "other", resume=True))
