"""What a training begins with: by name, by nothing, or by whether a network that ships finds the objects already."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import unseam.networks as room
from reference.shipped import CARD, bright_info, ship
from reference.toy import spots, weights_of
from unseam import load, train
from unseam.api.choose_start import choose_start, is_open
from unseam.data.annotated import AnnotatedFolder
from unseam.data.prepare import Annotated
from unseam.errors import ModelFileError, OutputError, SettingsError
from unseam.model import Model
from unseam.model.model_file import save_model
from unseam.nets import UNetConfig
from unseam.recipes import recipe_named
from unseam.recipes.run import DataSettings
from unseam.runs import default_start
from unseam.runs.default_start import Chosen
from unseam.runs.run_folder import RunFolder
from unseam.runs.watch import Watch

NOT_OF_THE_NET = ("training.output_size=24", "training.validations=3", "training.precision=float32", "average=none")
TRUNK = UNetConfig(first_width=2, depth=1, normalisation="batch")


class Killed(Exception):
    """Ends a training as a kill would, without a word to it."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package that ships one start for every task, with its normalisation kept."""
    folder = tmp_path / "networks"
    folder.mkdir()
    card = replace(CARD, name="general", role="start", object_px=None, licence="BSD-3-Clause")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        net = TRUNK.build()
    save_model(folder / "general.safetensors", net, bright_info(card, net=TRUNK))
    monkeypatch.setattr(room, "files", lambda _: folder)
    return folder


@pytest.fixture
def pair(rng):
    return spots(rng)


def begun(pair, *, as_objects: bool, start="general", steps=3, settings=(), **more):
    image, labels = pair
    kind = "instances" if as_objects else "binary"
    mask = labels if as_objects else (labels > 0).astype(np.uint8)
    own = [*NOT_OF_THE_NET, f"data.masks='{kind}'", *settings]
    return train([image], [mask], start=start, steps=steps, settings=own, device="cpu", **more)


def first_weights(records: list) -> Watch:
    return Watch(on_record=lambda state, record: records.append((record.step, weights_of(state.net))))


def test_objects_keep_the_last_layer_of_a_start_for_every_task_and_its_normalisation(folder, pair, tmp_path):
    records, before = [], weights_of(_net(folder))
    model = begun(pair, as_objects=True, watch=first_weights(records))
    for name, weight in before.items():
        np.testing.assert_array_equal(records[0][1][name], weight)
    assert model.info.net.normalisation == "none"  # folded into the convolutions at the end
    assert "batch normalisation" in model.info.training.recipe
    begun(pair, as_objects=True, out=tmp_path / "run")
    rate = RunFolder(tmp_path / "run").read_config().optimiser.learning_rate
    assert rate == recipe_named("default").optimiser.learning_rate
    assert model.info.release is None
    assert model.info.training.start.model == "general"
    assert model.info.training.start.licence == "BSD-3-Clause"


def test_classes_keep_all_but_the_last_layer(folder, pair):
    records, told, before = [], [], weights_of(_net(folder))
    watch = replace(first_weights(records), tell=told.append)
    model = begun(pair, as_objects=False, watch=watch)
    for name, weight in before.items():
        is_equal = bool((records[0][1][name] == weight).all())
        assert is_equal != (name == "classify.weight"), name
    assert model.info.kind_facts.segments == "foreground"
    assert (
        "the start learnt objects, and these masks hold classes: the last layer is drawn anew for background, foreground"
        in told
    )


def test_a_run_with_kept_normalisation_resumes_to_the_bit(folder, pair, tmp_path):
    whole = begun(pair, as_objects=True, steps=20)

    def kill(state, _) -> None:
        if state.step == 13:
            raise Killed

    with pytest.raises(Killed):
        begun(pair, as_objects=True, steps=20, out=tmp_path / "run", watch=Watch(observers=(kill,)))
    (folder / "general.safetensors").unlink()
    image, labels = pair
    again = train([image], [labels], out=tmp_path / "run", resume=True, device="cpu")
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)
    assert again.info.training.steps == 20


def test_nothing_switches_a_start_off(folder, pair, tmp_path):
    small = ["net.unet.first_width=2", "net.unet.depth=1", "net.unet.resolution=full"]
    with_word = begun(pair, as_objects=False, start="nothing", settings=small)
    without = begun(pair, as_objects=False, start=None, settings=small)
    assert with_word.info.training.start is None
    for name, weight in weights_of(without.net).items():
        np.testing.assert_array_equal(weights_of(with_word.net)[name], weight)
    with pytest.raises(SettingsError, match="Got a start and resume"):
        begun(pair, as_objects=False, start="nothing", out=tmp_path / "run", resume=True)


@pytest.fixture
def segmenting(folder):
    """The same package, with a network that finds what is bright; its objects have the size of those of `pair`."""
    ship(folder, "discs", bright_info(replace(CARD, object_px=5.0)))
    return folder


def test_a_network_that_finds_the_objects_is_the_start_and_that_is_told_and_recorded(segmenting, pair, tmp_path):
    told, labels = [], pair[1]
    bright = (labels > 0) * np.uint8(200), labels
    model = begun(bright, as_objects=True, start="auto", out=tmp_path / "run", watch=Watch(tell=told.append))
    choice = model.info.training.start_choice
    assert choice == "discs, which finds the annotated objects before any training: panoptic quality 1.00"
    assert f"training begins with {choice}" in told
    assert model.info.training.start.model == "discs"
    assert RunFolder(tmp_path / "run").read_config().start_choice == choice
    assert load(tmp_path / "run").info.training.start_choice == choice
    assert choice in (tmp_path / "run/README.md").read_text()
    resumed = train([bright[0]], [labels], out=tmp_path / "run", resume=True, steps=5, device="cpu")
    assert resumed.info.training.start_choice == choice
    assert resumed.info.training.start.model == "discs"


def test_weights_are_drawn_where_no_network_finds_the_objects(segmenting, pair):
    dark = ((pair[1] == 0) * np.uint8(200), pair[1])
    small = ["net.unet.first_width=2", "net.unet.depth=1", "net.unet.resolution=full"]
    chosen = begun(dark, as_objects=True, start="auto", settings=small)
    drawn = begun(dark, as_objects=True, start="nothing", settings=small)
    assert chosen.info.training.start is None
    assert chosen.info.training.start_choice.startswith("drawn weights: no network that ships knows these objects")
    for name, weight in weights_of(drawn.net).items():
        np.testing.assert_array_equal(weights_of(chosen.net)[name], weight)


@pytest.mark.parametrize("what", ["classes", "colour"])
def test_classes_and_colour_images_are_not_asked_of_a_network_of_grey_objects(segmenting, pair, what):
    image = (pair[1] > 0) * np.uint8(200)
    mask = (pair[1] > 0).astype(np.uint8) if what == "classes" else pair[1]
    image = image if what == "classes" else np.stack([image, image, 255 - image], -1)
    read = AnnotatedFolder((Annotated("one", image, mask),))
    kind = "binary" if what == "classes" else "instances"
    chosen = choose_start(lambda _: read, DataSettings(masks=kind))
    assert chosen == Chosen("nothing", "drawn weights: no network that ships is for such masks", is_measured=False)


def test_a_few_large_images_are_enough_to_decide(segmenting, monkeypatch):
    tile, seen = np.zeros((10, 10), bool), []
    tile[3:8, 3:8] = True
    image = np.tile(tile * np.uint8(200), (110, 110))
    labels = np.kron(np.arange(1, 12101).reshape(110, 110), tile)
    predict = Model.predict

    def counted(self, image, **more):
        seen.append(image.shape)
        return predict(self, image, **more)

    monkeypatch.setattr(Model, "predict", counted)
    images = tuple(Annotated(f"{n}", image[:, : 300 if n else 1100], labels[:, : 300 if n else 1100]) for n in range(9))
    chosen = choose_start(lambda _: AnnotatedFolder(images), DataSettings(masks="instances"))
    assert chosen.start == "discs"
    assert seen == [(1000, 1000), (1000, 300), (1000, 300), (1000, 300)]


def test_images_without_an_object_in_the_middle_decide_for_nothing(segmenting):
    labels = np.zeros((1200, 1200), np.int32)
    labels[:20, :20], labels[50:70, :20] = 1, 2
    image = (labels > 0) * np.uint8(200)
    read = AnnotatedFolder((Annotated("one", image, labels),))
    assert choose_start(lambda _: read, DataSettings(masks="instances")).start == "nothing"


def test_the_default_is_one_word(folder, monkeypatch):
    monkeypatch.setattr(default_start, "DEFAULT", "nothing")
    assert not is_open(None, None, (), is_alone=True, rescale=False)
    monkeypatch.setattr(default_start, "DEFAULT", "auto")
    assert is_open(None, None, (), is_alone=True, rescale=False)
    for settled in ({"recipe": "paper"}, {"settings": ("net.depth=2",)}, {"rescale": True}, {"is_alone": False}):
        given = {"recipe": None, "settings": (), "rescale": False, "is_alone": True} | settled
        assert not is_open(None, **given), settled
    assert not is_open("nothing", None, (), is_alone=True, rescale=False)


def test_several_processes_do_not_decide():
    with pytest.raises(SettingsError, match=r"Under torchrun, name the start: --from nuclei or --from nothing"):
        is_open("auto", None, (), is_alone=False, rescale=False)


def test_a_folder_that_is_taken_is_refused_before_anything_is_read(folder, pair, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.toml").write_text("")
    told = []
    with pytest.raises(OutputError, match="already holds a run"):
        begun(pair, as_objects=False, start="auto", out=tmp_path / "run", watch=Watch(tell=told.append))
    assert told == []


def test_an_unknown_start_is_one_line_with_what_was_meant(folder, pair):
    with pytest.raises(ModelFileError, match=r"genral: not a model file.*Did you mean 'general'\?$"):
        begun(pair, as_objects=False, start="genral")


def test_a_start_reads_other_channels_as_any_start_does(folder, pair):
    image, labels = pair
    colour = np.stack([image, image[::-1], image], -1)
    told = []
    model = begun((colour, labels), as_objects=True, watch=Watch(tell=told.append))
    assert model.info.net.in_channels == 3
    assert any("the weights are repeated in turn, times 1/3" in one for one in told)


def _net(folder):
    from unseam.model.model_file import load_model

    return load_model(folder / "general.safetensors")[0]
