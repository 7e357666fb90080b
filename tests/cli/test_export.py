"""``unseam export``: a file that was compared with its model, or one clear line and no file."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from unseam.cli.export import export
from unseam.model import Model
from unseam.model.model_info import ModelInfo, TrainingRecord
from unseam.nets import UNetConfig
from unseam.sharing import FORMATS


@pytest.fixture
def picture(tmp_path, rng) -> Path:
    Image.fromarray(rng.integers(0, 255, (50, 64), dtype=np.uint8)).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in ("picture.png", "data"))


def test_the_held_out_image_proves_a_run(terminal, model, tmp_path):
    said = terminal("export", model, "--to", "torchscript", "--out", tmp_path / "net.pt")
    assert (said.code, written(tmp_path)) == (0, ["net.pt"])
    lines = said.out.splitlines()
    told = r"torchscript +(.+?) +\d+ x \d+ +largest difference [\d.e-]+ +pixels of another class 0.000 %"
    assert [re.fullmatch(told, line)[1] for line in lines[:3]] == ["whole image", "odd size", "batch of two"]
    assert "- reading torchscript back and comparing" in said.err
    assert lines[-1] == f"written: {tmp_path / 'net.pt'}"


def test_weights_come_with_the_lines_that_load_them(terminal, model, picture, tmp_path):
    said = terminal("export", model, "--to", "state-dict", "--out", tmp_path / "net.pt", "--image", picture)
    assert (said.code, written(tmp_path)) == (0, ["net.pt", "net_nets.py"])
    code = "\n".join(line.strip() for line in said.out.splitlines() if line.startswith("  "))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_info_prints_the_lines_that_load_the_weights(terminal, model):
    said = terminal("info", model)
    code = "\n".join(line.strip() for line in said.out.splitlines()[-3:])
    names: dict = {}
    exec(code, names)
    weights = load_file(model / "model.safetensors")
    assert all(torch.equal(weights[name], weight) for name, weight in names["net"].state_dict().items())
    assert not names["net"].training


def test_info_of_an_ensemble_too(terminal, tmp_path):
    config = UNetConfig(first_width=2, depth=1)
    info = ModelInfo(config, members=(TrainingRecord(),) * 2)
    Model(info.build(), info).save(tmp_path / "two.safetensors")
    code = "\n".join(line.strip() for line in terminal("info", tmp_path / "two.safetensors").out.splitlines()[-3:])
    names: dict = {}
    exec(code, names)
    assert len(names["net"].members) == 2


def test_the_help_names_every_format():
    hints = get_type_hints(export, include_extras=True)
    assert get_args(get_args(hints["to"])[0]) == tuple(FORMATS)


def refused(terminal, words: list, folder: Path, message: str) -> None:
    before = written(folder)
    said = terminal("export", *words)
    assert said.code == 2
    assert re.fullmatch(rf"(- .*\n)*unseam: .*{message}.*\n", said.err), said.err
    assert said.out == ""
    assert written(folder) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "onxx", "--out", "x.onnx"], "onxx"),
        (["--to", "torchscript", "--out", "x.onnx"], r"x.onnx: a file of the format torchscript ends in .pt"),
        (["--to", "torchscript", "--out", "nowhere/x.pt"], "nowhere: there is no such folder"),
        (["--to", "torchscript", "--out", "x.pt", "--image", "no.png"], "no.png"),
        (
            ["--to", "torchscript", "--out", "x.pt", "--normalise", "fixed"],
            "There is no fixed range: .* percentiles 1 and 99.8",
        ),
        (["--to", "torchscript", "--out", "x.pt", "--licence", "my own"], "'my own' is no SPDX identifier"),
        (["--to", "torchscript"], "--out"),
        (["--out", "x.pt"], "--to"),
    ],
)
def test_a_mistake_is_one_line(terminal, model, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    refused(terminal, [model, *words], tmp_path, message)


def test_nothing_is_overwritten(terminal, model, tmp_path):
    for name in ("a.pt", "b_nets.py"):
        (tmp_path / name).write_text("mine")
    taken = "already exists, and an export overwrites nothing"
    refused(terminal, [model, "--to", "torchscript", "--out", tmp_path / "a.pt"], tmp_path, taken)
    refused(terminal, [model, "--to", "state-dict", "--out", tmp_path / "b.pt"], tmp_path, taken)
    assert {path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"mine"}


def test_an_image_of_other_channels_is_refused(terminal, model, tmp_path, rng):
    Image.fromarray(rng.integers(0, 255, (50, 64, 3), dtype=np.uint8)).save(tmp_path / "picture.png")
    words = [model, "--to", "torchscript", "--out", tmp_path / "x.pt", "--image", tmp_path / "picture.png"]
    refused(terminal, words, tmp_path, r"The image has 3 channel\(s\); this model was trained on 1")


def test_without_an_image_a_model_file_is_refused(terminal, model, tmp_path):
    words = [model / "model.safetensors", "--to", "torchscript", "--out", tmp_path / "x.pt"]
    refused(terminal, words, tmp_path, "Give an image like those of the training with --image")


def test_what_is_no_model_is_refused(terminal, tmp_path, picture):
    refused(terminal, [picture, "--to", "torchscript", "--out", tmp_path / "x.pt"], tmp_path, "not a model file")


def test_rotations_are_no_network(terminal, model, picture, tmp_path):
    turned = Model.load(model)
    turned.info = replace(turned.info, average="rotations")
    (tmp_path / "data").mkdir()
    turned.save(tmp_path / "data/m.safetensors")
    words = [tmp_path / "data/m.safetensors", "--to", "torchscript", "--out", tmp_path / "x.pt", "--image", picture]
    refused(terminal, words, tmp_path, "--average flips or --average none")
    assert terminal("export", *words, "--average", "none").code == 0


def test_without_the_extra_onnx_says_what_to_install(terminal, model, tmp_path, monkeypatch):
    monkeypatch.setattr("unseam.sharing.onnx_file.find_spec", lambda name: None if name == "onnxscript" else object())
    for to, name in (("onnx", "x.onnx"), ("bioimageio", "x.zip")):
        words = [model, "--to", to, "--out", tmp_path / name]
        refused(
            terminal, words, tmp_path, r"ONNX needs onnxscript, which is not installed here. Run pip install 'unseam\[onnx\]'"
        )
