"""Images larger than memory at the terminal."""

import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
import zarr

from reference.large import write_zarr
from unseam.io import read_image
from unseam.scale.folder import work_folder


@pytest.fixture
def slide(tmp_path, data):
    image = read_image(data / "images/a.png").pixels
    return write_zarr(tmp_path / "slide.ome.zarr", np.tile(image, (3, 4)))


def test_zarr_to_zarr_as_in_memory(terminal, model, slide, tmp_path):
    out = tmp_path / "slide-seg.ome.zarr"
    words = ("--memory", "6GB", "--save", "both", "--probabilities-as", "uint8")
    said = terminal("predict", model, slide, "--out", out, *words)
    assert said.code == 0
    counts = r"50,400 px in 1 chunks, [\d.]+% foreground, \d+ objects"
    assert re.search(rf"slide.ome.zarr: {counts} -> .*-seg.ome.zarr, .*-seg-prob.ome.zarr\n", said.out)
    tifffile.imwrite(tmp_path / "slide.tif", zarr.open_array(slide / "full", mode="r")[...])
    assert terminal("predict", model, tmp_path / "slide.tif", "--out", tmp_path / "plain", "--save", "both").code == 0
    for name, group in (("classes", "0"), ("masks", "labels/objects/0")):
        plain = tifffile.imread(tmp_path / f"plain/slide_{name}.tif")
        assert np.array_equal(zarr.open_array(out / group, mode="r")[...], plain)
    said = terminal("predict", model, slide, "--out", out)
    assert said.code == 2
    assert said.err.startswith("unseam: ")
    assert str(out) in said.err
    assert "--overwrite" in said.err


def test_stores_and_files_into_a_folder(terminal, model, data, slide, tmp_path):
    out = tmp_path / "results"
    said = terminal("predict", model, slide, data / "images/a.png", "--out", out)
    assert said.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["a_classes.tif", "slide_seg.ome.zarr"]
    said = terminal("predict", model, slide, "--out", out, "--resume")
    assert said.code == 0
    assert "already" in said.out
    assert terminal("predict", model, slide, "--out", out, "--probabilities", "--overwrite").code == 0
    assert (out / "slide_seg-prob.ome.zarr/0").exists()
    said = terminal("predict", model, slide, "--out", out, "--resume")
    assert "slide_seg.ome.zarr, " in said.out
    assert "slide_seg-prob.ome.zarr" in said.out


def test_two_workers(terminal, model, slide, tmp_path):
    for number, words in enumerate([(), ("--workers", 2)]):
        assert terminal("predict", model, slide, "--out", tmp_path / f"{number}.zarr", *words).code == 0
    one, two = (zarr.open_array(tmp_path / f"{number}.zarr/0", mode="r")[...] for number in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--overlay",), r"--overlay: .*large image"),
        (("--skip-existing",), r"--skip-existing: .*large image"),
        (("--average", "rotations"), r"--average rotations: .*large image"),
        (("--resume",), r"--resume"),
        (("--scheduler", "tcp://127.0.0.1:9"), r"127\.0\.0\.1:9"),
        (("--workers", "0"), r"0 workers.*1024"),
        (("--memory", "much"), r"'much'"),
        (("--memory", "20MB"), r"needs [\d.]+ [MG]B .*20 MB.* fewer workers"),
    ],
)
def test_what_cannot_be_is_one_line(terminal, model, slide, tmp_path, words, message, monkeypatch):
    import unseam.scale.cluster

    monkeypatch.setattr(unseam.scale.cluster, "_SECONDS", 1)
    out = tmp_path / "out.ome.zarr"
    said = terminal("predict", model, slide, "--out", out, *words)
    assert said.code == 2
    assert re.search(message, said.err), said.err
    assert said.err.startswith("unseam: ")
    assert len(said.err.splitlines()) == 1
    assert not out.exists()
    assert not work_folder(out).exists()


def test_options_of_large_images_are_not_ignored(terminal, model, data, tmp_path):
    said = terminal("predict", model, data / "images/a.png", "--out", tmp_path / "out", "--workers", 2, "--resume")
    assert said.code == 2
    assert "--resume, --workers: " in said.err
    said = terminal("predict", model, data / "images/a.png", data / "images/b.png", "--out", tmp_path / "out.zarr")
    assert said.code == 2
    assert "2 images" in said.err


@pytest.mark.parametrize("damage", ["metadata", "codec", "chunk", "axes"])
def test_a_damaged_store_is_one_line(terminal, model, slide, tmp_path, damage):
    about = json.loads((slide / "full/zarr.json").read_text())
    if damage == "metadata":
        (slide / "zarr.json").write_text("{")
    elif damage == "chunk":
        next(path for path in sorted((slide / "full/c").rglob("*")) if path.is_file()).write_bytes(b"no chunk")
    elif damage == "codec":
        about["codecs"].append({"name": "pickle"})
        (slide / "full/zarr.json").write_text(json.dumps(about))
    else:
        group = json.loads((slide / "zarr.json").read_text())
        group["attributes"]["ome"]["multiscales"][0]["axes"] = [{"name": "q"}, {"name": "x"}]
        (slide / "zarr.json").write_text(json.dumps(group))
    out = tmp_path / "out.ome.zarr"
    said = terminal("predict", model, slide, "--out", out)
    assert said.code == 2
    errors = [line for line in said.err.splitlines() if not line.startswith("- ")]
    assert len(errors) == 1
    assert str(slide) in errors[0]
    assert not out.exists()


def test_killed_and_gone_on_with(terminal, model, tmp_path, rng):
    slide = write_zarr(tmp_path / "slide.zarr", rng.integers(0, 255, (2500, 2100), np.uint8))
    out = tmp_path / "seg.zarr"
    words = [sys.executable, "-m", "unseam", "predict", str(model), str(slide), "--out", str(out), "--engine", "torch"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    journal = work_folder(out) / "journal.txt"
    while process.poll() is None and not (journal.exists() and '"stage":"0/0/network"' in journal.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    assert terminal("predict", model, slide, "--out", out, "--engine", "torch").code == 2
    said = terminal("predict", model, slide, "--out", out, "--engine", "torch", "--resume")
    assert said.code == 0
    assert "5,250,000 px in 9 chunks" in said.out
    assert not work_folder(out).exists()
