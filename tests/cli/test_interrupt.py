"""Ctrl-C while it trains: what was learnt so far is a model; before anything was learnt, nothing is left."""

import os
import signal
import subprocess
import sys

import pytest

from reference.toy import SMALL
from unseam.model import Model

TINY = [word for setting in SMALL for word in ("--set", setting)]
WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")


def stopped_at(line: str, *words: object) -> tuple[int, str, str]:
    """Start training, press Ctrl-C when a line begins so; gives exit code, output and messages."""
    command = [sys.executable, "-m", "unseam", "train", *map(str, words), "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    def hears_ctrl_c() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a shell starts in the background is deaf to it

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, env=environment, preexec_fn=hears_ctrl_c) as process:  # noqa: PLW1509
        told = []
        for said in process.stderr:
            told.append(said)
            if said.startswith(line):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=100)
    return process.returncode, out, "".join(told) + err


@WINDOWS
def test_the_best_weights_so_far_become_the_model(data, tmp_path):
    out = tmp_path / "run"
    often = ["--set", "training.validations=10000"]
    code, said, told = stopped_at("step ", data, "--out", out, "--steps", 100_000, *TINY, *often)
    assert code == 0, told
    assert "Traceback" not in told
    assert "- stopped at step" in told
    assert "unseam predict" in said
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "checkpoints", "config.toml", "curve.svg", "held_out.npz", "history.csv", "model.safetensors",
        "report.html",
    ]  # fmt: skip
    assert 1 <= Model.load(out, "cpu").info.training.steps < 100_000


@WINDOWS
def test_before_the_first_step_there_is_no_model(data, tmp_path):
    out = tmp_path / "run"
    slow = ["--set", "training.output_size=1600", "--set", "training.batch_size=4"]
    code, said, told = stopped_at("- held out", data, "--out", out, "--steps", 100, *TINY, *slow)
    assert code == 130, told
    assert said == ""
    assert told.splitlines()[-1] == "stopped"
    assert "Traceback" not in told
    assert not (out / "model.safetensors").exists()
