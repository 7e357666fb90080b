"""From annotated images to scores, as a person does it at the terminal."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from reference.toy import SMALL
from unseam.io import read_image, read_labels, write_image

TINY = [word for setting in SMALL for word in ("--set", setting)]
EVERYTHING = ["a_classes.tif", "a_masks.tif", "a_overlay.png", "a_prob.tif"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_train_from_a_model(terminal, model, data, tmp_path):
    out = tmp_path / "run"
    said = terminal("train", data, "--from", model, "--out", out, "--steps", 10, "--device", "cpu", *TINY)
    assert said.code == 0
    told = said.err.splitlines()
    score = re.search(r"^- before the first step: IoU ([\d.]+) on what is held out$", said.err, re.MULTILINE)
    assert score is not None
    assert any(re.match(rf"step      0   energy -   validation {score[1]} ", line) for line in told)
    assert "- training begins with a network of 10 step(s) on 3 image(s); its architecture and its" in said.err
    assert "start.safetensors" in names(out)
    assert "run (SHA-256 " in terminal("info", out).out
    assert terminal("predict", out, data, "--out", tmp_path / "results", "--device", "cpu").code == 0


def test_train_predict_evaluate_info_seams(terminal, data, tmp_path):
    out, results = tmp_path / "run", tmp_path / "results"
    said = terminal("train", data, "--out", out, "--steps", 30, "--device", "cpu", *TINY)
    assert said.code == 0
    assert said.out.splitlines()[0].startswith("30 steps in ")
    assert f"model: {out / 'model.safetensors'}" in said.out
    told = said.err.splitlines()
    assert all(line.startswith(("- ", "step ")) for line in told)
    assert sum(line.startswith("step ") for line in told) == 3

    said = terminal("predict", out, data, "--out", results, "--device", "cpu")
    assert said.code == 0
    assert names(results) == ["a_classes.tif", "b_classes.tif", "c_classes.tif"]
    assert re.search(r"a\.png: 70 x 60 px, [\d.]+% foreground -> .*a_classes\.tif", said.out)
    predicted = read_labels(results / "a_classes.tif").pixels
    assert predicted.shape == (60, 70)
    assert set(np.unique(predicted)) <= {0, 255}

    said = terminal("evaluate", results, data / "masks")
    assert said.code == 0
    table = said.out.splitlines()[1 : said.out.splitlines().index("")]
    assert [line.split()[0] for line in table] == ["image", "a", "b", "c", "all", "95", "95"]

    said = terminal("info", out)
    assert said.code == 0
    assert "background (0), foreground (255)" in said.out
    assert "30 steps" in said.out

    said = terminal("seams", out, data / "images" / "a.png")
    assert said.code == 0
    assert said.out.splitlines()[-1] == "largest difference of a probability: 0, rounding alone: no seams"
    assert said.out.count("pixels of another class 0") >= 1
    size = re.search(r"one pass: input tile (\d+) x \1", said.out)
    assert size is not None
    assert f"input tile {int(size[1]):5d} x" not in said.out


def test_info_as_json(terminal, model):
    about = json.loads(terminal("info", model, "--json").out)
    assert about["class_values"] == [0, 255]
    assert about["training"]["steps"] == 10
    assert about == json.loads(terminal("info", model / "model.safetensors", "--json").out)


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ([], ["a_classes.tif"]),
        (["--save", "instances"], ["a_masks.tif"]),
        (["--save", "both", "--probabilities", "--overlay"], EVERYTHING),
    ],
)  # fmt: skip
def test_results_are_named_as_the_help_says(options, written, terminal, model, data, tmp_path):
    assert terminal("predict", model, data / "images/a.png", "-o", tmp_path / "out", *options).code == 0
    assert names(tmp_path / "out") == written


def test_probabilities_and_classes_belong_together(terminal, model, data, tmp_path):
    terminal("predict", model, data / "images/a.png", "-o", tmp_path / "out", "--probabilities")
    probabilities = read_image(tmp_path / "out/a_prob.tif")
    assert probabilities.axes == "CYX"
    assert probabilities.pixels.dtype == np.float32
    classes = read_labels(tmp_path / "out/a_classes.tif").pixels
    np.testing.assert_array_equal(classes, 255 * probabilities.pixels.argmax(axis=0))


def test_tiles_change_nothing(terminal, model, data, tmp_path):
    for tile in (40, 1212):
        assert terminal("predict", model, data, "-o", tmp_path / f"{tile}", "--probabilities", "--tile", tile).code == 0
    small, large = (read_image(tmp_path / f"{tile}/b_prob.tif").pixels for tile in (40, 1212))
    np.testing.assert_allclose(small, large, atol=1e-5)


@pytest.mark.parametrize("average", ["rotations", "flips"])
def test_averaging(average, terminal, model, data, tmp_path):
    assert terminal("predict", model, data / "images/a.png", "-o", tmp_path / "out", "--average", average).code == 0


def test_a_stack_is_segmented_plane_by_plane_and_keeps_its_pixel_size(terminal, model, tmp_path, rng):
    stack = rng.integers(0, 255, (3, 30, 41)).astype(np.uint8)
    options = {"metadata": {"axes": "ZYX", "unit": "um"}, "resolution": (4.0, 2.0)}
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, **options)
    assert terminal("predict", model, tmp_path / "s.tif", "-o", tmp_path / "out").code == 0
    result = read_labels(tmp_path / "out/s_classes.tif")
    assert (result.axes, result.pixels.shape) == ("ZYX", (3, 30, 41))
    assert result.spacing_um == pytest.approx((0.5, 0.25))


def test_three_planes_are_no_colours_to_a_model_of_grey_images(terminal, model, tmp_path, rng):
    stack = rng.integers(0, 255, (3, 30, 41)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack")
    said = terminal("predict", model, tmp_path / "s.tif", "-o", tmp_path / "out")
    assert said.code == 0, said.err
    assert "3 channels" in said.err
    assert read_labels(tmp_path / "out/s_classes.tif").pixels.shape == (3, 30, 41)
    np.save(tmp_path / "g.npy", np.stack([stack[0]] * 3))
    terminal("predict", model, tmp_path / "g.npy", "-o", tmp_path / "out")
    assert read_labels(tmp_path / "out/g_classes.tif").axes == "YX"


@pytest.mark.parametrize(("axes", "shape"), [("TZYX", (2, 3)), ("ZYX", (3,)), ("TYX", (2,))])
def test_stacks_come_back_with_their_axes_and_all_probabilities(axes, shape, terminal, model, tmp_path, rng):
    stack = rng.integers(0, 255, (*shape, 20, 31)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, metadata={"axes": axes})
    options = ["--save", "both", "--probabilities", "--overlay"]
    said = terminal("predict", model, tmp_path / "s.tif", "-o", tmp_path / "out", *options)
    assert said.code == 0, said.err
    assert "first plane" in said.err
    classes, objects = (read_labels(tmp_path / f"out/s_{kind}.tif") for kind in ("classes", "masks"))
    assert (classes.axes, classes.pixels.shape) == (objects.axes, objects.pixels.shape) == (axes, stack.shape)
    probabilities = read_image(tmp_path / "out/s_prob.tif")
    assert probabilities.axes == axes.replace("YX", "CYX")
    np.testing.assert_array_equal(classes.pixels, 255 * probabilities.pixels.argmax(axis=-3))


def test_going_on_where_it_stopped(terminal, model, data, tmp_path):
    words = ["predict", model, data, "-o", tmp_path / "out"]
    assert terminal(*words[:2], data / "images/a.png", *words[3:]).code == 0
    before = (tmp_path / "out/a_classes.tif").stat().st_mtime_ns
    said = terminal(*words, "--skip-existing", "--probabilities")
    assert said.code == 0
    assert len(names(tmp_path / "out")) == 6
    assert (tmp_path / "out/a_classes.tif").stat().st_mtime_ns == before
    assert "a_prob.tif" in said.out
    assert "a_classes.tif" not in said.out
    assert terminal(*words, "--skip-existing").out.startswith("nothing to do")


def test_data_sets_are_predicted_and_scored_whole(terminal, model, data, tmp_path):
    bowl, track = tmp_path / "bowl", tmp_path / "track"
    for name in "abc":
        (bowl / name / "images").mkdir(parents=True)
        (bowl / name / "images" / f"{name}.png").write_bytes((data / "images" / f"{name}.png").read_bytes())
    assert terminal("predict", model, bowl, "-o", tmp_path / "1").code == 0
    assert names(tmp_path / "1") == ["a_classes.tif", "b_classes.tif", "c_classes.tif"]
    for sequence in ("01", "02"):
        (track / sequence).mkdir(parents=True)
        (track / f"{sequence}_GT/SEG").mkdir(parents=True)
        (track / sequence / "t000.png").write_bytes((data / "images/a.png").read_bytes())
        (track / f"{sequence}_GT/SEG/man_seg000.png").write_bytes((data / "masks/a.png").read_bytes())
    assert terminal("predict", model, track, "-o", tmp_path / "2").code == 0
    assert names(tmp_path / "2") == ["01_t000_classes.tif", "02_t000_classes.tif"]
    for out, truth in ((tmp_path / "1", data), (tmp_path / "2", track)):
        said = terminal("evaluate", out, truth)
        assert said.code == 0, said.err


def test_a_pattern_stands_for_its_files(terminal, model, data, tmp_path):
    assert terminal("predict", model, data / "images" / "[ab].png", "-o", tmp_path / "out").code == 0
    assert names(tmp_path / "out") == ["a_classes.tif", "b_classes.tif"]


def test_results_are_replaced_if_that_is_said(terminal, model, data, tmp_path):
    words = ["predict", model, data / "images/a.png", "-o", tmp_path / "out"]
    assert terminal(*words).code == 0
    assert terminal(*words).code == 2
    assert terminal(*words, "--overwrite").code == 0


@pytest.mark.parametrize("kind", ["classes", "instances"])
def test_a_prediction_against_itself_is_perfect(kind, terminal, data, tmp_path):
    full = ["--set", "net.unet.first_width=6", "--set", "optimiser.adam_w.learning_rate=1e-2"]  # finds something in a second
    small = [word for setting in SMALL for word in ("--set", setting)]
    model = tmp_path / "run"
    assert terminal("train", data, "--out", model, "--steps", "120", "--device", "cpu", *small, *full).code == 0
    terminal("predict", model, data, "-o", tmp_path / "out", "--save", kind)
    words = ("--masks", kind) if kind != "classes" else ()
    said = terminal("evaluate", tmp_path / "out", tmp_path / "out", "--json", "-", *words)
    assert said.code == 0, said.err
    scores = json.loads(said.out)
    assert [image["name"] for image in scores["images"]] == ["a", "b", "c"]
    best = {"iou": 1.0, "dice": 1.0, "pixel_error": 0.0, "rand_error": 0.0}
    if kind == "instances":
        best |= {"seg": 1.0, "f1": 1.0}
    assert {name: scores["all"][name] for name in best} == best


def test_masks_against_themselves_and_file_against_file(terminal, data):
    assert json.loads(terminal("evaluate", data / "masks", data / "masks", "--json", "-").out)["all"]["iou"] == 1.0
    assert json.loads(terminal("evaluate", data / "masks/a.png", data / "masks/b.png", "--json", "-").out)["all"]["iou"] < 1.0


def test_where_both_were_written_the_kind_of_the_annotations_decides(terminal, model, data, tmp_path):
    terminal("predict", model, data, "-o", tmp_path / "out", "--save", "both", "--probabilities", "--overlay")
    said = terminal("evaluate", tmp_path / "out", data / "masks", "--json", "-")
    assert said.code == 0, said.err
    assert json.loads(said.out)["masks"] == "binary"


def test_annotations_without_a_prediction_are_counted(terminal, model, data, tmp_path):
    terminal("predict", model, data / "images/a.png", "-o", tmp_path / "out")
    assert "2 annotation(s)" in terminal("evaluate", tmp_path / "out", data / "masks").out


def test_names_with_brackets_are_shown_as_they_are(terminal, data):
    (data / "masks/a.png").rename(data / "masks/a[red].png")
    assert "a[red]" in terminal("evaluate", data / "masks", data / "masks").out


def test_resume_trains_for_longer(terminal, data, tmp_path):
    words = ["train", data, "--out", tmp_path / "run", "--device", "cpu"]
    assert terminal(*words, "--steps", 10, *TINY).code == 0
    said = terminal(*words, "--resume", "--steps", 20)
    assert said.code == 0
    assert "from step 10" in said.err
    assert said.out.startswith("20 steps")


def test_constant_images_work(terminal, data, tmp_path):
    for path in (data / "images").iterdir():
        Image.fromarray(np.full((60, 70), 77, np.uint8)).save(path)
    assert terminal("train", data, "--out", tmp_path / "run", "--steps", 3, "--device", "cpu", *TINY).code == 0
    said = terminal("predict", tmp_path / "run", data, "-o", tmp_path / "out")
    assert said.code == 0


def test_settings_of_the_command_line_reach_the_run(terminal, data, tmp_path):
    extra = ["--masks", "binary", "--ignore", "7", "--set", "net.fcn.first_width=2", "--set", "net.fcn.depth=1"]
    assert terminal("train", data, "--out", tmp_path / "run", "--steps", 1, "--device", "cpu", *TINY, *extra).code == 0
    text = (tmp_path / "run" / "config.toml").read_text()
    assert "[net.fcn]" in text
    assert "ignore = 7" in text
    assert 'masks = "binary"' in text


def in_another_process(*words: object, code: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess:
    start = [sys.executable, "-c", code] if code is not None else [sys.executable, "-m", "unseam"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [*start, *map(os.fspath, words)]
    return subprocess.run(command, capture_output=True, timeout=timeout, env=environment, check=False)


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["--version"], ["predict", "--nope"]])
def test_help_does_not_wait_for_heavy_libraries(words):
    code = (
        "import sys\nfrom unseam.cli.app import run\n"
        f"run({words!r})\n"
        "heavy = {'torch', 'scipy', 'skimage', 'numpy', 'tifffile', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = in_another_process(code=code)
    assert done.returncode == 0, done.stderr.decode()


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, unseam; assert not {'torch', 'numpy', 'scipy'} & set(sys.modules); unseam.UnseamError"
    assert in_another_process(code=code).returncode == 0


def test_info_does_not_read_images_or_numbers_twice(terminal, model):
    before = (model / "model.safetensors").stat().st_mtime_ns
    terminal("info", model)
    assert (model / "model.safetensors").stat().st_mtime_ns == before


def test_the_module_is_the_command():
    import unseam

    done = in_another_process("--version")
    assert (done.returncode, done.stdout.decode().strip()) == (0, unseam.__version__)
    assert in_another_process("--nope").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are text there")
def test_names_that_are_no_text(model, data, tmp_path):
    name = os.fsencode(tmp_path) + b"/odd\xff.png"
    Path(os.fsdecode(name)).write_bytes((data / "images/a.png").read_bytes())
    done = in_another_process("predict", model, os.fsdecode(name), "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"odd" in done.stdout
    assert len(names(tmp_path / "out")) == 1


def test_one_bad_image_does_not_stop_the_others(terminal, model, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    write_image(images / "a.png", np.full((20, 20), 7, np.uint8))
    (images / "b.png").write_bytes(b"no image")
    write_image(images / "c.png", np.full((20, 20), 9, np.uint8))
    said = terminal("predict", model, images, "--out", tmp_path / "out")
    assert said.code == 2
    assert "b.png" in said.err
    assert "1 of 3 images" in said.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_classes.tif", "c_classes.tif"]


def test_the_tile_that_help_names_is_the_one_that_is_taken():
    """Written twice, so that help needs no torch."""
    from inspect import signature

    from unseam.cli.predict import predict
    from unseam.inference import DEFAULT_INPUT_TILE

    assert signature(predict).parameters["tile"].default == DEFAULT_INPUT_TILE
