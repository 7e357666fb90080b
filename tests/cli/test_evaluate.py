"""``unseam evaluate``: the table that fits, the files that have all, and what is refused."""

import csv
import io
import json
import math

import numpy as np
import pytest
import tifffile

from unseam.io import write_label_map, write_probabilities

UM = (0.5, 0.5)


def scene(rng, shift: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, prediction and probabilities of squares, one of them missed."""
    truth = np.zeros((60, 80), np.int32)
    for number in range(6):
        top, left = 2 + 20 * (number // 3), 3 + 25 * (number % 3)
        truth[top : top + 12, left : left + 15] = number + 1
    predicted = np.roll(np.where(truth == 6, 0, truth), shift, axis=1)
    foreground = np.clip(np.where(predicted > 0, 0.9, 0.1) + rng.normal(0, 0.02, truth.shape), 0, 1).astype(np.float32)
    return truth, predicted, np.stack([1 - foreground, foreground])


@pytest.fixture
def folders(tmp_path, rng):
    """Objects of three images, in um, with probabilities beside the predictions."""
    for folder in ("out", "truth"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        truth, predicted, probabilities = scene(rng, number)
        write_label_map(tmp_path / f"truth/cell{number}.tif", truth, UM)
        write_label_map(tmp_path / f"out/cell{number}_masks.tif", predicted, UM)
        write_probabilities(tmp_path / f"out/cell{number}_prob.tif", probabilities, UM)
    return tmp_path / "out", tmp_path / "truth"


def test_the_table_fits_and_says_what_it_means(terminal, folders):
    said = terminal("evaluate", *folders)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    table = lines[1 : lines.index("")]
    assert [line.split()[0] for line in table] == ["image", "cell0", "cell1", "cell2", "all", "95", "95"]
    assert max(map(len, lines)) <= 100
    head = table[0].split("  ")
    for column in [column.strip() for column in head[1:] if column.strip()]:
        (meaning,) = [line for line in lines if line.startswith(f"{column}: ")]
        assert meaning.endswith(("1 is best", "0 is best"))
    assert "HD95 um" in table[0]
    assert "percentile bootstrap over 3 images, 1000 resamples, seed 0" in said.out


def test_one_image_has_no_interval_and_says_why(terminal, folders):
    out, truth = folders
    said = terminal("evaluate", out / "cell1_masks.tif", truth / "cell1.tif")
    assert "95 % from" not in said.out
    assert "No confidence interval: one image" in said.out


def test_json_and_csv_say_the_same(terminal, folders, tmp_path):
    said = terminal("evaluate", *folders, "--json", tmp_path / "s.json", "--csv", tmp_path / "s.csv")
    assert said.code == 0, said.err
    assert "s.json" in said.out
    scores = json.loads((tmp_path / "s.json").read_text())
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert list(rows[0]) == ["scope", "image", "metric", "value", "low", "high"]
    for image in scores["images"]:
        mine = {row["metric"]: float(row["value"] or "nan") for row in rows if row["image"] == image["name"]}
        assert mine == pytest.approx({name: math.nan if v is None else v for name, v in image["scores"].items()}, nan_ok=True)
    for row in (row for row in rows if row["scope"] == "all"):
        assert [float(row["low"]), float(row["high"])] == scores["intervals"]["all"][row["metric"]]
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
    assert scores["all"]["recall"] == pytest.approx(5 / 6)
    assert {"calibration_error", "best_dice", "hausdorff95_um", "surface_dice", "panoptic_quality"} <= set(scores["all"])
    assert scores["tolerance"] == {"length": 1.0, "unit": "um"}
    assert sum(one["num_pixels"] for one in scores["reliability"]) == 3 * 60 * 80
    assert len(scores["thresholds"]) == 100


def test_csv_may_be_printed(terminal, folders):
    said = terminal("evaluate", *folders, "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert {row["scope"] for row in rows} == {"image", "all"}


def test_a_tolerance_is_in_the_unit_of_the_files(terminal, folders):
    def surface_dice(*words: object) -> float:
        return json.loads(terminal("evaluate", *folders, "--json", "-", *words).out)["all"]["surface_dice"]

    assert surface_dice("--tolerance", 0) < surface_dice("--tolerance", 0.5) < surface_dice()
    assert surface_dice("--tolerance", 1) == surface_dice()


def test_without_a_pixel_size_lengths_are_in_px(terminal, folders):
    out, truth = folders
    for path in (out / "cell2_masks.tif", truth / "cell2.tif"):
        write_label_map(path, tifffile.imread(path).astype(np.int32))
    assert "HD95 px" in terminal("evaluate", *folders).out


def test_probabilities_of_some_images_are_left_out_aloud(terminal, folders):
    (folders[0] / "cell1_prob.tif").unlink()
    said = terminal("evaluate", *folders)
    assert said.code == 0
    assert "ECE" not in said.out
    assert "Probabilities are left out" in said.out


def test_probabilities_as_an_array(terminal, folders):
    before = json.loads(terminal("evaluate", *folders, "--json", "-").out)
    for path in folders[0].glob("*_prob.tif"):
        np.save(path.with_suffix(".npy"), tifffile.imread(path))
        path.unlink()
    assert json.loads(terminal("evaluate", *folders, "--json", "-").out) == before


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (np.full((2, 60, 70), 0.5), r"rows and columns"),
        (np.full((2, 60, 80), 0.3), r"add up to 1"),
        (np.stack([np.full((60, 80), -7.0), np.full((60, 80), 8.0)]), r"not logits or percentages"),
        (np.full((60, 80), 0.5), r"cell1_prob.tif"),
    ],
)
def test_probabilities_that_are_none(terminal, folders, channels, words):
    path = folders[0] / "cell1_prob.tif"
    tifffile.imwrite(path, channels.astype(np.float32), photometric="minisblack", imagej=True)
    said = terminal("evaluate", *folders)
    assert said.code == 2
    assert words in said.err
    assert "cell1" in said.err
    assert len(said.err.splitlines()) == 1


def test_refusals(terminal, folders, tmp_path):
    for words, message in (
        (("--json", "--csv"), "name of a file"),
        (("--tolerance", -1), "tolerance is -1.0"),
        (("--json", "-", "--csv", "-"), "Give the other one a file"),
        (("--json", tmp_path / "nowhere/s.json"), "make the folder first"),
    ):
        said = terminal("evaluate", *folders, *words)
        assert said.code == 2
        assert message in said.err
        assert len(said.err.splitlines()) == 1


def test_classes_show_the_three_errors_of_the_paper(terminal, tmp_path):
    """Two cells that a prediction melts together by one pixel of their border."""
    truth = np.full((12, 20), 255, np.uint8)
    truth[:, 9] = truth[0] = truth[-1] = truth[:, 0] = truth[:, -1] = 0
    predicted = truth.copy()
    predicted[5, 9] = 255
    for name, labels in (("truth", truth), ("out", predicted)):
        tifffile.imwrite(tmp_path / f"{name}.tif", labels, photometric="minisblack")
    said = terminal("evaluate", tmp_path / "out.tif", tmp_path / "truth.tif", "--no-report")
    assert said.code == 0, said.err
    head, row = (line.split("  ") for line in said.out.splitlines()[1:3])
    table = dict(zip(filter(None, map(str.strip, head)), filter(None, map(str.strip, row)), strict=True))
    assert table["pixel err"] == f"{1 / 240:.4f}"
    assert table["warp err"] == f"{1 / 240:.6f}"
    assert "Rand err" in table
    assert any(line.startswith("warp err: ") for line in said.out.splitlines())
