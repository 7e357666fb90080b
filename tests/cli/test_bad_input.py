"""What people give by mistake: one line that says what came and what to do, code 2, and nothing written or lost."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from reference.toy import SMALL

TINY = [word for setting in SMALL for word in ("--set", setting)]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def refused(terminal, tmp_path) -> Callable[..., str]:
    """Run a command line that must be refused; gives the message."""

    def command(*words: object) -> str:
        before = snapshot(tmp_path)
        said = terminal(*words)
        assert said.code == 2, said
        told = said.err.splitlines()
        (message,) = [line for line in told if not line.startswith("- ")]
        assert message.startswith("unseam: ")
        assert told[-1] == message, "the last line says what is wrong"
        assert "Traceback" not in said.err
        assert snapshot(tmp_path) == before
        return message

    return command


def png(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def mask(shape: tuple[int, ...] = (60, 70), dtype: type = np.uint8) -> np.ndarray:
    labels = np.zeros(shape, dtype)
    labels[10:30, 10:50] = 1
    return labels


def image_without_mask(data: Path) -> None:
    (data / "masks/b.png").unlink()


def mask_without_image(data: Path) -> None:
    (data / "images/b.png").unlink()


def other_size(data: Path) -> None:
    png(data / "masks/b.png", mask((60, 71)))


def empty_folders(data: Path) -> None:
    for path in data.rglob("*.png"):
        path.unlink()


def only_a_text(data: Path) -> None:
    empty_folders(data)
    (data / "images").rmdir()
    (data / "masks").rmdir()
    (data / "notes.txt").write_text("to do")


def truncated_image(data: Path) -> None:
    cut(data / "images/b.png")


def truncated_mask(data: Path) -> None:
    cut(data / "masks/b.png")


def text_as_png(data: Path) -> None:
    (data / "images/b.png").write_text("no picture")


def empty_file(data: Path) -> None:
    (data / "images/b.png").write_bytes(b"")


def float_mask(data: Path) -> None:
    (data / "masks/b.png").unlink()
    tifffile.imwrite(data / "masks/b.tif", np.where(mask() > 0, 0.7, 0.2).astype(np.float32))


def negative_mask(data: Path) -> None:
    (data / "masks/b.png").unlink()
    tifffile.imwrite(data / "masks/b.tif", np.where(mask() > 0, -9, 0).astype(np.int16))


def coloured_mask(data: Path) -> None:
    png(data / "masks/b.png", np.stack([mask() * 255, mask() * 0, mask() * 0], axis=-1))


def soft_mask(data: Path) -> None:
    ramp = np.zeros((60, 70), np.uint8)
    ramp[10:50, 10:50] = 255
    ramp[10:50, 5:10] = np.array([30, 80, 130, 180, 230])
    for name in "abc":
        png(data / f"masks/{name}.png", ramp)


def one_value(data: Path) -> None:
    for name in "abc":
        png(data / f"masks/{name}.png", np.full((60, 70), 255, np.uint8))


def declared_class_that_never_occurs(data: Path) -> None:
    (data / "images").rename(data / "imagesTr")
    (data / "masks").rename(data / "labelsTr")
    for name in "abc":
        (data / f"imagesTr/{name}.png").rename(data / f"imagesTr/{name}_0000.png")
        png(data / f"labelsTr/{name}.png", mask())
    (data / "dataset.json").write_text('{"labels": {"background": 0, "cell": 1, "nucleus": 2}}')


def nan_pixels(data: Path) -> None:
    image = np.random.default_rng(0).random((60, 70), np.float32)
    image[7, 9] = np.nan
    (data / "images/b.png").unlink()
    tifffile.imwrite(data / "images/b.tif", image)


def colour_among_grey(data: Path) -> None:
    png(data / "images/b.png", np.random.default_rng(0).integers(0, 255, (60, 70, 3)).astype(np.uint8))


def same_stem_twice(data: Path) -> None:
    (data / "images/b.tif").write_bytes((data / "images/b.png").read_bytes())


def planes_without_masks(data: Path) -> None:
    (data / "images/b.png").unlink()
    tifffile.imwrite(data / "images/b.tif", np.zeros((4, 60, 70), np.uint8), imagej=True, metadata={"axes": "ZYX"})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (image_without_mask, ["b.png has no mask", "same name"]),
        (mask_without_image, ["b.png has no image"]),
        (other_size, ["b.png has 60 x 70 px", "60 x 71"]),
        (empty_folders, ["holds no file that can be read"]),
        (only_a_text, ["no annotated images were recognised", "images"]),
        (truncated_image, ["images/b.png", "cut short"]),
        (truncated_mask, ["masks/b.png", "cut short"]),
        (text_as_png, ["images/b.png"]),
        (empty_file, ["images/b.png", "empty"]),
        (float_mask, ["masks/b.tif", "whole numbers"]),
        (negative_mask, ["masks/b.tif", "-9"]),
        (coloured_mask, ["masks/b.png", "colour (255, 0, 0)"]),
        (soft_mask, ["soft edges", "threshold"]),
        (one_value, ["nothing to learn"]),
        (declared_class_that_never_occurs, ["2 (nucleus)", "cannot be learnt"]),
        (nan_pixels, ["images/b.tif", "row 7, column 9"]),
        (colour_among_grey, ["b has 3 channel(s)", "same channels"]),
        (same_stem_twice, ["b.png and b.tif", "same name"]),
        (planes_without_masks, ["b.tif has 4 plane(s)"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_data(damage, words, refused, data, tmp_path):
    damage(data)
    message = refused("train", data, "--out", tmp_path / "run", "--steps", 2, "--device", "cpu", *TINY)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--recipe", "quick"], "default, paper"),
        (["--set", "training.stepz=3"], "Did you mean 'steps'"),
        (["--set", "trainin.steps=3"], "Did you mean 'training'"),
        (["--set", "training.batch_size=many"], "training.batch_size"),
        (["--set", "training.batch_size=1.5"], "must be of type int"),
        (["--set", "training.batch_size=0"], "training.batch_size = 0"),
        (["--set", "training.batch_size"], "path.to.setting=value"),
        (["--set", "=3"], "Unknown setting"),
        (["--set", ""], "path.to.setting=value"),
        (["--set", "net=3"], "net.unet"),
        (["--set", "net.vit.depth=3"], "vit"),
        (["--set", "net.unet=3"], "net.unet"),
        (["--set", "optimiser.sgd.momentum=2"], "sgd.momentum = 2"),
        (["--set", "training.precision=double"], "training.precision = 'double'"),
        (["--set", "training.steps.more=3"], "training.steps"),
        (["--set", "a.b.c.d=3"], "Unknown setting 'a'"),
        (["--steps", "0"], "training.steps = 0"),
        (["--minutes", "0"], "training.minutes = 0"),
        (["--steps", "many"], "--steps"),
        (["--device", "quantum"], "Device 'quantum'"),
        (["--masks", "cells"], "--masks"),
        (["--masks", "instances", "--ignore", "x"], "--ignore"),
        (["--nope"], "--nope"),
        (["more", "folders"], "more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_of_train(options, word, refused, data, tmp_path):
    assert word in refused("train", data, "--out", tmp_path / "run", *options)


def test_kinds_that_the_masks_contradict(refused, data, tmp_path):
    png(data / "masks/b.png", mask() * 3)
    message = refused("train", data, "--out", tmp_path / "run", "--masks", "binary")
    assert "binary" in message


def test_folders(refused, data, model, tmp_path):
    out = ["--out", tmp_path / "run", "--steps", 2, "--device", "cpu", *TINY]
    assert "nowhere" in refused("train", tmp_path / "nowhere", *out)
    assert "a.png" in refused("train", data / "images/a.png", *out)
    assert "--out" in refused("train", data)
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert "file" in refused("train", data, "--out", place, "--steps", 2, "--device", "cpu", *TINY)
    assert "already holds a run" in refused("train", data, "--out", model, "--steps", 2)


def test_going_on_without_a_run_or_with_a_broken_one(refused, data, tmp_path):
    assert str(tmp_path / "run") in refused("train", data, "--out", tmp_path / "run", "--resume")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.toml").write_text("[net\n")
    assert "not a TOML file" in refused("train", data, "--out", tmp_path / "run", "--resume")
    for endless in ("a = " + "[" * 5000, "a = " + "9" * 5000):
        (tmp_path / "run/config.toml").write_text(endless)
        assert "not a TOML file" in refused("train", data, "--out", tmp_path / "run", "--resume")
    (tmp_path / "run/config.toml").write_text("[net.unet]\nfirst_width = 2\ndepth = 1\n[training]\noutput_size = 24\n")
    (tmp_path / "run/checkpoint.safetensors").write_bytes(b"broken")
    words = ["train", data, "--out", tmp_path / "run", "--resume", "--device", "cpu"]
    assert "checkpoint" in refused(*words)
    (tmp_path / "run/checkpoints/step-000007").mkdir(parents=True)
    assert "checkpoint" in refused(*words)
    (tmp_path / "run/checkpoints/step-000007").rmdir()
    (tmp_path / "run/checkpoint.safetensors").unlink()
    (tmp_path / "run/history.csv").write_text("step\n7\n")
    assert "no checkpoint" in refused(*words)


def test_starts(refused, terminal, model, data, tmp_path):
    out = ["--out", tmp_path / "run", "--steps", 2, "--device", "cpu"]
    (tmp_path / "text.safetensors").write_text("hello, this is not a model")
    (tmp_path / "cut.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:-100])
    (checkpoint,) = (model / "checkpoints").glob("step-*10")
    for place, word in (
        (tmp_path / "nowhere", "not a model file"),
        (tmp_path, "not a model file"),
        (data / "images/a.png", "not a model file"),
        (tmp_path / "text.safetensors", "not a model file"),
        (tmp_path / "cut.safetensors", "damaged"),
        (checkpoint, "not a model file"),
        (checkpoint / "weights.safetensors", "not a model file"),
    ):
        assert word in refused("train", data, "--from", place, *out)
    assert "model.safetensors" in refused("train", data, "--from", tmp_path / "nowhere", *out)
    begun = ["train", data, "--from", model, *out]
    assert "net.depth is set to 4, but the start has 1" in refused(*begun, "--set", "net.depth=4")
    assert "Did you mean 'depth'" in refused(*begun, "--set", "net.unet.dept=4")
    assert "start.member = 2" in refused(*begun, "--set", "start.member=2")
    assert "start.member = 0" in refused(*begun, "--set", "start.member=0")
    assert "start.name" in refused(*begun, "--set", "start.name=2")
    assert "training.layers" in refused(*begun, "--set", "training.layers=first")
    assert "head classes" in refused(*begun, "--masks", "instances")
    assert "--from" in refused("train", data, "--recipe", "fine_tuned", *out)
    assert "Got a start and resume" in refused("train", data, "--from", model, "--out", model, "--resume")
    assert "already holds a run" in refused("train", data, "--from", model, "--out", model)


def test_models(refused, model, data, tmp_path):
    image, out = data / "images/a.png", ["--out", tmp_path / "out"]
    (tmp_path / "text.safetensors").write_text("hello, this is not a model")
    (tmp_path / "cut.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:-100])
    for place in (tmp_path / "nowhere", tmp_path, image, tmp_path / "text.safetensors", tmp_path / "cut.safetensors"):
        word = "damaged" if place.name.startswith("cut") else "not a model file"
        assert word in refused("predict", place, image, *out)
        assert word in refused("seams", place, image)
        if word != "damaged":
            assert word in refused("info", place)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--tile", "10"], "too small for this network"),
        (["--tile", "-1"], "too small for this network"),
        (["--save", "all"], "--save"),
        (["--average", "median"], "--average"),
        (["--device", "quantum"], "Device 'quantum'"),
        (["--save", "both", "--objects-of", "nucleus"], "foreground (255)"),
        (["--save", "both", "--threshold", "2"], "threshold is 2"),
        (["--save", "both", "--min-size", "-1"], "min_size is -1"),
        (["--precision", "float16"], "--precision"),
        (["--objects-of", "255"], "--save instances"),
        (["--threshold", "0.7", "--min-size", "3"], "--threshold, --min-size: "),
        (["--overwrite", "--skip-existing"], "--overwrite"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_of_predict(options, word, refused, model, data, tmp_path):
    assert word in refused("predict", model, data, "--out", tmp_path / "out", *options)


def test_images_to_predict(refused, model, data, tmp_path):
    out = ["--out", tmp_path / "out"]
    assert "nowhere.tif" in refused("predict", model, tmp_path / "nowhere.tif", *out)
    assert "image" in refused("predict", model, *out)
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused("predict", model, tmp_path / "empty", *out)
    colour = tmp_path / "colour.png"
    png(colour, np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8))
    message = refused("predict", model, colour, *out)
    assert "colour.png" in message
    assert "3 channel(s)" in message
    tifffile.imwrite(tmp_path / "nan.tif", np.full((9, 9), np.nan, np.float32))
    assert "nan.tif" in refused("predict", model, tmp_path / "nan.tif", *out)
    cut(data / "images/b.png")
    assert "b.png" in refused("predict", model, data / "images/b.png", *out)
    (tmp_path / "table.csv").write_text("1,2,3")
    assert "table.csv" in refused("predict", model, tmp_path / "table.csv", *out)


def test_results_that_would_be_lost(refused, model, data, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b_classes.tif").write_bytes(b"mine")
    message = refused("predict", model, data, "--out", out)
    assert "b_classes.tif" in message
    assert "--skip-existing" in message
    other = tmp_path / "other"
    other.mkdir()
    png(other / "a.png", np.zeros((9, 9), np.uint8))
    message = refused("predict", model, data / "images/a.png", other / "a.png", "--out", tmp_path / "new")
    assert str(other / "a.png") in message
    assert "images/a.png" in refused("predict", model, data, "--out", data / "images/a.png")


@pytest.mark.parametrize("place", ["", "masks"])
def test_annotations_are_not_overwritten(place, refused, terminal, model, data, tmp_path):
    folder = tmp_path / "one"
    (folder / "images").mkdir(parents=True)
    (folder / place).mkdir(exist_ok=True)
    image = folder / ("images" if place else "") / "x.png"
    image.write_bytes((data / "images/a.png").read_bytes())
    tifffile.imwrite(folder / place / "x_masks.tif", mask())
    before = (folder / place / "x_masks.tif").read_bytes()
    words = ["predict", model, image, "--out", folder / place, "--save", "both", "--overwrite"]
    assert "annotation of x.png" in refused(*words)
    assert (folder / place / "x_masks.tif").read_bytes() == before
    assert terminal(*words[:-1], "--skip-existing").code == 0
    assert (folder / place / "x_masks.tif").read_bytes() == before


def test_evaluate(refused, data, tmp_path):
    masks = data / "masks"
    assert "nowhere" in refused("evaluate", tmp_path / "nowhere", masks)
    assert "nowhere" in refused("evaluate", masks, tmp_path / "nowhere")
    other = tmp_path / "other"
    other.mkdir()
    assert str(other) in refused("evaluate", other, masks)
    assert str(other) in refused("evaluate", masks, other)
    png(other / "z.png", mask() * 255)
    message = refused("evaluate", other, masks)
    assert "z; annotations: a, b, c" in message
    (other / "z.png").unlink()
    png(other / "a.png", mask((60, 71)) * 255)
    assert "a" in refused("evaluate", other, masks)
    png(other / "a.png", mask() * 7)
    assert "7" in refused("evaluate", other, masks)
    png(other / "a_masks.png", mask() * 255)
    png(other / "a_cp_masks.png", mask() * 255)
    assert "a_cp_masks.png" in refused("evaluate", other, masks)


def test_evaluate_what_is_no_label_map(refused, data, tmp_path):
    tifffile.imwrite(tmp_path / "a_prob.tif", np.zeros((2, 60, 70), np.float32), photometric="minisblack")
    assert "_prob" in refused("evaluate", tmp_path / "a_prob.tif", data / "masks/a.png")
    tifffile.imwrite(tmp_path / "a.tif", np.full((60, 70), 0.5, np.float32))
    assert "whole numbers" in refused("evaluate", tmp_path / "a.tif", data / "masks/a.png")
    tifffile.imwrite(tmp_path / "s.tif", np.zeros((4, 60, 70), np.uint8), imagej=True, metadata={"axes": "ZYX"})
    assert "4 plane(s)" in refused("evaluate", tmp_path / "s.tif", data / "masks/a.png")


def test_seams(refused, terminal, model, data, tmp_path):
    said = terminal("seams", model, data / "images/a.png", "--tile", 10)
    assert said.code == 2
    assert "too small for this network" in said.err
    assert "nowhere.tif" in refused("seams", model, tmp_path / "nowhere.tif")


def test_a_demo_that_is_there(refused, model):
    (model.parent / "demo").mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (model.parent / "demo" / "model").symlink_to(model)
    assert "--out" in refused("demo", "--out", model.parent / "demo")


def test_no_verb_and_unknown_ones(refused, terminal):
    assert terminal().code == 0
    assert "train" in terminal().out
    assert "train, predict, evaluate" in refused("segment")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_cannot_be_written(refused, model, data, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert str(locked) in refused("train", data, "--out", locked / "run", "--steps", 2, *TINY)
    assert str(locked) in refused("predict", model, data, "--out", locked / "out")


@pytest.mark.skipif(os.name == "nt" or not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_disk_that_is_full(terminal, model, data, monkeypatch, tmp_path):
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = terminal("predict", model, data, "--out", tmp_path / "out")
    assert said.code == 2
    assert "No space left on device" in said.err
    assert not any(path.is_file() for path in tmp_path.rglob("out/*"))
    (tmp_path / "out").mkdir(exist_ok=True)
    said = terminal("predict", model, data, "--out", tmp_path / "out")
    assert said.code == 2
    assert "free" in said.err
    assert not any(path.is_file() for path in tmp_path.rglob("out/*_*.tif"))


def test_too_little_memory(terminal, model, data, monkeypatch, tmp_path):
    from unseam.inference.predict import Predictor

    for error in (MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(Predictor, "probabilities", fail)
        said = terminal("predict", model, data, "--out", tmp_path / "out")
        assert said.code == 2
        assert said.err.startswith("unseam: There is not enough memory.")


def test_a_bug_of_ours_is_not_hidden(terminal, model, data, monkeypatch, tmp_path):
    from unseam.inference.predict import Predictor

    def fail(*_: object) -> None:
        raise RuntimeError("a promise was broken")

    monkeypatch.setattr(Predictor, "probabilities", fail)
    with pytest.raises(RuntimeError, match="a promise was broken"):
        terminal("predict", model, data, "--out", tmp_path / "out")


def test_words_without_end(refused, data, tmp_path):
    """Of what came only so much is repeated as can be read."""
    assert "brackets" in refused("predict", data, "[" * 5000, "--out", tmp_path / "out")
    assert len(refused("train", data, "--out", tmp_path / "run", "--steps", "9" * 20_000)) < 4100
