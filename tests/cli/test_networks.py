"""Networks that ship, as a person meets them at the terminal."""

import json
from dataclasses import replace

import pytest
import tifffile

import unseam.networks as room
from reference.shipped import CARD, bright_info, discs, ship


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "networks"
    folder.mkdir()
    ship(folder, "discs")
    ship(folder, "general", bright_info(replace(CARD, name="general", role="start", object_px=None)))
    monkeypatch.setattr(room, "files", lambda _: folder)
    return folder


def test_networks_are_listed_with_purpose_sets_licence_and_scores(terminal, shipped):
    said = terminal("networks")
    assert said.code == 0
    assert "discs: bright discs\n  use:       unseam predict discs IMAGES --out OUT\n  objects:   brought to 10 px" in said.out
    assert "general: bright discs\n  use:       unseam train DATA --from general --out RUN\n  learnt on: toys" in said.out
    assert "  score:     F1 at IoU 0.5 0.875 on 2 image(s) of other toys (set left out)" in said.out
    assert set(json.loads(terminal("networks", "--json").out)) == {"discs", "general"}


def test_without_any_the_list_says_so(terminal, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "files", lambda _: tmp_path)
    assert terminal("networks").out == "no network ships with this package\n"


def test_info_shows_the_card(terminal, shipped):
    said = terminal("info", "discs")
    assert said.code == 0
    for part in (
        "toys (3 images, CC0-1.0; drawn by the tests)",
        "BSD-3-Clause",
        "python toys.py (commit 0f0f0f0)",
        "1.5 minutes",
    ):
        assert part in said.out
    assert json.loads(terminal("info", "discs", "--json").out)["release"]["object_px"] == 10


def test_predict_by_name_needs_no_annotation(terminal, shipped, tmp_path):
    image, truth = discs(22.0)
    tifffile.imwrite(tmp_path / "a.tif", image)
    said = terminal("predict", "discs", tmp_path / "a.tif", "--out", tmp_path / "out")
    assert said.code == 0
    assert f"{truth.max()} objects" in said.out
    assert "(measured; --diameter sets it): resampled by" in said.err
    said = terminal("predict", "discs", tmp_path / "a.tif", "--out", tmp_path / "given", "--diameter", 22)
    assert "objects of about 22 px (given)" in said.err
    assert "computed with PyTorch" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "disks", "a.tif", "--out", "o"), "disks: not a model file, and nothing of that name is here."),
        (("predict", "general", "a.tif", "--out", "o"), "general is a start for training and segments nothing by itself."),
        (("predict", "discs", "a.tif", "--out", "o", "--diameter", 0), "predict.diameter = 0.0: it must lie between"),
        (("predict", "discs", "a.tif", "--out", "o", "--diameter", 9, "--rescale"), "--diameter and --rescale both resample"),
        (("predict", "discs", "a.tif", "--out", "o.zarr"), "Say with --diameter how large they are"),
        (("info", "discz"), "Did you mean 'discs'?"),
        (("train", ".", "--from", "generel", "--out", "o"), "Did you mean 'general'?"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words, message, terminal, shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("a.tif", discs(10.0)[0])
    said = terminal(*words)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert message in said.err
    assert not any((tmp_path / name).exists() for name in ("o", "o.zarr"))


def test_a_damaged_network_is_one_line(terminal, shipped):
    path = shipped / "discs.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    said = terminal("predict", "discs", "a.tif", "--out", "o")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert said.err.endswith("It ships with unseam: install unseam again.\n")
