"""Cross-validation and the paper's tables at the terminal."""

import json

import numpy as np
import tifffile

from cli.conftest import TINY


def test_folds_are_trained_scored_shown_and_predict_together(data, tmp_path, terminal):
    said = terminal("train", data, "--out", tmp_path / "run", "--folds", 3, "--steps", 6, "--device", "cpu", *TINY)
    assert said.code == 0
    assert "each image scored by the network that did not see it:" in said.out
    assert "3 network(s), 6 steps in" in said.out
    assert "out of fold: IoU" in said.out
    about = json.loads(terminal("info", tmp_path / "run", "--json").out)
    assert len(about["members"]) == 3
    assert "3 networks, their probabilities averaged" in terminal("info", tmp_path / "run").out
    assert terminal("predict", tmp_path / "run", data / "images", "--out", tmp_path / "out").code == 0
    assert len(list((tmp_path / "out").glob("*_classes.tif"))) == 3
    seams = terminal("seams", tmp_path / "run", data / "images/a.png")
    assert "no seams" in seams.out


def test_folds_that_cannot_be(data, tmp_path, terminal):
    said = terminal("train", data, "--out", tmp_path / "run", "--folds", 99, "--device", "cpu", *TINY)
    assert said.code == 2
    assert "data.folds = 99" in said.err
    assert not (tmp_path / "run").exists()


def test_reproduce_prints_the_papers_row_beside_ours(tmp_path, terminal, rng):
    folder = tmp_path / "isbi"
    folder.mkdir()
    labels = (rng.random((4, 48, 56)) > 0.2).astype(np.uint8) * 255
    tifffile.imwrite(folder / "train-volume.tif", labels // 2, photometric="minisblack")
    tifffile.imwrite(folder / "train-labels.tif", labels, photometric="minisblack")
    words = ["--data", folder, "--out", tmp_path / "out", "--minutes", 0.002, "--average", "none", "--recipe", "default"]
    said = terminal("reproduce", "isbi2012", *words, "--device", "cpu", *TINY)
    assert said.code == 0
    for word in ("U-Net (paper, table 1)", "0.000353", "ours, the challenge's way", "What differs:", "scored on 1 of the 4"):
        assert word in said.out
    said = terminal("reproduce", "dic-hela", "--data", folder, "--out", tmp_path / "more")
    assert said.code == 2
    assert "01_GT/SEG" in said.err
