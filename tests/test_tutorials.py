"""The tutorials and the notebook run from top to bottom, and make the pictures that they show.

They run as their readers would run them, but on small pieces of the micrographs and with a few steps of a tiny network. What
readers see, `python docs/site/tutorials.py` made.
"""

import inspect
import os
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import tutorials
import unseam
from unseam.api import training as api

SAMPLES = Path(unseam.__file__).parent / "samples"
SMALL = ("net.unet.first_width=4", "net.unet.depth=2", "training.output_size=64", "training.validations=1", "average=none")
SIDE = 160  # px

each_tutorial = pytest.mark.parametrize("page", tutorials.pages(), ids=lambda page: page.stem)


@pytest.fixture
def small_source(tmp_path) -> Path:
    """A folder ``src`` with small pieces of the micrographs."""
    for path in SAMPLES.rglob("*.png"):
        target = tmp_path / "source/unseam/samples" / path.relative_to(SAMPLES)
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(Image.open(path))[:SIDE, :SIDE]).save(target)
    return tmp_path / "source"


@each_tutorial
@pytest.mark.filterwarnings("ignore:::")  # as at its reader's, where a warning is no error
def test_a_tutorial_runs_and_makes_its_pictures(page, small_source, tmp_path, monkeypatch):
    def quick(*args: object, **kwargs: object) -> object:
        given = inspect.signature(train).bind(*args, **kwargs).arguments
        given |= {"settings": (*given.get("settings", ()), *SMALL), "minutes": None, "steps": 6, "device": "cpu"}
        return train(given.pop("data"), given.pop("masks", None), **given)

    train = api.train
    monkeypatch.setattr(api, "train", quick)
    text = page.read_text(encoding="utf-8")
    run = tmp_path / "run"
    run.mkdir()
    with tutorials.working_in(run, small_source) as folder:
        tutorials.run_page(text, folder)
    wanted = tutorials.pictures(text)
    assert len(wanted) >= 2
    for picture in wanted:
        with_picture = tutorials.made_by_run(picture, run)
        assert with_picture.stat().st_size > 0
        assert (page.parent / picture).is_file(), "run python docs/site/tutorials.py"


@each_tutorial
def test_every_output_of_a_tutorial_is_there(page):
    text = page.read_text(encoding="utf-8")
    outputs = [part[1] for part in tutorials._PART.findall(text) if part[0] == "text"]
    assert outputs
    assert all(outputs), "run python docs/site/tutorials.py"
    assert str(Path.home()) not in text


NOTEBOOK = tutorials.TUTORIALS / f"{tutorials.AS_NOTEBOOK}.ipynb"


def test_the_notebook_holds_what_the_first_tutorial_holds():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    page = NOTEBOOK.with_suffix(".md").read_text(encoding="utf-8")
    for language, code in tutorials._PART.findall(page):
        if language != "text":
            assert all(line in source for line in code.splitlines())
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(one) for one in outputs) >= len(tutorials.pictures(page)) + 3


@pytest.mark.filterwarnings("ignore:::")  # of Jupyter's own libraries
def test_the_notebook_runs(small_source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(SAMPLES.parents[1]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "src").symlink_to(small_source)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    settings = " ".join(f"--set {setting}" for setting in SMALL)
    quick = [cell for cell in notebook.cells if "--steps 1500" in cell.source]
    assert len(quick) == 1
    quick[0].source = quick[0].source.replace("--steps 1500", f"--steps 6 {settings}")
    done = NotebookClient(
        notebook, timeout=110, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert (tmp_path / "axons.csv").is_file(), "a command of the notebook failed"
    drawn = [out for cell in done.cells for out in cell.get("outputs", ()) if out.output_type == "execute_result"]
    assert len(drawn) == len(tutorials.pictures(NOTEBOOK.with_suffix(".md").read_text(encoding="utf-8")))
