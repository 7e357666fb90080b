"""The file that goes into every package gives what the model gives, alone."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sharing.conftest import MODELS, SEEN, classes_model, fcn_model
from unseam.data.normalise import GreyRange, Normalise
from unseam.errors import SettingsError
from unseam.model.model_info import TrainingRecord
from unseam.sharing import plain_nets
from unseam.sharing.grey_scale import grey_scale
from unseam.sharing.plain_form import plain_form
from unseam.sharing.torch_files import run_torchscript, run_weights, torchscript_file, weights_file

ROUNDING = 2e-6


def form_of(model, scaling="image"):
    return plain_form(model, grey_scale(model.info, scaling))


def test_it_imports_pytorch_alone():
    tree = ast.parse(Path(plain_nets.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.split(".")[0] for name in modules} == {"torch"}


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (64, 48), (71, 90)])
def test_it_gives_what_the_model_gives_at_any_size(any_model, image, size):
    pixels = image(*size, any_model.info.net.in_channels)
    expected = any_model.predict(pixels).probabilities
    form = form_of(any_model)
    for run in (run_weights(form, weights_file(form)), run_torchscript(form, torchscript_file(form))):
        maps = run(any_model.normalised(pixels)[None])[0]
        assert maps.shape == expected.shape
        assert np.abs(maps - expected).max() <= ROUNDING


def test_geometry_and_names_of_weights_are_those_of_the_model(any_model):
    form, geometry = form_of(any_model), any_model.engine.geometry
    assert (form.net.context, form.net.phase) == (geometry.context, geometry.phase)
    assert geometry.is_admissible(form.net.shortest)
    assert list(form.net.state_dict()) == list(any_model.net.state_dict())


@pytest.mark.parametrize(
    ("depth", "halo", "shortest", "step"), [(1, 8, 18, 2), (2, 20, 44, 4), (3, 48, 104, 8), (4, 96, 208, 16), (5, 192, 416, 32)]
)
def test_halo_shortest_and_step_follow_from_the_network(depth, halo, shortest, step):
    form = form_of(classes_model(resolution="full", depth=depth))
    assert (form.halo, form.shortest, form.net.phase) == (halo, shortest, step)
    half = form_of(classes_model(resolution="half", depth=depth))
    assert (half.halo, half.shortest, half.net.phase) == (2 * halo, 2 * shortest, 2 * step)


@pytest.mark.parametrize("name", MODELS)
def test_a_part_on_the_grid_with_its_halo_equals_the_whole(name, rng):
    """What a program with tiles computes. One phase less of halo, or a start off the grid, gives something else."""
    model = MODELS[name]()
    form = form_of(model)
    run, halo, phase = run_weights(form, weights_file(form)), form.halo, form.net.phase
    side = 2 * halo + 4 * phase
    pixels = rng.normal(size=(1, model.info.net.in_channels, side, side + 3)).astype(np.float32)
    whole = run(pixels)

    def gap(start: int, halo: int) -> float:
        """Of two phases from ``start`` on."""
        rows = slice(start - halo, start + 2 * phase + halo)
        part = run(np.ascontiguousarray(pixels[:, :, rows, rows]))
        inner, there = slice(halo, halo + 2 * phase), slice(start, start + 2 * phase)
        return float(np.abs(part[:, :, inner, inner] - whole[:, :, there, there]).max())

    assert gap(halo, halo) <= ROUNDING
    assert gap(halo + phase, halo) <= ROUNDING
    assert gap(halo, halo - phase) > 10 * ROUNDING
    assert gap(halo + 1, halo) > 10 * ROUNDING


def test_rotations_are_refused():
    with pytest.raises(SettingsError, match=r"seven rotations.*--average flips or --average none"):
        form_of(classes_model().with_average("rotations"))


def test_an_unknown_network_or_head_is_refused(monkeypatch):
    monkeypatch.setattr("unseam.sharing.plain_form.FCNConfig", int)
    with pytest.raises(SettingsError, match="no form to export of the network fcn"):
        form_of(fcn_model())
    monkeypatch.setattr("unseam.sharing.plain_form.SoftMax", int)
    with pytest.raises(SettingsError, match="no form to export of the head classes"):
        form_of(classes_model())


def test_the_fixed_range_is_the_middle_of_the_training_images():
    grey = grey_scale(classes_model().info, "fixed")
    assert grey.fixed == GreyRange(20.0, 200.0)
    (step,) = grey.steps
    assert step["kwargs"]["gain"] * 20 + step["kwargs"]["offset"] == pytest.approx(0)
    assert step["kwargs"]["gain"] * 200 + step["kwargs"]["offset"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"training": TrainingRecord()}, "does not hold the grey values"),
        ({"normalise": Normalise(0, 100)}, "holds percentiles 1 and 99.8 .* the model takes 0 and 100"),
        ({"training": TrainingRecord(seen=replace(SEEN, high=(10.0, 30.0)))}, "its training images show nothing"),
    ],
)
def test_without_a_record_there_is_no_fixed_range(change, reason):
    with pytest.raises(SettingsError, match=f"There is no fixed range: .*{reason}.*--normalise image"):
        grey_scale(replace(classes_model().info, **change), "fixed")


def test_several_channels_have_no_fixed_range_and_no_other_words_are_known():
    with pytest.raises(SettingsError, match="mean over the channels only"):
        grey_scale(MODELS["objects"]().info, "fixed")
    with pytest.raises(SettingsError, match=r"normalise is 'tile'\. It may be 'image' or 'fixed'"):
        grey_scale(classes_model().info, "tile")


def test_weights_are_read_without_code(tmp_path):
    form = form_of(classes_model())
    (tmp_path / "w.pt").write_bytes(weights_file(form))
    weights = torch.load(tmp_path / "w.pt", weights_only=True)
    assert all(torch.equal(weights[name], weight) for name, weight in form.net.state_dict().items())
