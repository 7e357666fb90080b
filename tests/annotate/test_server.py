"""The calls of the page: what is acknowledged is saved; one tab paints; a second process may die."""

import hashlib
import hmac
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotate.folders import HEIGHT, WIDTH, labels_of, mask_in, new_id, project_in, raw_folder, stroke
from annotate.page_client import Page, served
from torture.disk_calls import watched
from unseam.annotate.ops import RUN
from unseam.annotate.server import leases
from unseam.annotate.server.leases import LeaseError, Leases


def wait_for(what: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_from_an_empty_folder_to_masks(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page:
        about = page.get("/api/project")
        assert (about["kind"], about["classes"], about["found"], about["can_learn"]) == (None, [], None, False)
        page.paint(0, stroke(3), expected=409)
        about = page.declare("background", "axon", "myelin")
        assert [(one["value"], one["name"]) for one in about["classes"]] == [(0, "background"), (1, "axon"), (2, "myelin")]
        assert len({one["colour"] for one in about["classes"]}) == 3
        images = page.get("/api/images")["images"]
        assert [(one["image"], one["name"], one["status"]) for one in images] == [(0, "a", "new"), (1, "b", "new")]
        one = page.get("/api/images/0")
        assert (one["height"], one["width"], one["dtype"], one["levels"], one["scale"]) == (HEIGHT, WIDTH, "uint8", 1, None)
        tile = page.call("GET", "/api/images/0/tiles/0/0/0")
        assert (
            np.frombuffer(tile.body, np.uint8).reshape(HEIGHT, WIDTH) == np.asarray(Image.open(folder / "images/a.png"))
        ).all()
        assert page.call("GET", "/api/images/0/labels/0/0/0").status == 204
        saved = page.paint(0, stroke(3, value=2))
        assert (saved["revision"], saved["box"]) == (1, [3, 2, 1, 9])
        labels = page.call("GET", "/api/images/0/labels/0/0/0")
        assert labels.headers["x-revision"] == "1"
        assert (np.frombuffer(labels.body, np.uint8) == 2).sum() == 9
        wait_for((folder / "masks/a.png").exists)
        page.paint(0, stroke(5, value=0))
        assert page.call("GET", "/api/images/1/thumbnail").body.startswith(b"\x89PNG")
    assert set(mask_in(folder).ravel().tolist()) == {0, 2, 255}


def test_undo_and_redo_over_a_restart_of_the_server(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    one, two = new_id(), new_id()
    with served(folder) as page:
        first = page
        page.declare()
        page.paint(0, stroke(3), stroke=one)
        page.paint(0, stroke(4, value=0), stroke=two, is_end=False)
        page.paint(0, stroke(5, value=0), stroke=two)
        none = stroke(0)[:0]
        refused = page.paint(0, none, tool="undo", stroke=one, expected=409)
        assert refused["error"] == "order"
        assert page.paint(0, none, tool="undo", stroke=two)["box"] == [4, 2, 2, 9]
    with served(folder) as page:
        assert (page.port, page.token) == (first.port, first.token), "open tabs find the server again"
        about = page.get("/api/images/0")
        assert (about["undo"]["stroke"], about["redo"]["stroke"], about["strokes"]) == (one, two, 1)
        page.paint(0, none, tool="redo", stroke=two)
        assert page.get("/api/images/0")["strokes"] == 2
    assert (mask_in(folder) == 0).sum() == 18


def test_the_same_operation_again_is_acknowledged_and_applied_once(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        name = new_id()
        first = page.paint(0, stroke(3), id=name)
        page.paint(0, stroke(3, value=0))
        again = page.paint(0, stroke(3), id=name)
        assert (first["revision"], again["revision"]) == (1, 1)
        assert page.get("/api/images/0")["revision"] == 2


@pytest.mark.parametrize(
    ("header", "runs", "words"),
    [
        ({"mode": "only"}, stroke(3), "'only' holds a value"),
        ({"id": "x"}, stroke(3), "32 hexadecimal digits"),
        ({"tool": "file"}, stroke(3), "only the server uses it"),
        ({"tool": "hammer"}, stroke(3), "it may be"),
        ({"more": 1}, stroke(3), "Unknown setting"),
        ({}, stroke(3, value=2), "the value 2, which no class has"),
        ({}, stroke(3, value=254), "the value 254"),
        ({}, np.array([(WIDTH - 2, 4, 1)], RUN), "over the end of its row"),
        ({}, stroke(HEIGHT), "leaves the image"),
        ({}, stroke(3)[:0], "no runs"),
    ],
)
def test_a_wrong_operation_changes_nothing(tmp_path: Path, header: dict[str, object], runs: np.ndarray, words: str) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page:
        page.declare()
        journal = (folder / ".annotate/journal").read_bytes()
        refused = page.paint(0, runs, expected=400, **header)
        assert refused["error"] == "request"
        assert words in refused["message"]
        assert (folder / ".annotate/journal").read_bytes() == journal


@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff\xff", b"\x02\x00\x00\x00{}", b"\x02\x00\x00\x00[1", b"[" * 5000])
def test_bytes_that_are_no_operation(tmp_path: Path, body: bytes) -> None:
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        for path in ("/api/images/0/ops", "/api/view", "/api/project"):
            assert page.call("POST", path, body).status == 400


def test_mutated_requests_never_end_the_server(tmp_path: Path) -> None:
    """Each is answered with a refusal or a success, and the server goes on."""
    import json
    import struct

    random_ = random.Random(20150518)
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        header = json.dumps({"id": new_id(), "stroke": new_id(), "tab": page.tab, "tool": "brush"}).encode()
        bodies = [struct.pack("<I", len(header)) + header + stroke(3).tobytes(), b'{"kind":"classes","classes":[]}']
        paths = ["/api/images/0/ops", "/api/project", "/api/view", "/api/images/0/status", "/api/images/9/ops", "/api/trainer"]
        for _ in range(150):
            body = bytearray(random_.choice(bodies))
            for _ in range(random_.randint(1, 6)):
                body[random_.randrange(len(body))] = random_.randrange(256)
            assert page.call("POST", random_.choice(paths), bytes(body[: random_.randint(1, len(body))])).status < 500
        assert page.get("/api/images")["images"]


# Tabs.


def test_one_tab_paints_the_other_follows_and_may_take_over(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        other = Page(page.port, page.token)
        with page.events() as mine, other.events() as theirs:
            assert (next(mine)["event"], next(theirs)["event"]) == ("hello", "hello")
            saved = page.paint(0, stroke(3))
            seen = [next(theirs) for _ in range(3)]
            assert [one["event"] for one in seen] == ["lease", "op", "image"]
            assert (seen[0]["lease"], seen[1]["tab"], seen[1]["box"]) == (page.tab, page.tab, saved["box"])
            refused = other.paint(0, stroke(5), expected=409)
            assert (refused["error"], refused["holder"]) == ("lease", page.tab)
            other.paint(1, stroke(5))  # in another image it may
            assert other.post("/api/images/0/lease", expected=409, tab=other.tab, take=False)["error"] == "lease"
            assert other.post("/api/images/0/lease", tab=other.tab, take=True) == {"lease": other.tab}
            other.paint(0, stroke(5))
            assert page.paint(0, stroke(6), expected=409)["holder"] == other.tab


def test_a_lease_ends_15_s_after_the_tab_is_gone() -> None:
    now = [0.0]
    found = Leases(lambda: now[0])
    found.came("one")
    assert found.get(0, "one")
    now[0] = 100.0
    assert found.holder(0) == "one"
    found.left("one")
    now[0] += leases.LEASE_SECONDS - 1
    with pytest.raises(LeaseError):
        found.get(0, "two")
    now[0] += 2
    assert found.holder(0) is None
    assert found.get(0, "two")


def test_events_go_on_where_they_were_left(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path)) as page:
        page.declare()
        with page.events() as events:
            number = next(events)["n"]
            page.paint(0, stroke(3))
            last = [next(events) for _ in range(3)][-1]["n"]
        page.paint(0, stroke(4))
        with page.events(after=last) as events:
            assert next(events)["missed"] is False
            assert next(events)["n"] == last + 1
        with page.events(after=number + 10_000) as events:
            assert next(events)["missed"] is True


# The disk.


def test_a_full_disk_is_told_and_the_stroke_can_be_sent_again(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder, quiet_seconds=30) as page:
        page.declare()
        page.paint(0, stroke(3))
        is_full = True

        def fail(number: int, name: str) -> None:
            if is_full and name == "write":
                raise OSError(28, os.strerror(28))

        name = new_id()
        with watched(fail):
            for _ in range(2):
                refused = page.paint(0, stroke(4), id=name, expected=507)
                assert refused["error"] == "disk"
                assert "No space left" in refused["message"] or "Try again" in refused["message"]
            is_full = False
            assert page.paint(0, stroke(4), id=name)["revision"] == 2
    assert (mask_in(folder) == 1).sum() == 18


def test_masks_that_cannot_be_written_are_told_once_and_tried_again(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page, page.events() as events:
        page.declare()
        is_full = True

        def fail(number: int, name: str) -> None:
            if is_full and name == "create":
                raise OSError(28, os.strerror(28))

        with watched(fail):
            page.paint(0, stroke(3))
            message = next(event for event in events if event["event"] == "disk")["message"]
            assert "No space left" in message
            is_full = False
            assert next(event for event in events if event["event"] == "disk")["message"] is None
    assert (mask_in(folder) == 1).sum() == 9


def test_a_mask_of_another_program_is_asked_about(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page, page.events() as events:
        page.declare()
        page.paint(0, stroke(3))
        next(event for event in events if event["event"] == "mask")
        Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(folder / "masks/a.png")
        page.paint(0, stroke(5))
        assert next(event for event in events if event["event"] == "changed")["image"] == 0
        assert page.paint(0, stroke(6), expected=409)["error"] == "changed"
        assert page.get("/api/images")["images"][0]["changed"]
        page.post("/api/images/0/changed", tab=page.tab, keep="both")
        page.paint(0, stroke(6))
    mask = mask_in(folder)
    assert ((mask == 1).sum(), (mask == 0).sum()) == (27, HEIGHT * WIDTH - 27)


# Killed processes.


def start(folder: Path) -> tuple[subprocess.Popen[str], Page]:
    command = [sys.executable, "-m", "unseam", "annotate", str(folder), "--no-browser", "--no-learn"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = next(line for line in process.stdout if line.startswith("open http")).split()[1]
    return process, Page(int(url.split(":")[2].split("/")[0]), url.split("=")[1])


def test_kill_9_while_strokes_are_sent(tmp_path: Path) -> None:
    """Every acknowledged stroke is there once the command runs again, and none twice; then SIGTERM writes the masks."""
    folder, acknowledged, sent = raw_folder(tmp_path, size=(300, 50)), [], []
    process, page = start(folder)
    page.declare()

    def send() -> None:
        try:
            for row in range(300):
                sent.append(row)
                page.paint(0, stroke(row))
                acknowledged.append(row)
        except OSError:
            pass

    thread = threading.Thread(target=send)
    thread.start()
    wait_for(lambda: len(acknowledged) >= 15)
    process.send_signal(signal.SIGKILL)
    thread.join(20)
    process.communicate()
    assert len(acknowledged) < 300
    process, again = start(folder)
    assert (again.port, again.token) == (page.port, page.token)
    labels = np.frombuffer(again.call("GET", "/api/images/0/labels/0/0/0").body, np.uint8).reshape(300, 50)
    painted = np.flatnonzero((labels == 1).any(axis=1)).tolist()
    assert painted in (acknowledged, sent)
    assert again.get("/api/images/0")["strokes"] == len(painted)
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM or process.returncode == 0
    assert "all masks are written" in output
    assert (np.asarray(Image.open(folder / "masks/a.png")) == labels).all()


def test_a_page_knows_its_server_by_its_answer(tmp_path: Path) -> None:
    with served(raw_folder(tmp_path)) as page:
        nonce = new_id()
        reply = page.call("GET", f"/hello?nonce={nonce}", headers={"Authorization": None})
        expected = hmac.new(page.token.encode(), f"unseam annotate {nonce}".encode(), hashlib.sha256).hexdigest()
        assert reply.json == {"proof": expected}
        assert page.call("GET", "/hello?nonce=1").status == 400


def test_another_port_if_the_kept_one_is_taken(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page:
        first = page.port
    with socket.create_server(("127.0.0.1", first)), served(folder) as page:
        assert page.port != first


def test_masks_are_those_of_the_project(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    with served(folder) as page:
        page.declare()
        page.paint(0, stroke(3))
        page.post("/api/images/0/status", tab=page.tab, status="done")
    with project_in(folder) as project:
        assert project.state(0).status == "done"
        assert (labels_of(project.opened(0)) == mask_in(folder)).all()
