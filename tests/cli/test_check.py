"""``unseam check``: a page that fits a terminal, a file with every place, and an exit code for scripts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unseam
from reference.broken_folders import FAULTS, write_clean
from reference.toy import SMALL
from unseam.runs.watch import Watch

SAMPLES = Path(unseam.__file__).parent / "samples/axon-sem"


def test_clean_data_is_told_so(terminal):
    said = terminal("check", SAMPLES)
    assert said.code == 0
    assert "2 annotated image(s)" in said.out
    assert said.out.endswith("Nothing to mend was found.\n")
    assert not said.err


@pytest.mark.parametrize(("fault", "code"), [("no partner", 2), ("sizes differ", 2), ("mask shifted", 0), ("objects touch", 0)])
def test_the_exit_code_says_whether_training_is_stopped(terminal, tmp_path, fault, code):
    masks, break_it, file = FAULTS[fault]
    folder = write_clean(tmp_path / "data", masks)
    break_it(folder)
    said = terminal("check", folder.path, "--json", tmp_path / "all.json")
    assert said.code == code
    assert bool(said.err) == bool(code)
    assert f"- {fault}: " in said.out
    assert file in said.out
    assert "mend: " in said.out
    path_free = [line for line in said.out.splitlines() if str(tmp_path) not in line]
    assert max(map(len, path_free)) <= 100
    told = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert fault in [finding["kind"] for finding in told["findings"]]
    assert told["findings"][0]["where"][0].keys() >= {"file", "row", "column"}


def test_most_severe_first(terminal, tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    for fault in ("objects touch", "mask shifted", "no partner"):
        if fault == "no partner":
            folder.mask("d").unlink()
        else:
            FAULTS[fault][1](folder)
    said = terminal("check", folder.path).out
    assert said.index("STOPS THE WORK") < said.index("WILL HURT THE RESULT")


def test_a_folder_of_nothing_is_one_finding(terminal, tmp_path):
    said = terminal("check", tmp_path / "nowhere")
    assert said.code == 2
    assert "- no data: " in said.out


def test_beside_a_model(terminal, tmp_path, model, data):
    assert terminal("check", data, "--model", model).code == 0
    Image.fromarray(255 - np.asarray(Image.open(data / "images/a.png"))).save(tmp_path / "x.png")
    said = terminal("check", tmp_path / "x.png", "--model", model / "model.safetensors")
    assert "- other contrast than the model: " in said.out


def arrays(folder: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    images = sorted((folder / "images").iterdir())
    return [np.asarray(Image.open(p)) for p in images], [np.asarray(Image.open(folder / "masks" / p.name)) for p in images]


@pytest.mark.parametrize("fault", ["", "mask shifted", "objects touch"])
def test_training_tells_only_what_will_hurt(tmp_path, fault):
    folder = write_clean(tmp_path / "data", "instances")
    if fault:
        FAULTS[fault][1](folder)
    said: list[str] = []
    unseam.train(*arrays(folder.path), steps=1, settings=SMALL, device="cpu", watch=Watch(said.append))
    told = [line for line in said if "To mend it" in line]
    if fault == "mask shifted":
        (line,) = told
        assert line.startswith("mask shifted: ")
        assert "image 2" in line
    else:
        assert not told
