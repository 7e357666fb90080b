"""The reader of the output goes away, or its disk is full: results are files and are made; otherwise the exit code says it."""

import errno
import io
import os
import subprocess
import sys
import threading
from contextlib import ExitStack

import numpy as np
import pytest

from reference.toy import SMALL, spots
from unseam import train
from unseam.api.training import Watch
from unseam.cli.app import run
from unseam.cli.streams import _Stream
from unseam.errors import TrainingError

TINY = [word for setting in SMALL for word in ("--set", setting)]
NEEDS_FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
GONE, FULL = BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.ENOSPC, "No space left on device")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes break in another way there")


def ended(*words: object, unread: str = "", closed: str = "", full: str = "") -> tuple[int, str, str]:
    """Run a command with each named stream (out, err) broken in a way; gives exit code, output and messages."""
    with ExitStack() as opened:
        streams = {"out": subprocess.PIPE, "err": subprocess.PIPE}
        for name in unread.split():
            reader, streams[name] = os.pipe()
            os.close(reader)
            opened.callback(os.close, streams[name])
        for name in full.split():
            streams[name] = opened.enter_context(open("/dev/full", "w"))
        shut = " ".join(f"{number}>&-" for name, number in (("out", 1), ("err", 2)) if name in closed.split())
        command = ["sh", "-c", f'exec "$@" {shut}', "sh", sys.executable, "-m", "unseam", *map(str, words)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, stdout=streams["out"], stderr=streams["err"], text=True, env=environment, timeout=200, check=False
        )
    return done.returncode, done.stdout or "", done.stderr or ""


@pytest.mark.parametrize(
    ("broken", "code", "said"),
    [
        ({"unread": "out"}, 141, ""),
        ({"unread": "out err"}, 141, ""),
        ({"closed": "out"}, 141, ""),
        ({"closed": "err"}, 0, ""),
        ({"full": "err"}, 0, ""),
        pytest.param({"full": "out"}, 2, "unseam: Standard output cannot be written", marks=NEEDS_FULL),
    ],
)
def test_what_is_only_printed_is_missed(broken, code, said):
    found, out, err = ended("--version", **broken)
    assert found == code
    assert err.startswith(said)
    assert err.count("\n") == bool(said)
    assert bool(out.strip()) == (code == 0)


@pytest.mark.parametrize("broken", [{"unread": "err"}, {"closed": "out err"}])
def test_a_mistake_keeps_its_exit_code(broken, tmp_path):
    assert ended("info", tmp_path / "nothing", **broken)[0] == 2


@pytest.mark.parametrize("broken", [{"unread": "out err"}, {"closed": "out err"}], ids=str)
def test_training_goes_on_unread(broken, data, tmp_path):
    out = tmp_path / "run"
    assert ended("train", data, "--out", out, "--steps", 20, "--device", "cpu", *TINY, **broken)[0] == 0
    assert (out / "model.safetensors").exists()
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("broken", "code"),
    [({"unread": "out"}, 0), pytest.param({"full": "out"}, 2, marks=NEEDS_FULL)],
    ids=str,
)
def test_every_image_is_segmented_unread(broken, code, data, model, tmp_path):
    out = tmp_path / "out"
    found, _, err = ended("predict", model, data / "images", "--out", out, "--device", "cpu", **broken)
    assert found == code, err
    assert len(list(out.glob("*_classes.tif"))) == 3
    assert "Exception ignored" not in err
    assert ("results are files and complete" in err) == (code == 2)


@pytest.mark.parametrize(
    ("more", "lost", "code"),
    [
        ((), GONE, 0),  # the report is a file
        (("--no-report",), GONE, 141),
        (("--no-report", "--csv", "FILE"), GONE, 0),
        (("--json", "-"), GONE, 141),  # this output was asked for
        ((), FULL, 2),
        (("--no-report",), None, 0),
    ],
)
def test_scores_are_a_result_where_nothing_else_holds_them(more, lost, code, data, tmp_path):
    words = [str(tmp_path / "scores.csv") if word == "FILE" else word for word in more]
    assert run(["evaluate", str(data / "masks"), str(data / "masks"), *words], lambda: lost) == code


@pytest.mark.parametrize(("more", "code"), [((), 141), (("--json", "FILE"), 0)])
def test_findings_are_a_result(more, code, data, tmp_path):
    words = [str(tmp_path / "found.json") if word == "FILE" else word for word in more]
    assert run(["check", str(data), *words], lambda: GONE) == code


@pytest.mark.parametrize("exit_code", ["no licence", 0, None, 3])
def test_a_library_that_exits_does_not_end_a_training_without_a_word(exit_code, tmp_path):
    image, labels = spots(np.random.default_rng(0))

    def leave(state, _) -> None:
        if state.step == 15 and not (tmp_path / "run" / "resumes").exists():
            sys.exit(exit_code)

    out, settings = tmp_path / "run", [*SMALL, "training.validations=10"]
    arrays = [image, image], [labels, labels]
    words = "no licence" if exit_code == "no licence" else f"exit code {exit_code or 0}"
    with pytest.raises(TrainingError, match=rf"\({words}\).*--resume"):
        train(*arrays, out=out, steps=20, settings=settings, device="cpu", watch=Watch(observers=(leave,)))
    (out / "resumes").touch()
    told: list[str] = []
    train(*arrays, out=out, device="cpu", resume=True, watch=Watch(told.append, observers=(leave,)))
    assert "resuming from step 10" in told
    assert (out / "model.safetensors").exists()


def test_a_library_that_exits_is_a_mistake_of_the_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("unseam.api.models.read_model_info", lambda _: sys.exit(0))
    assert run(["info", str(tmp_path)]) == 2
    assert "ended the program (exit code 0)" in capsys.readouterr().err


def test_a_full_pipe_that_does_not_block_is_waited_for():
    """Another process that shares the pipe may have made it so; Python alone raises BlockingIOError."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.extend(iter(lambda: os.read(reader, 50_000), b"")))
    with io.BufferedWriter(_Stream(writer)) as stream:
        threading.Timer(0.2, thread.start).start()
        stream.write(bytes(1_000_000))
    os.close(writer)
    thread.join()
    assert sum(map(len, found)) == 1_000_000
    os.close(reader)
