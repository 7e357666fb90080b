"""The parts of the benchmarks that need no data and no training: splits, what counts as finished, the table."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture
def few_images(monkeypatch):
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    monkeypatch.syspath_prepend(str(FOLDER))
    import few_images

    yield few_images
    for name in ("few_images", "few_images_rows", "common", "gpu", "gpu_bench", "huge", "huge_stub"):
        sys.modules.pop(name, None)


@pytest.fixture
def common(few_images):
    return sys.modules["common"]


def row_named(few_images, name):
    return next(row for row in few_images.rows() if row.name == name)


def fake_result(few_images, name, figures):
    row = row_named(few_images, name)
    return {
        "name": name,
        "data": row.data.name,
        "change": row.change,
        "minutes": 5.0,
        "train": ["a"],
        "test": ["b", "c"],
        "steps": 100,
        "best_step": 90,
        "parameters": 4_370_000,
        "threads": 2,
        "scores": {"images": [], "all": figures},
        "seconds": {"training": 300.0, "train_call": 303.0, "predicting": 12.3},
        "megapixels_predicted": 4.5,
        "date": "2015-05-18",
        "cpu": "a processor",
        "cores": 2,
        "load_at_start": [0.25, 0.1, 0.1],
        "versions": {"unseam": "0.1.0"},
        "commit": "abc",
        "command": "python benchmarks/few_images.py .../data",
    }


def annotated_folder(few_images, folder, row):
    """Empty files of the right names, and a few more."""
    stems = [f"sub-rat{n}_sample-data{m}_SEM" for n, m in ((1, 1), (2, 5), (5, 14), (6, 15))]
    stems += [f"fluo_{n:03}" for n in range(80)] + [f"bf_{n}" for n in range(5)]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
        for stem in stems:
            (folder / part / f"{stem}.png").touch()
    return few_images.plan_of(row, folder, 5.0)


def test_fine_tuning_lists_its_trials_and_shows_what_is_there(few_images, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER / "arena"))
    import fine_tune

    for name in ("fine_tune", "trials", "judge", "sets"):
        monkeypatch.delitem(sys.modules, name)
    variant = ["--variant", "tenth optimiser.learning_rate=0.002"]
    words = ["fine_tune.py", "DATA", *variant, "--images", "1", "--models", "kept", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    options = fine_tune.arguments()
    begun = "axon-sem-tenth-1 --images 1 --from kept/axon-sem-5min-1t.safetensors optimiser.learning_rate=0.002"
    found = fine_tune.trials(options)
    assert (len(found), found[0], found[2]) == (5, "nothing-1 --images 1", begun)

    about = {"date": "2015-05-18", "cpu": "a processor", "versions": {"unseam": "0.1.0"}}
    scores = {"seg": 0.5, "f1": 0.25, "pq": 0.125}
    fine_tune.write_json(tmp_path / "start-axon-sem-5min-1t.json", {"start": "axon-sem", "scores": scores, **about})
    for seed, (trial, first) in enumerate([("nothing-1", None), ("dsb2018-1", 0.4), ("dsb2018-1", 0.6)]):
        run = {"trial": trial, "minutes": 5.0, "first_score": first, "scores": scores, "steps": 10, "told": ["a sentence"]}
        fine_tune.write_json(tmp_path / f"{trial}-usiigaci-phase-5min-1t-seed{seed}.json", run | about)
    result, page = fine_tune.table(options)
    assert [line for line in page.splitlines() if line.startswith("| ")][1:] == [
        "| axon-sem, step 0 | 0 | 0 | 1 | | 0.500 | 0.250 | 0.125 | 0 |",
        "| nothing | 1 | 5 | 1 |  | 0.500 | 0.250 | 0.125 | 10 |",
        "| dsb2018 | 1 | 5 | 2 | 0.500 (0.400 to 0.600) | 0.500 (0.500 to 0.500) | 0.250 (0.250 to 0.250) "
        "| 0.125 (0.125 to 0.125) | 10 |",
    ]
    assert len(result["runs"]) == 3


def test_table_of_two_rows(few_images, tmp_path):
    axon = {"iou_class_1": 0.7, "iou_class_2": 0.8, "iou": 0.75, "pixel_error": None}
    out = tmp_path / "few_images"
    out.mkdir()
    for name, figures in (("axon-sem", axon), ("dsb2018", {"seg": 0.65432, "f1": 0.9})):
        (out / f"{name}.json").write_text(json.dumps(fake_result(few_images, name, figures)))

    few_images.write_table(out)

    text = (tmp_path / "few_images.md").read_text(encoding="utf-8")
    line = "| axon-sem | the default recipe | 1 → 2 | 0.7000 | 0.8000 | 0.7500 |  | 5 | 100 (90) | 4,370,000 | "
    assert f"{line}12 s, 4.5 Mpx |" in text.splitlines()
    assert "| 0.6543 | 0.9000 |" in text
    assert "isbi2012-em" not in text
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    for rows in tables:
        assert len({row.count("|") for row in rows.splitlines()}) == 1, "every line of a table has as many cells"


def test_pictures_only_of_data_that_may_be_passed_on(few_images):
    figures = {"seg": 0.5, "f1": 0.5, "pixel_error": 0.1, "rand_error": 0.1}
    text = few_images.table([fake_result(few_images, name, figures) for name in ("isbi2012-em", "dsb2018")])
    assert "![" not in text
    shown = {row.data.name for row in few_images.rows() if row.data.credit}
    assert shown == {"axon-sem", "usiigaci-phase"}


def test_every_row_has_settings_that_can_be(few_images):
    rows = few_images.rows()
    assert len({row.name for row in rows}) == len(rows) == 11
    for row in rows:
        run = few_images.run_of(row, 5.0)
        assert run.training.minutes == 5.0
        assert run.data.masks == row.data.kind
    net, fcn = (few_images.run_of(row_named(few_images, name), 5.0).net for name in ("axon-sem", "axon-sem-fcn"))
    assert type(fcn).__name__ == "FCNConfig"
    assert (fcn.first_width, fcn.depth, fcn.dropout) == (net.first_width, net.depth, net.dropout)
    assert few_images.run_of(row_named(few_images, "usiigaci-phase-no-weight-map"), 5.0).weight_map.w0 == 0
    assert few_images.run_of(row_named(few_images, "axon-sem-no-elastic"), 5.0).augment.elastic is None


def test_no_image_is_on_both_sides(few_images, tmp_path):
    for name in ("axon-sem", "usiigaci-phase", "isbi2012-em", "dsb2018"):
        plan = annotated_folder(few_images, tmp_path / name, row_named(few_images, name))
        assert not set(plan["train"]) & set(plan["test"])
        if name == "axon-sem":
            assert plan["test"] == ["sub-rat2_sample-data5_SEM", "sub-rat6_sample-data15_SEM"]
        if name == "dsb2018":
            assert (len(plan["train"]), len(plan["test"])) == (8, 50)
            assert all(stem.startswith("fluo_") for stem in plan["train"] + plan["test"])


def test_a_row_is_finished_until_its_plan_changes(few_images, tmp_path):
    row = row_named(few_images, "axon-sem-one-image")
    plan = annotated_folder(few_images, tmp_path / "data", row)
    assert plan["train"] == ["sub-rat1_sample-data1_SEM"]
    file = tmp_path / "row.json"
    assert not few_images.is_finished(file, plan)
    file.write_text(json.dumps({**plan, "scores": {}, "commit": "another"}))
    assert few_images.is_finished(file, plan)
    assert not few_images.is_finished(file, few_images.plan_of(row, tmp_path / "data", 1.0))


def test_picture_is_small(few_images, tmp_path, rng):
    image = rng.integers(0, 256, (900, 1100), dtype=np.uint8)
    few_images.write_picture(tmp_path / "pictures" / "a.png", image, image // 128, image // 64)
    assert (tmp_path / "pictures" / "a.png").stat().st_size <= 300_000


def test_command_names_no_place_outside(common, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = str(tmp_path / "benchmarks" / "a.py")
    told = common.command([here, "/far/away/data", "--out=/tmp/x", "../b/c", "--n", "5"])
    assert told == "python benchmarks/a.py .../data --out=.../x .../c --n 5"
    assert set(common.facts("numpy")["versions"]) == {"unseam", "python", "numpy"}


def test_the_gpu_benchmark_runs_to_its_end_without_a_gpu(common, monkeypatch, tmp_path, capsys):
    import gpu

    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    gpu.main(["--device", "cpu", "--small", "--out", str(tmp_path)])
    result = json.loads((tmp_path / "gpu.json").read_text())
    measured = {row["what"].split(",")[0] for row in result["rows"]}
    assert measured == {"matrix product", "forward", "training step", "one image", "many images", "augmented crop"}
    assert all(row["median_ms"] > 0 for row in result["rows"])
    assert all("CUDA graphs need a CUDA device" in line for line in result["missing"]), "nothing else may be missing"
    assert result["sizes"].startswith("small")
    assert "no GPU (cpu)" in (tmp_path / "gpu.md").read_text()
    assert "forward, 1 x 60" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_gpu_benchmark_says_what_to_do_without_a_gpu(common, capsys):
    import gpu

    with pytest.raises(SystemExit):
        gpu.main([])
    assert "--device cpu --small" in capsys.readouterr().err


def test_the_gpu_benchmark_needs_torch_and_numpy_alone(tmp_path):
    """In a bare image: no jaxtyping, SciPy, Pillow or safetensors. What needs them is named, the rest is measured."""
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    missing = ["jaxtyping", "scipy", "PIL", "safetensors", "skimage", "tifffile", "imagecodecs", "tomli_w", "rich", "cyclopts"]
    program = f"import sys; sys.modules |= dict.fromkeys({missing}); import gpu; gpu.main()"
    command = [sys.executable, "-c", program, "--device", "cpu", "--small", "--out", str(tmp_path)]
    paths = os.pathsep.join([str(FOLDER), str(ROOT / "src")])
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths})
    assert "jaxtyping is not installed" in done.stdout
    result = json.loads((tmp_path / "gpu.json").read_text())
    assert {"forward", "training step", "one image"} <= {row["what"].split(",")[0] for row in result["rows"]}
    assert any("scipy" in line for line in result["missing"])


RENDERED = [
    *[("prediction", f"prediction_{net}") for net in ("paper", "default")],
    ("precision", "precision_axon-sem"),
    *[(name, name) for name in ("augmentation", "import_caffe", "roofline", "start_up", "training_step", "weight_map")],
    *[(name, name) for name in ("memory", "metrics")],
]


@pytest.mark.parametrize(("script", "result"), RENDERED, ids=[result for _, result in RENDERED])
def test_the_tables_say_what_was_measured(script, result, monkeypatch):
    """Each page of results is what its script makes of the numbers beside it: nothing was written in by hand."""
    if not FOLDER.is_dir():
        pytest.skip("the benchmarks are not part of this distribution")
    place = FOLDER / "results" / f"{result}.json"
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    threads = {name: os.environ.get(name) for name in THREADS}
    try:
        module = importlib.import_module(script)
        page_of = next(getattr(module, name) for name in ("markdown", "as_markdown", "table") if hasattr(module, name))
        assert page_of(json.loads(place.read_text(encoding="utf-8"))) == place.with_suffix(".md").read_text(encoding="utf-8")
    finally:
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == FOLDER:
                del sys.modules[name]
        for name, value in threads.items():  # a script for one core says so to the libraries
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def test_the_mosaic_has_no_edge(few_images, tmp_path, rng, monkeypatch):
    huge = importlib.import_module("huge")
    monkeypatch.setattr(huge, "PERIOD", 256)
    from unseam.io import write_image

    write_image(tmp_path / "a.png", rng.integers(0, 255, (90, 100), np.uint8))
    period = huge.mosaic(tmp_path, rng)
    assert period.shape == (256, 256)
    inside = np.abs(np.diff(period.astype(int), axis=0)).mean()
    across = np.abs(period[0].astype(int) - period[-1]).mean()
    assert across < 1.5 * inside
