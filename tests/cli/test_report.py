"""The report at the terminal: made by training and evaluation, made anew, and never over a file of somebody's."""

import shutil

import numpy as np
import pytest
from PIL import Image

from unseam.report.pages import GENERATOR

THEIRS = "<html>my own notes</html>"


@pytest.fixture
def run_folder(model, tmp_path):
    """A copy, to be changed."""
    return shutil.copytree(model, tmp_path / "run")


def test_a_report_is_made_anew_from_the_run_folder_alone(terminal, run_folder):
    made = (run_folder / "report.html").read_text()
    (run_folder / "report.html").unlink()
    said = terminal("report", run_folder)
    assert (said.code, said.out) == (0, f"report: {run_folder / 'report.html'}\n")
    again = (run_folder / "report.html").read_text()
    assert GENERATOR in again[:2000]
    assert len(again) == pytest.approx(len(made), rel=0.02)  # but for the folder, nothing else is in it
    assert again.count('class="images"') == 3  # a strip of each image
    assert "does not depend on the tiles" in again
    assert "image a, 60 x 70 px" in again
    assert terminal("report", run_folder).code == 0  # over one of ours


def test_a_file_of_somebodys_is_not_overwritten(terminal, run_folder, tmp_path):
    theirs = tmp_path / "page.html"
    theirs.write_text(THEIRS)
    said = terminal("report", run_folder, "--out", theirs)
    assert said.code == 2
    assert "page.html" in said.err
    assert "--out" in said.err
    assert theirs.read_text() == THEIRS


def test_without_what_was_held_out_the_report_says_so(terminal, run_folder):
    (run_folder / "held_out.npz").unlink()
    assert terminal("report", run_folder).code == 0
    text = (run_folder / "report.html").read_text()
    assert "nothing to score" in text
    assert "<svg" in text  # the curve is there still
    (run_folder / "held_out.npz").write_bytes(b"not an archive")
    said = terminal("report", run_folder)
    assert said.code == 2
    assert "held_out.npz" in said.err


def test_a_folder_without_a_model(terminal, tmp_path):
    said = terminal("report", tmp_path)
    assert said.code == 2
    assert "not a model file" in said.err


@pytest.fixture
def scored(tmp_path):
    """A data set of two images, one with a name that tries to be HTML, and predictions of it."""
    names = ("a", "<script>alert(1)<")
    for part in ("data/images", "data/masks", "predicted"):
        (tmp_path / part).mkdir(parents=True)
    rng = np.random.default_rng(3)
    mask = np.zeros((40, 50), np.uint8)
    mask[5:15, 5:15], mask[20:30, 20:40] = 1, 2
    for name in names:
        Image.fromarray(rng.integers(0, 255, mask.shape).astype(np.uint8)).save(tmp_path / f"data/images/{name}.png")
        Image.fromarray(mask).save(tmp_path / f"data/masks/{name}.png")
        Image.fromarray(np.where(mask == 2, 0, mask)).save(tmp_path / f"predicted/{name}_masks.png")
    return tmp_path


def test_evaluation_makes_a_report_with_the_images_of_the_data_set(terminal, scored):
    said = terminal("evaluate", scored / "predicted", scored / "data" / "masks", "--masks", "instances")
    assert said.code == 0
    assert f"report: {scored / 'predicted' / 'report.html'}" in said.out
    text = (scored / "predicted" / "report.html").read_text()
    assert text.count("data:image/jpeg") == 2 + 2  # two images, and each with an object that was missed
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;" in text
    assert "row 25, column 30" in text
    assert "--masks instances" in text


def test_the_report_of_an_evaluation_goes_where_it_is_told_or_nowhere(terminal, scored, tmp_path):
    words = ("evaluate", scored / "predicted", scored / "data")
    assert terminal(*words, "--no-report").code == 0
    assert not (scored / "predicted" / "report.html").exists()
    assert terminal(*words, "--report", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").exists()
    assert not (scored / "predicted" / "report.html").exists()


def test_a_report_that_nobody_asked_for_stops_no_evaluation(terminal, scored):
    theirs = scored / "predicted" / "report.html"
    theirs.write_text(THEIRS)
    words = ("evaluate", scored / "predicted", scored / "data")
    said = terminal(*words)
    assert said.code == 0
    assert "No report:" in said.out
    assert theirs.read_text() == THEIRS
    assert terminal(*words, "--report", theirs).code == 2
