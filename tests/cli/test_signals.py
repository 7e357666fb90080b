"""A request to end (SIGTERM, SIGHUP) is Ctrl-C with another exit code; a second process is told to wait."""

import os
import signal
import subprocess
import sys

import pytest

import unseam.io.lock
from reference.toy import SMALL
from torture.children import child, ended
from torture.trainee import command_line
from unseam.cli.signals import ending_like_ctrl_c
from unseam.io.lock import lock_name_of, locked

TINY = [word for setting in SMALL for word in ("--set", setting)]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_raised_as_ctrl_c_and_remembered(name):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with ending_like_ctrl_c() as asked:
            assert asked() is None
            with pytest.raises(KeyboardInterrupt, match=name):
                signal.raise_signal(number)
            assert asked() == number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_what_is_ignored_stays_ignored():
    """nohup ignores SIGHUP, so that the work outlives the terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_like_ctrl_c() as asked:
            signal.raise_signal(signal.SIGHUP)
            assert asked() is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_sigterm_while_it_trains_saves_the_state_and_a_model(data, tmp_path):
    out = tmp_path / "run"
    words = ["train", data, "--out", out, "--steps", 100_000, "--device", "cpu", *TINY, "--set", "training.validations=10000"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "unseam", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        told = []
        for said in process.stderr:
            told.append(said)
            if said.startswith("step "):
                process.terminate()
                break
        _, err = process.communicate(timeout=100)
    text = "".join(told) + err
    assert process.returncode == 143, text
    assert "- stopped at step" in text
    assert "Traceback" not in text
    assert (out / "model.safetensors").exists()
    assert not (out / ".unseam.lock").exists()


def test_the_second_waits(data, tmp_path, terminal):
    out = tmp_path / "run"
    out.mkdir()
    with locked(out, "training"):
        said = terminal("train", data, "--out", out, "--steps", 1, "--device", "cpu", *TINY)
    assert said.code == 75
    assert said.err.count("\n") == 1
    assert f"unseam: {out} is in use: process {os.getpid()} on " in said.err
    assert not list(out.iterdir())


def test_prediction_waits_too_unless_all_share(data, model, tmp_path, terminal):
    out = tmp_path / "out"
    out.mkdir()
    words = ("predict", model, data / "images", "--out", out, "--device", "cpu", "--engine", "torch")
    with locked(out, "prediction", is_shared=True):
        assert terminal(*words).code == 75
        with locked(out, "segmenting b.png", name=lock_name_of("b")):
            said = terminal(*words, "--skip-existing")
    assert said.code == 0, said.err
    assert sorted(path.name for path in out.iterdir()) == ["a_classes.tif", "c_classes.tif"]
    assert terminal(*words, "--skip-existing").code == 0
    assert sorted(path.name for path in out.iterdir()) == [f"{name}_classes.tif" for name in "abc"]


def killed_when_an_image_is_done(model, images, out) -> None:
    unseam.io.lock._release = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    command_line("predict", str(model), str(images), "--out", str(out), "--device", "cpu", "--skip-existing")


def test_killed_between_the_last_result_of_an_image_and_its_lock(data, model, tmp_path, terminal):
    """Found by T14, once in 100 kills: the image is done, so nobody comes by its lock again."""
    out = tmp_path / "out"
    assert ended(child(killed_when_an_image_is_done, model, data / "images", out)) == -signal.SIGKILL
    assert (out / lock_name_of("a")).exists()
    assert (out / "a_classes.tif").exists()
    words = ("predict", model, data / "images", "--out", out, "--device", "cpu", "--engine", "torch")
    assert terminal(*words, "--skip-existing").code == 0
    assert sorted(path.name for path in out.iterdir()) == [f"{name}_classes.tif" for name in "abc"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder there that nobody can write to")
@pytest.mark.parametrize("verb", ["train", "predict"])
def test_a_folder_that_cannot_be_written_is_found_first(verb, data, model, terminal):
    if verb == "train":
        said = terminal("train", data, "--out", "/proc/self/run", "--steps", 1, "--device", "cpu", *TINY)
    else:
        said = terminal("predict", model, data / "images", "--out", "/proc/self/run", "--device", "cpu")
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith("unseam: /proc/self/run: the folder cannot be made")
    assert "held out" not in said.err
