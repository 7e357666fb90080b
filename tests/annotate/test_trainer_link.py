"""The trainer's process may die, hang or talk nonsense; painting goes on, and a new one is told everything."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotate.folders import raw_folder, stroke
from annotate.page_client import served
from unseam.annotate.server import trainer
from unseam.annotate.server.trainer import TrainerLink

PROGRAM = """
import os, sys, zlib
import numpy as np
from pathlib import Path
from unseam.annotate.messages import *
from unseam.annotate.ops import LabelMap, RUN
read, write = sys.stdin.buffer, sys.stdout.buffer
log = Path(sys.argv[1]).open("a")
labels, step, is_ready = {}, 0, False
while (frame := read_message(read)) is not None:
    message, body = frame
    print(type(message).__name__, getattr(message, "image", ""), getattr(message, "stroke", "")[:4], file=log, flush=True)
    match message:
        case LabelTile():
            tile = np.frombuffer(zlib.decompress(body), np.uint8)
            print("tile", int((tile == 1).sum()), file=log, flush=True)
        case Ready():
            write_message(write, State("training", step))
        case Painted():
            runs = np.frombuffer(body, RUN)
            step += 1
            if int(runs["length"].sum()) == 13:
                os._exit(9)
            if int(runs["length"].sum()) == 14:
                write.write(b"nonsense " * 99); write.flush(); continue
            write_message(write, StrokeScore(message.image, message.stroke, 0.97, 9, message.jump == "random"))
        case View():
            planes = np.stack([np.full((4, 5), 1, np.uint8), np.full((4, 5), 200, np.uint8)])
            write_message(write, PredictedView(message.image, step, 2, 3, 4, 5), planes.tobytes())
        case Somewhere():
            write_message(write, NextPlace(message.request, 1, 2, 3, 4, 5, True))
        case Finish():
            write_message(write, State("finishing", step, done=1, total=10, sentence="step 1 of 10"))
print("end", file=log, flush=True)
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[[Path], tuple[str, ...]]:
    (tmp_path / "trainer.py").write_text(PROGRAM)
    return lambda log: (sys.executable, str(tmp_path / "trainer.py"), str(log))


def first(events: Any, name: str, **wanted: Any) -> dict[str, Any]:
    return next(one for one in events if one["event"] == name and all(one[key] == value for key, value in wanted.items()))


def test_strokes_predictions_scores_and_places(tmp_path: Path, command: Callable[[Path], tuple[str, ...]]) -> None:
    log = tmp_path / "log"
    with served(raw_folder(tmp_path / "data"), command(log)) as page, page.events() as events:
        page.declare()
        first(events, "trainer", state="training")
        painted = page.paint(0, stroke(3), jump="random")
        score = first(events, "score")
        assert (score["right"], score["is_random"], score["agreed"], score["right_of_last"]) == (0.97, True, True, [1, 1])
        page.post("/api/view", tab=page.tab, image=0, row=-3, column=0, height=40, width=50, level=0, is_down=False)
        shown = first(events, "prediction")
        assert (shown["image"], shown["step"], shown["row"], shown["column"]) == (0, 1, 2, 3)
        body = page.call("GET", "/api/images/0/prediction?step=1").body
        assert np.frombuffer(body, "<u4", 4).tolist() == [2, 3, 4, 5]
        assert set(body[16:36]) == {1}
        assert set(body[36:]) == {200}
        assert page.call("GET", "/api/images/0/prediction?step=2").status == 404
        assert page.post("/api/somewhere", tab=page.tab) == {
            "image": 1, "row": 2, "column": 3, "height": 4, "width": 5, "is_random": True,
        }  # fmt: skip
        page.post("/api/trainer", do="finish")
        progress = first(events, "trainer", state="finishing")["progress"]
        assert progress == {"done": 1, "total": 10, "sentence": "step 1 of 10"}
        assert (tmp_path / "data/masks/a.png").exists(), "the masks are written before the final training"
        page.post("/api/images/0/status", tab=page.tab, status="done")
        assert painted["revision"] == 1
    lines = log.read_text().splitlines()
    assert lines[0] == "StartLearning  "
    assert lines.index("Ready  ") < lines.index("Finish  ")
    assert lines[-2:] == ["Done 0 ", "end"], "it is told to end, and ends by itself"


@pytest.mark.parametrize("length", [13, 14])
def test_a_trainer_that_dies_or_talks_nonsense_starts_again_and_knows_all(
    tmp_path: Path, command: Callable[[Path], tuple[str, ...]], length: int
) -> None:
    log = tmp_path / "log"
    with served(raw_folder(tmp_path / "data"), command(log)) as page, page.events() as events:
        page.declare()
        first(events, "trainer", state="training")
        page.paint(0, stroke(3))
        page.paint(0, stroke(5, length=length))
        message = first(events, "trainer", state="restarting")["message"]
        assert "Learning stopped (" in message
        first(events, "trainer", state="training")
        page.paint(0, stroke(7))
        first(events, "score")
    assert f"tile {9 + length}" in log.read_text().splitlines()


def test_after_three_restarts_it_stays_off_and_painting_goes_on(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path), (sys.executable, "-c", "")) as page, page.events() as events:
        page.declare()
        message = first(events, "trainer", state="failed")["message"]
        assert message == "Learning stopped 4 times: exit code 0. Painting goes on."
        page.paint(0, stroke(3))
        assert page.get("/api/project")["trainer"]["state"] == "failed"
        assert page.post("/api/trainer", 503, do="finish")["error"] == "trainer"
        assert page.post("/api/somewhere", 503, tab=page.tab)["error"] == "trainer"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path), (str(tmp_path / "none"),)) as page, page.events() as events:
        page.declare()
        assert "could not be started" in first(events, "trainer", state="failed")["message"]


def test_a_trainer_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_END_SECONDS", 0.3)
    link = TrainerLink((sys.executable, "-c", "import time; time.sleep(60)"), list, lambda message: None)
    link.start()
    while not link.is_running:
        time.sleep(0.01)
    link.end()
    assert not link.is_running


def test_a_trainer_that_reads_slowly_makes_nobody_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_END_SECONDS", 0.3)
    with served(raw_folder(tmp_path), (sys.executable, "-c", "import time; time.sleep(60)")) as page:
        page.declare()
        begin = time.monotonic()
        for _ in range(30):
            page.paint(0, stroke(3))
            page.paint(0, stroke(3, value=0))
        assert time.monotonic() - begin < 10
