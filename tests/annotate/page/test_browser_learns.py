"""All the way in a real browser: paint, see a prediction, accept, correct, finish; then `unseam predict` with the model."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(
    "PYTEST_XDIST_WORKER" in os.environ, reason="runs alone, as make test does: the trainer lets every other process go first"
)

SIDE = 96


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs on a dark, noisy ground: what a network learns in a few steps."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:SIDE, :SIDE]
    truth = np.zeros((SIDE, SIDE), bool)
    for y in (20, 52, 80):
        for x in (18, 50, 78):
            truth |= (row - y - rng.integers(-4, 5)) ** 2 + (column - x - rng.integers(-4, 5)) ** 2 < rng.integers(64, 110)
    return np.clip(70 + 110 * truth + rng.normal(0, 14, truth.shape), 0, 255).astype(np.uint8), truth


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> tuple[Path, list[np.ndarray]]:
    folder = tmp_path_factory.mktemp("learns") / "cells"
    (folder / "images").mkdir(parents=True)
    pairs = [blobs(seed) for seed in (1, 2)]
    for number, (image, _) in enumerate(pairs):
        Image.fromarray(image).save(folder / "images" / f"cell{number}.png")
    return folder, [truth for _, truth in pairs]


@pytest.fixture(scope="module")
def served(served):
    served.kill()
    served.options = ()
    served.start()
    return served


def agreement(tab, truth: np.ndarray) -> float:
    told = tab.ask(
        """const { shown } = app.scene.guess;
        return shown && [shown.row, shown.column, shown.height, shown.width, [...shown.classes]];"""
    )
    if told is None:
        return 0.0
    row, column, height, width, classes = told
    part = truth[row : row + height, column : column + width]
    return float((np.array(classes).reshape(height, width) == part).mean())


def test_paint_see_accept_correct_finish_and_predict(first_tab, served, images, tmp_path):
    tab, page, (folder, truths) = first_tab, first_tab.page, images
    page.get_by_role("button", name="Begin to paint").click()
    page.locator("html[data-settled=true]").wait_for()
    page.get_by_text("Waiting for strokes").wait_for()
    truth = truths[0]
    rows, columns = np.nonzero(truth)
    inside = [(float(columns[i]), float(rows[i])) for i in range(0, len(rows), len(rows) // 6)]
    rows, columns = np.nonzero(~truth)
    outside = [(float(columns[i]), float(rows[i])) for i in range(40, len(rows), len(rows) // 6)]
    for one in inside:
        tab.drag(one, (one[0] + 0.5, one[1]), value=1, size=4)
    for one in outside:
        tab.drag(one, (one[0] + 0.5, one[1]), value=0, size=4)
    tab.saved()
    page.get_by_text("prediction of step").wait_for()
    for _ in range(200):
        if agreement(tab, truth) > 0.9:
            break
        page.wait_for_timeout(500)
    assert agreement(tab, truth) > 0.9, "six strokes a class teach bright discs"
    tab.drag((2, 2), (2, 60), (60, 60), (60, 2), tool="accept")
    tab.drag((70, 70), (74, 70), value=int(truth[70, 70]), size=3)
    tab.saved()
    labels = tab.server_labels()
    known = labels != 255
    assert known[5:55, 5:55].all(), "what was predicted is annotation now"
    assert (labels == truth)[known].mean() > 0.9
    page.get_by_role("button", name="Finish", exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("dialog", name="Finishing").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("dialog", name="Finished").wait_for()
    page.get_by_text("unseam predict").wait_for()
    assert served.end() == 0
    command = [sys.executable, "-m", "unseam", "predict", str(folder / "model"), str(folder / "images"), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in tmp_path.iterdir()} >= {"cell0_classes", "cell1_classes"}
