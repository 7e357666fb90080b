"""The command line under torchrun: one console, one folder, and errors that end all in one line."""

import os
import sys
import time

import pytest

from reference.group import torchrun
from torture.trainee import SETTINGS, write_data
from unseam.model.model_file import read_info

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="torchrun and its processes are looked at by /proc")
SETS = [word for setting in SETTINGS for word in ("--set", setting)]


def ended(words, tmp_path, **more) -> tuple[int, str, float]:
    """Exit code, what was said, and how long it took."""
    log, began = tmp_path / "log", time.monotonic()
    code = torchrun([str(word) for word in words], log, **more).wait(110)
    return code, log.read_text(), time.monotonic() - began


def ours(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("unseam: ")]


def test_folds_of_two_ranks_leave_one_run_folder_and_one_story(tmp_path):
    """Every fold is trained by all ranks; rank 0 speaks and writes."""
    data, out = write_data(tmp_path / "data"), tmp_path / "run"
    code, said, _ = ended(["train", data, "--out", out, "--steps", "40", "--folds", "2", *SETS], tmp_path)
    assert code == 0, said
    assert said.count("fold 1 of 2") == 1
    assert said.count(f"model: {out}") == 1
    assert "Warning" not in said
    info = read_info(out / "model.safetensors")
    assert [member.ranks for member in info.members] == [2, 2]
    assert "2 processes together" in (out / "README.md").read_text()
    assert not {".torchrun", ".unseam.lock"} & set(os.listdir(out))


def test_two_ranks_begin_with_a_trained_network(tmp_path):
    data, start, out = write_data(tmp_path / "data"), tmp_path / "cells", tmp_path / "run"
    code, said, _ = ended(["train", data, "--out", start, "--steps", "20", *SETS], tmp_path)
    assert code == 0, said
    code, said, _ = ended(["train", data, "--from", start, "--out", out, "--steps", "20", *SETS], tmp_path)
    assert code == 0, said
    assert said.count("before the first step") == 1
    record = read_info(out / "model.safetensors").training
    assert (record.ranks, record.start.model) == (2, "cells")
    assert record.first_score is not None


def test_an_error_of_one_rank_ends_all_in_one_line(tmp_path):
    """Rank 0 alone judges, and so finds that the energy rises; the other waits for it."""
    data, out = write_data(tmp_path / "data"), tmp_path / "run"
    words = [
        "net.normalisation=none",
        "optimiser.sgd.learning_rate=1000.0",
        "training.validations=60",
        "training.clip_norm=1e6",
    ]
    sets = [word for setting in words for word in ("--set", setting)]
    code, said, seconds = ended(["train", data, "--out", out, "--steps", "600", *SETS, *sets], tmp_path)
    assert code != 0
    (line,) = ours(said)
    assert "Training" in line
    assert "exitcode  : 2" in said
    assert "unseam/training" not in said.replace("unseam.training", "")
    assert seconds < 60


def test_torchrun_does_not_go_on_with_a_run_that_it_did_not_begin(tmp_path):
    data, out = write_data(tmp_path / "data"), tmp_path / "run"
    out.mkdir()
    (out / "config.toml").write_text("")
    (out / ".torchrun").write_text("another")
    code, said, _ = ended(["train", data, "--out", out, "--steps", "20", *SETS], tmp_path, restarts=1)
    assert code != 0
    assert len(ours(said)) == 2  # of the first start, and of the second
    assert all("already holds a run (config.toml)" in line for line in ours(said))
    assert (out / "config.toml").read_text() == ""
