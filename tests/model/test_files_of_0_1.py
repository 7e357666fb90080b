"""Files of version 0.1.0 load and give the same predictions as in that version."""

from pathlib import Path

import numpy as np
import pytest

from unseam.heads import Classes, RidgeObjects
from unseam.io import read_image
from unseam.model import Model, load_model, read_info, save_model
from unseam.runs.run_folder import read_run

FILES = Path(__file__).parents[1] / "files_of_0_1"
HEADS = {"classes": Classes(), "objects": RidgeObjects()}


@pytest.mark.parametrize("name", HEADS)
def test_a_model_predicts_what_it_predicted(name):
    model = Model.load(FILES / name, "cpu", engine="torch")
    assert model.info.head == HEADS[name]
    expected = np.load(FILES / name / "expected.npz")
    found = model.predict(read_image(FILES / name / "image.png").planes()[0])
    assert np.abs(found.probabilities - expected["probabilities"]).max() < 1e-4
    assert np.mean(found.classes != expected["classes"]) <= 1e-4
    assert found.instances.max() == expected["objects"].max()


@pytest.mark.parametrize("name", HEADS)
def test_the_settings_load_and_name_no_head(name):
    run = read_run(FILES / name / "config.toml")
    assert run.head is None
    assert (run.objects.threshold, run.objects.min_size, run.training.steps) == (0.5, 16, 200)


@pytest.mark.parametrize("name", HEADS)
def test_a_model_that_is_written_again_names_its_head(name, tmp_path):
    before = FILES / name / "model.safetensors"
    save_model(tmp_path / "model.safetensors", *load_model(before))
    assert b"unseam model 2" in (tmp_path / "model.safetensors").read_bytes()
    assert read_info(tmp_path / "model.safetensors") == read_info(before)
