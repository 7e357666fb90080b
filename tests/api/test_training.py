"""Training and prediction as a program calls them."""

import csv
import tomllib
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

import unseam
from reference.toy import SMALL, spots, spots_folder, weights_of
from unseam.api.models import load
from unseam.api.training import train
from unseam.errors import DataError, LabelError, ModelFileError, OutputError, SettingsError
from unseam.model import Model
from unseam.recipes.default import default
from unseam.runs.watch import Watch

FILES = [
    *("README.md", "checkpoints", "config.toml", "curve.svg", "held_out.npz", "history.csv", "model.safetensors"),
    "report.html",
]


def quick(images, masks=None, steps=2, settings=(), **more) -> Model:
    return train(images, masks, steps=steps, settings=[*SMALL, *settings], device="cpu", **more)


def files_of(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def history_of(folder) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "history.csv").read_text().splitlines()))


@pytest.fixture
def pair(rng):
    image, labels = spots(rng)
    return image, (labels > 0).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, rng):
    return spots_folder(tmp_path / "data", rng, "ab")


def test_it_learns_to_find_bright_spots(rng):
    images, masks = zip(*(spots(rng) for _ in range(2)), strict=True)
    masks = [(mask > 0).astype(np.uint8) for mask in masks]
    settings = ["net.unet.first_width=6", "optimiser.adam_w.learning_rate=1e-2", "training.clip_norm=false"]
    model = quick(list(images), masks, steps=120, settings=settings)
    image, labels = spots(rng)
    predicted = model.predict(image).classes > 0
    assert (predicted & (labels > 0)).sum() / (predicted | (labels > 0)).sum() > 0.6
    assert model.info.training.score > 0.3


def test_one_image(pair):
    model = quick([pair[0]], [pair[1]])
    assert model.info.masks == "binary"
    assert model.info.training.steps == 2
    assert model.info.training.images == ("image 0",)
    assert model.predict(pair[0]).classes.shape == pair[0].shape


def test_a_colour_image(pair, rng):
    image = rng.integers(0, 255, (*pair[0].shape, 3)).astype(np.uint8)
    model = quick([image], [pair[1]])
    assert model.info.net.in_channels == 3
    assert model.predict(image).probabilities.shape == (2, *pair[0].shape)
    with pytest.raises(DataError, match=r"1 channel\(s\); this model was trained on 3"):
        model.predict(pair[0])


def test_a_model_of_grey_images_takes_grey_saved_as_colour_and_no_colours(pair, rng):
    model = quick([pair[0]], [pair[1]])
    grey = np.repeat(pair[0][..., None], 3, axis=-1)
    np.testing.assert_array_equal(model.predict(grey).probabilities, model.predict(pair[0]).probabilities)
    with pytest.raises(DataError, match=r"3 channel\(s\); this model was trained on 1"):
        model.predict(rng.integers(0, 255, grey.shape).astype(np.uint8))


def test_instances(rng):
    image, labels = spots(rng)
    model = quick([image], [labels], settings=["data.masks='instances'"])
    assert (model.info.masks, model.info.class_names) == ("instances", ("background", "object"))
    assert model.info.net.num_classes == 2
    found = model.predict(image).instances
    assert found.dtype == np.int32
    assert set(np.unique(found)) == set(range(found.max() + 1))


def test_classes_with_pixels_that_nobody_annotated(rng):
    image, labels = spots(rng)
    classes = np.where(labels == 0, 10, 20 * labels.astype(int)).astype(np.uint8)  # 10, 20, 40, 60
    classes[:, 30:34] = 99
    model = quick([image], [classes], settings=["data.masks='classes'", "data.ignore=99"])
    assert model.info.class_values == (10, 20, 40, 60)
    result = model.predict(image)
    assert set(np.unique(result.classes)) <= {10, 20, 40, 60}
    np.testing.assert_array_equal(result.classes, np.array([10, 20, 40, 60])[result.probabilities.argmax(axis=0)])


def test_values_of_the_masks_come_back(pair):
    model = quick([pair[0]], [pair[1] * 255])
    assert model.info.class_values == (0, 255)
    bright = model.net.classify.bias.detach()
    bright.copy_(torch.tensor([0.0, 50.0]))
    assert np.unique(model.predict(pair[0]).classes).tolist() == [255]
    bright.copy_(torch.tensor([50.0, 0.0]))
    assert np.unique(model.predict(pair[0]).classes).tolist() == [0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (37, 91), (5, 3)])
@pytest.mark.parametrize("average", ["none", "flips", "rotations"])
def test_any_size_is_segmented(shape, average, pair, rng):
    model = quick([pair[0]], [pair[1]], steps=1)
    result = model.predict(rng.integers(0, 255, shape).astype(np.uint8), average=average)
    assert result.probabilities.shape == (2, *shape)
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=0), 1, atol=1e-5)
    assert result.classes.shape == result.instances.shape == shape


def test_tiles_change_nothing(pair):
    model = quick([pair[0]], [pair[1]])
    model.net.double()
    steps = []
    tiled = model.predict(pair[0], max_input_tile=40, on_tile=lambda done, total: steps.append((done, total)))
    np.testing.assert_allclose(tiled.probabilities, model.predict(pair[0]).probabilities, atol=1e-6)
    assert steps == [(n, len(steps)) for n in range(1, len(steps) + 1)]
    assert len(steps) > 1


def test_a_folder_and_its_run_folder(folder, tmp_path):
    told, records = [], []
    out = tmp_path / "run"
    watch = Watch(told.append, lambda state, record: records.append(record))
    model = quick(folder, out=out, steps=20, watch=watch)
    assert files_of(out) == FILES
    assert model.info.training.images == ("a", "b")
    assert len([line for line in told if "learnt nothing" not in line]) == 3, "20 steps may teach nothing"

    rows = history_of(out)
    assert [int(row["step"]) for row in rows] == [r.step for r in records] == [10, 20]
    assert all(0 <= float(row["score"]) <= 1 and float(row["energy"]) > 0 for row in rows)
    assert tomllib.loads((out / "config.toml").read_text())["training"]["steps"] == 20
    ET.fromstring((out / "curve.svg").read_text())
    card = (out / "README.md").read_text()
    assert "20 steps" in card
    assert "foreground (255)" in card

    again = load(out, "cpu")
    assert again.info == load(out / "model.safetensors", "cpu").info == model.info
    image = np.asarray(Image.open(folder / "images" / "a.png"))
    np.testing.assert_array_equal(again.predict(image).probabilities, model.predict(image).probabilities)


def test_the_settings_that_were_written_are_the_run(folder, tmp_path):
    quick(folder, out=tmp_path / "one", steps=4)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.toml").write_bytes((tmp_path / "one" / "config.toml").read_bytes())
    train(folder, out=other, resume=True, device="cpu")
    one, two = load(tmp_path / "one", "cpu"), load(other, "cpu")
    for name, weight in weights_of(one.net).items():
        np.testing.assert_array_equal(weights_of(two.net)[name], weight)


def test_the_same_seed_is_the_same_model_and_another_seed_another(pair):
    def trained(seed: int) -> np.ndarray:
        return weights_of(quick([pair[0]], [pair[1]], settings=[f"training.seed={seed}"]).net)["classify.weight"]

    np.testing.assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()


def test_the_callers_random_numbers_stay_as_they_were(pair):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    quick([pair[0]], [pair[1]])
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


class Killed(BaseException):
    """What no part of the program catches, as if the power had gone."""


def kill_at(step: int) -> Watch:
    def kill(state, _):
        if state.step == step:
            raise Killed

    return Watch(observers=(kill,))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(["optimiser.adam_w.learning_rate=1e-2"], id="adam_w"),
        pytest.param(["optimiser.sgd.learning_rate=1e-2"], id="sgd"),
        pytest.param(["net.normalisation=batch", "training.average=0.9"], id="stored statistics and averaged weights"),
        pytest.param(["training.statistics_fixed=0.2"], id="statistics fixed before the break"),
        pytest.param(["training.statistics_fixed=0.8"], id="statistics fixed after the break"),
        pytest.param(["net.resolution=half", "optimiser.muon.momentum=0.9"], id="half resolution and muon"),
    ],
)
def test_killed_and_resumed_is_bit_for_bit_the_run_without_a_break(settings, folder, tmp_path):
    whole = quick(folder, out=tmp_path / "whole", steps=30, settings=settings)
    with pytest.raises(Killed):
        quick(folder, out=tmp_path / "run", steps=30, settings=settings, watch=kill_at(17))
    assert files_of(tmp_path / "run") == ["checkpoints", "config.toml", "curve.svg", "history.csv"]
    told = []
    again = train(folder, out=tmp_path / "run", resume=True, device="cpu", watch=Watch(told.append))
    assert any("from step 10" in sentence for sentence in told)
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)
    assert again.info.training.best_step == whole.info.training.best_step

    def history(name: str) -> list[dict[str, str]]:
        return [row | {"seconds": ""} for row in history_of(tmp_path / name)]

    assert history("run") == history("whole")


def test_the_lines_from_before_a_break_are_kept_while_it_goes_on(folder, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Killed):
        quick(folder, out=out, steps=40, watch=kill_at(25))
    with pytest.raises(Killed):
        train(folder, out=out, resume=True, device="cpu", watch=kill_at(35))
    assert [row["step"] for row in history_of(out)] == ["14", "27"]


def test_a_finished_run_can_be_trained_for_longer(folder, tmp_path):
    out = tmp_path / "run"
    quick(folder, out=out, steps=10)
    model = train(folder, out=out, resume=True, steps=20, device="cpu")
    assert model.info.training.steps == 20
    assert load(out, "cpu").info == model.info
    assert tomllib.loads((out / "config.toml").read_text())["training"]["steps"] == 20


def test_a_checkpoint_that_does_not_fit_leaves_the_run_as_it_was(folder, tmp_path):
    out = tmp_path / "run"
    quick(folder, out=out, steps=10)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ModelFileError, match="checkpoint"):
        train(folder, out=out, resume=True, steps=20, settings=["net.unet.first_width=3"], device="cpu")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(name, folder, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(OutputError, match=rf"\({name}\).*--resume"):
        quick(folder, out=out)
    assert (out / name).read_text() == "mine"
    assert files_of(out) == [name]


def interrupt_at(step: int) -> Watch:
    def interrupt(state, _):
        if state.step == step:
            raise KeyboardInterrupt

    return Watch(observers=(interrupt,))


def test_ctrl_c_keeps_the_best_weights_so_far(folder, tmp_path):
    model = quick(folder, out=tmp_path / "run", steps=1000, watch=interrupt_at(5))
    assert model.info.training.steps == 5
    assert files_of(tmp_path / "run") == FILES
    assert load(tmp_path / "run", "cpu").info == model.info


def test_a_program_stops_it_as_ctrl_c_does(folder, tmp_path):
    steps, told = [], []
    watch = Watch(told.append, observers=(lambda state, _: steps.append(state.step),), should_stop=lambda: steps[-1] == 5)
    model = quick(folder, out=tmp_path / "run", steps=1000, watch=watch)
    assert steps == [1, 2, 3, 4, 5]
    assert model.info.training.steps == 5
    assert any("stopped at step 5" in sentence for sentence in told)
    assert files_of(tmp_path / "run") == FILES
    assert (tmp_path / "run/checkpoints/step-000005").exists()
    assert load(tmp_path / "run", "cpu").info == model.info


def test_what_a_program_stopped_continues_bit_for_bit(folder, tmp_path):
    whole = quick(folder, out=tmp_path / "whole", steps=30)
    steps = []
    watch = Watch(observers=(lambda state, _: steps.append(state.step),), should_stop=lambda: steps[-1] == 13)
    quick(folder, out=tmp_path / "run", steps=30, watch=watch)
    again = train(folder, out=tmp_path / "run", resume=True, device="cpu")
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)


def test_a_stop_keeps_the_folds_that_are_finished(folder, tmp_path):
    steps = []
    watch = Watch(observers=(lambda state, _: steps.append(state.step),), should_stop=lambda: len(steps) == 8)
    model = quick(folder, out=tmp_path / "run", steps=10, folds=2, watch=watch)
    assert len(model.info.members) == 1
    assert steps == [1, 2, 3, 4, 5, 1, 2, 3]


def test_two_trainings_in_one_process_are_those_of_two_processes(pair):
    """The memory that the first one frees is kept for the second, and holds nothing of it."""
    first, second = (weights_of(quick([pair[0]], [pair[1]], steps=5).net) for _ in range(2))
    for name, weight in first.items():
        np.testing.assert_array_equal(second[name], weight)


def test_ctrl_c_before_the_first_step_gives_no_model(folder, tmp_path):
    def tell(sentence: str) -> None:
        if "held out" in sentence:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(folder, out=tmp_path / "run", watch=Watch(tell))
    assert not (tmp_path / "run").exists()


def test_data_that_cannot_be_trained_on_leaves_nothing_behind(tmp_path, pair):
    out = tmp_path / "run"
    for images, masks, error in [
        ([pair[0]], [np.zeros_like(pair[1])], LabelError),
        ([pair[0]], [pair[1][:-1]], DataError),
        ([pair[0]], [], DataError),
        ([pair[0]], None, DataError),
        (str(tmp_path / "nowhere"), None, DataError),
        (str(tmp_path), [pair[1]], DataError),
    ]:
        with pytest.raises(error):
            quick(images, masks, out=out)
        assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "quick"}, r"'quick'.*default, paper"),
        ({"settings": ["training.stepz=3"]}, r"Did you mean 'steps'"),
        ({"steps": 0}, r"training\.steps = 0"),
        ({"minutes": -1.0}, r"training\.minutes = -1"),
        ({"settings": ["training.minutes=false"], "steps": None}, r"neither steps nor minutes"),
        ({"device": "quantum"}, r"Device 'quantum' is not available.*'cpu'"),
        ({"resume": True}, r"out="),
    ],
)
def test_settings_that_cannot_be(arguments, message, pair):
    with pytest.raises(SettingsError, match=message):
        train([pair[0]], [pair[1]], **({"device": "cpu", "steps": 1} | arguments))


def test_going_on_with_no_run(folder, tmp_path):
    with pytest.raises(SettingsError, match="nowhere"):
        train(folder, out=tmp_path / "nowhere", resume=True, device="cpu")
    assert not (tmp_path / "nowhere").exists()


def test_a_recipe_of_ones_own(pair):
    from dataclasses import replace

    from unseam.nets import FCNConfig

    run = replace(default(), net=FCNConfig(first_width=2, depth=2))
    settings = ["training.output_size=16", "training.precision=float32"]
    model = train([pair[0]], [pair[1]], recipe=run, steps=1, settings=settings, device="cpu")
    assert type(model.net).__name__ == "FCN"
    assert model.info.training.recipe == "fcn, muon, weighted_cross_entropy, averaged weights (0.999)"


def test_nothing_held_out(pair):
    model = quick([pair[0]], [pair[1]], settings=["data.validation=0.0"])
    assert model.info.training.score is None
    assert "nothing is held out" in model.info.training.held_out


def test_public_names_are_there():
    for name in unseam.__all__:
        assert getattr(unseam, name) is not None
    assert set(unseam.__all__) <= set(dir(unseam))
    with pytest.raises(AttributeError, match=r"no attribute 'segment'; it has .*train"):
        unseam.segment  # noqa: B018


def test_a_model_says_what_it_is(pair):
    assert "classes background, foreground; 2 steps on 1 image(s)" in repr(quick([pair[0]], [pair[1]]))


def test_what_is_said_of_objects_is_kept(rng):
    image, labels = spots(rng)
    said = quick([image], [labels], settings=["objects.threshold=0.7", "objects.min_size=50"]).info.objects
    assert (said.threshold, said.min_size) == (0.7, 50)


def test_a_config_file_is_a_recipe(pair, tmp_path):
    quick([pair[0]], [pair[1]], out=tmp_path / "first", settings=["training.seed=5"])
    again = train([pair[0]], [pair[1]], recipe=str(tmp_path / "first" / "config.toml"), out=tmp_path / "second")
    assert (tmp_path / "second" / "config.toml").read_text() == (tmp_path / "first" / "config.toml").read_text()
    assert again.info.training.seed == 5
    with pytest.raises(SettingsError, match=r"none\.toml"):
        quick([pair[0]], [pair[1]], recipe=str(tmp_path / "none.toml"))


def test_a_recipe_and_a_run_to_go_on_with_are_not_both_meant(pair, tmp_path):
    quick([pair[0]], [pair[1]], out=tmp_path / "run")
    with pytest.raises(SettingsError, match="recipe"):
        train([pair[0]], [pair[1]], out=tmp_path / "run", resume=True, recipe="paper")
    with pytest.raises(SettingsError, match="out="):
        train([pair[0]], [pair[1]], resume=True)


def test_channels_and_classes_follow_from_the_data(pair):
    with pytest.raises(SettingsError, match="in_channels"):
        quick([pair[0]], [pair[1]], settings=["net.unet.in_channels=3"])
