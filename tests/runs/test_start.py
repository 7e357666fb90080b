"""Training that begins with a trained network: what it takes, says, refuses and records, and how it goes on after a break."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from reference.toy import SMALL, spots, spots_folder, weights_of
from unseam.api.models import load
from unseam.api.predict import PredictWatch, predict
from unseam.api.training import train
from unseam.data.rescale import back_to, nearest, rescaled
from unseam.errors import DataError, ModelFileError, SettingsError
from unseam.model import Model
from unseam.nets import Start
from unseam.runs.run_folder import RunFolder
from unseam.runs.start import name_of_start
from unseam.runs.watch import Watch

NOT_OF_THE_NET = SMALL[3:6]
"""Settings of the toy that are not the start's."""


def begun(data, masks=None, steps=4, settings=(), **more) -> Model:
    """A short training that begins with a network."""
    return train(data, masks, steps=steps, settings=[*NOT_OF_THE_NET, *settings], device="cpu", **more)


def drawn(data, masks=None, steps=6, settings=(), **more) -> Model:
    """A short training from drawn weights."""
    return train(data, masks, steps=steps, settings=[*SMALL, *settings], device="cpu", **more)


@pytest.fixture
def pair(rng):
    image, labels = spots(rng)
    return image, (labels > 0).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, rng):
    return spots_folder(tmp_path / "data", rng, "abc")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The run folder of a network that finds bright discs, background and foreground; only to be read."""
    image, labels = spots(np.random.default_rng(5))
    out = tmp_path_factory.mktemp("start") / "cells"
    drawn([image], [(labels > 0).astype(np.uint8)], out=out)
    return out


def first_weights(records: list) -> Watch:
    """A watch that keeps step and weights of each record."""
    return Watch(on_record=lambda state, record: records.append((record, weights_of(state.net), weights_of(state.judged))))


def test_step_0_is_the_start_to_the_bit(start, pair):
    records = []
    begun([pair[0]], [pair[1]], start=start, watch=first_weights(records))
    record, trained, judged = records[0]
    known = load(start)
    assert record.step == 0
    assert 0 <= record.score <= 1
    for name, weight in weights_of(known.net).items():
        np.testing.assert_array_equal(trained[name], weight)
        np.testing.assert_array_equal(judged[name], weight)
    net = known.info.net.build()
    net.load_state_dict({name: torch.from_numpy(weight) for name, weight in trained.items()})
    same = Model(net, known.info, "cpu").predict(pair[0]).probabilities
    np.testing.assert_array_equal(same, known.predict(pair[0]).probabilities)
    assert any((records[-1][1][name] != weight).any() for name, weight in trained.items())


def test_the_score_of_step_0_is_told_and_recorded(start, pair, tmp_path):
    told = []
    model = begun([pair[0]], [pair[1]], start=start, out=tmp_path / "run", watch=Watch(tell=told.append))
    score = model.info.training.first_score
    assert f"before the first step: IoU {score:.3f} on what is held out" in told
    assert (tmp_path / "run/history.csv").read_text().splitlines()[1].startswith("0,")
    without = begun([pair[0]], [pair[1]], start=start, settings=["data.validation=0.0"])
    assert without.info.training.first_score is None


def test_network_and_grey_values_are_those_of_the_start(start, pair):
    model = begun([pair[0]], [pair[1]], start=start)
    known = load(start)
    assert replace(model.info.net, dropout=0) == replace(known.info.net, dropout=0)
    assert model.info.normalise == known.info.normalise
    assert model.info.training.recipe.startswith("unet, muon")
    assert "batch normalisation" not in model.info.training.recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("net.unet.depth=2", "net.depth is set to 2, but the start has 1"),
        ("net.first_width=16", "net.first_width is set to 16, but the start has 2"),
        ("net.resolution='half'", "net.resolution is set to 'half', but the start has 'full'"),
        ("net.normalisation='batch'", "net.normalisation is set to 'batch', but the start has 'none'"),
        ("net.fcn.depth=1", "net is set to fcn, but the start has unet"),
        ("normalise.low_percent=1", "normalise.low_percent is set to 1.0, but the start has 0.0"),
        ("normalise.over='stack'", "normalise.over is set to 'stack', but the start has 'plane'"),
    ],
)
def test_settings_that_contradict_the_start_are_refused_with_both_values(setting, message, start, pair, tmp_path):
    with pytest.raises(SettingsError, match=message):
        begun([pair[0]], [pair[1]], start=start, settings=[setting], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_that_agree_with_the_start_and_its_drop_out_may_be_set(start, pair):
    model = begun([pair[0]], [pair[1]], start=start, settings=["net.unet.depth=1", "net.dropout=0.4"])
    assert model.info.net.dropout == 0.4


@pytest.mark.parametrize(
    ("channels", "message"),
    [(3, "1 channel(s), these have 3: in the first layer, the weights are repeated in turn, times 1/3"), (1, "")],
)
def test_other_channels_are_told(channels, message, start, pair, rng):
    told = []
    image = pair[0] if channels == 1 else rng.integers(0, 255, (*pair[0].shape, channels)).astype(np.uint8)
    model = begun([image], [pair[1]], start=start, watch=Watch(tell=told.append))
    assert model.info.net.in_channels == channels
    assert any(message in sentence for sentence in told)
    assert not any("a guess" in sentence for sentence in told)
    assert any("in the first layer" in sentence for sentence in told) == (channels > 1)


def test_channels_of_another_kind_are_told_as_a_guess(pair, rng):
    def image(channels: int) -> np.ndarray:
        return rng.integers(0, 255, (*pair[0].shape, channels)).astype(np.uint8)

    told, summed = [], []
    known = drawn([image(3)], [pair[1]])
    begun([image(5)], [pair[1]], start=known, watch=Watch(tell=told.append))
    assert any("times 3/5. That is a guess" in sentence for sentence in told)
    records = []
    watch = Watch(tell=summed.append, on_record=first_weights(records).on_record)
    begun([pair[0]], [pair[1]], start=known, watch=watch)
    assert any("3 channel(s), these have 1" in sentence and "added up" in sentence for sentence in summed)
    first = "contracting.0.0.weight"
    np.testing.assert_allclose(records[0][1][first], weights_of(known.net)[first].sum(1, keepdims=True), rtol=1e-6)


def classes_of(labels, names, folder, rng):
    """Write a folder in nnU-Net's layout, whose file names the classes 1, 2, ...; background is 0."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    Image.fromarray(rng.integers(0, 255, labels.shape).astype(np.uint8)).save(folder / "imagesTr/a_0000.png")
    Image.fromarray(labels).save(folder / "labelsTr/a.png")
    listed = ", ".join(f'"{name}": {value}' for value, name in enumerate(("background", *names)))
    text = f'{{"channel_names": {{"0": "grey"}}, "labels": {{{listed}}}, "numTraining": 1, "file_ending": ".png"}}'
    (folder / "dataset.json").write_text(text)
    return folder


def test_rows_of_classes_are_kept_by_name_and_others_follow_from_the_seed(tmp_path, rng):
    _, labels = spots(rng)
    known = drawn(classes_of(labels, ("axon", "myelin", "soma"), tmp_path / "old", rng))
    assert known.info.class_names == ("background", "axon", "myelin", "soma")
    two = np.minimum(labels, 2).astype(np.uint8)
    other = classes_of(two, ("myelin", "spine"), tmp_path / "new", rng)
    told, rows = [], []
    for seed in (1, 1, 2):
        records = []
        watch = Watch(tell=told.append, on_record=first_weights(records).on_record)
        begun(other, start=known, settings=[f"training.seed={seed}"], watch=watch)
        rows.append(records[0][1])
    before = weights_of(known.net)
    for name in ("classify.weight", "classify.bias"):
        for row in rows:
            np.testing.assert_array_equal(row[name][:2], before[name][[0, 2]])
    np.testing.assert_array_equal(rows[0]["classify.weight"][2], rows[1]["classify.weight"][2])
    assert (rows[0]["classify.weight"][2] != rows[2]["classify.weight"][2]).any()
    assert (rows[0]["classify.bias"][2] == 0).all()
    sentence = "in the last layer, the rows of background, myelin are kept; drawn anew for spine"
    assert any(f"distinguishes background, axon, myelin, soma: {sentence}" in one for one in told)


def test_a_start_that_learnt_classes_is_refused_for_objects_and_the_other_way_round(start, rng, tmp_path):
    image, labels = spots(rng)
    out = {"out": tmp_path / "run"}
    with pytest.raises(SettingsError, match=r"learnt foreground \(head classes\).*read as instances \(head ridge_objects\)"):
        begun([image], [labels], start=start, settings=["data.masks='instances'"], **out)
    objects = drawn([image], [labels], settings=["data.masks='instances'"])
    with pytest.raises(SettingsError, match=r"ridge_objects learns from masks that number objects.*the start that has it"):
        begun([image], [(labels > 0).astype(np.uint8)], start=objects, **out)
    with pytest.raises(SettingsError, match=r"learnt objects \(head ridge_objects\).*\(head classes\)"):
        begun([image], [labels], start=objects, settings=["data.masks='instances'", "head.classes={}"], **out)
    assert not (tmp_path / "run").exists()
    same = begun([image], [labels], start=start, settings=["data.masks='instances'", "head.classes={}"])
    assert same.info.masks == "instances"


def test_step_0_finds_objects_as_the_start_does(rng, tmp_path):
    image, labels = spots(rng)
    known = drawn([image], [labels], settings=["data.masks='instances'"])
    known = known.with_objects(replace(known.info.objects, threshold=0.8, grow_px=0.0))

    def objects(*settings: str, out: str) -> tuple[float, float]:
        settings = ["data.masks='instances'", *settings]
        begun([image], [labels], steps=1, start=known, settings=settings, out=tmp_path / out)
        chosen = RunFolder(tmp_path / out).read_config().objects
        return chosen.threshold, chosen.grow_px

    assert objects(out="a") == (0.8, 0.0)
    assert objects("objects.threshold=0.6", out="b") == (0.6, 3.9)


def test_record_and_card_name_the_start(start, pair, tmp_path):
    model = begun([pair[0]], [pair[1]], start=start, settings=["start.licence='CC-BY-4.0'"], out=tmp_path / "run")
    found = hashlib.sha256((start / "model.safetensors").read_bytes()).hexdigest()
    assert load(tmp_path / "run").info.training.start == Start("cells", found, licence="CC-BY-4.0")
    assert model.info.training.start == Start("cells", found, licence="CC-BY-4.0")
    card = (tmp_path / "run/README.md").read_text()
    assert f"| started from | cells (SHA-256 {found}), licence CC-BY-4.0, IoU " in card
    assert "start.safetensors" in card
    after = begun([pair[0]], [pair[1]], start=tmp_path / "run")
    assert after.info.training.start.licence == "CC-BY-4.0"  # of the network before: it binds this one, too
    assert "start" not in (start / "README.md").read_text()


def test_a_model_in_memory_has_the_check_sum_of_its_file(start, pair, tmp_path):
    known = load(start)
    before = weights_of(known.net)
    model = begun([pair[0]], [pair[1]], start=known, out=tmp_path / "run")
    assert model.info.training.start == Start("", hashlib.sha256((start / "model.safetensors").read_bytes()).hexdigest())
    assert "a model in memory" in (tmp_path / "run/README.md").read_text()
    for name, weight in weights_of(known.net).items():
        np.testing.assert_array_equal(weight, before[name])
    with pytest.raises(ModelFileError, match=r"model in memory, which is gone.*start\.safetensors"):
        train([pair[0]], [pair[1]], recipe=str(tmp_path / "run/config.toml"), steps=2, device="cpu")


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/cells", "cells"), ("a/cells/model.safetensors", "cells"), ("a/b.safetensors", "b.safetensors"), ("", "")],
)
def test_the_name_in_a_record_says_nothing_of_the_folders_above(path, name, tmp_path):
    (tmp_path / "a/cells").mkdir(parents=True)
    assert name_of_start(Start(f"{tmp_path}/{path}" if path else "")) == name


def test_a_network_of_an_ensemble_is_chosen_by_its_number(folder, pair, tmp_path):
    drawn(folder, out=tmp_path / "folds", folds=2, steps=8)
    for settings in ([], ["start.member=3"]):
        with pytest.raises(SettingsError, match=r"ensemble of 2 networks.*--set start\.member=1 \(to 2\)"):
            begun([pair[0]], [pair[1]], start=tmp_path / "folds", settings=settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    records = []
    watch = first_weights(records)
    model = begun([pair[0]], [pair[1]], start=tmp_path / "folds", settings=["start.member=2"], watch=watch)
    expected = weights_of(load(tmp_path / "folds").net.members[1])
    assert all((records[0][1][name] == weight).all() for name, weight in expected.items())
    assert model.info.training.start.member == 2
    assert "network 2 of its ensemble" in model.info.training.describe_start()


def test_a_single_network_has_no_number(start, pair):
    with pytest.raises(SettingsError, match=r"start\.member = 2, but .* single network"):
        begun([pair[0]], [pair[1]], start=start, settings=["start.member=2"])


@pytest.mark.parametrize(("layers", "moved"), [("expansive", {"up", "expansive", "classify"}), ("last", {"classify"})])
def test_layers_that_do_not_learn_stay_to_the_bit(layers, moved, start, pair):
    records = []
    settings = [f"training.layers={layers!r}", "training.average=false"]
    begun([pair[0]], [pair[1]], steps=10, start=start, settings=settings, watch=first_weights(records))
    (_, first, _), (_, last, _) = records[0], records[-1]
    assert {name.partition(".")[0] for name, weight in first.items() if (last[name] != weight).any()} == moved


def test_drawn_layers_must_learn(pair):
    with pytest.raises(SettingsError, match=r"training\.layers = 'last': weights that are drawn must all learn"):
        drawn([pair[0]], [pair[1]], settings=["training.layers='last'"])


def test_the_recipe_for_a_start_needs_one(pair):
    with pytest.raises(SettingsError, match=r"fine_tuned continues a trained network.*--from"):
        drawn([pair[0]], [pair[1]], recipe="fine_tuned")


def test_another_recipe_keeps_the_network_of_the_start(start, pair):
    model = begun([pair[0]], [pair[1]], start=start, recipe="paper", settings=["training.output_size=24"])
    assert model.info.net.first_width == 2
    assert "sgd" in model.info.training.recipe


def test_settings_of_a_run_repeat_it_and_refuse_another_file_of_that_name(start, pair, tmp_path):
    place = tmp_path / "cells"
    shutil.copytree(start, place)
    model = begun([pair[0]], [pair[1]], start=place, out=tmp_path / "run")
    again = train([pair[0]], [pair[1]], recipe=str(tmp_path / "run/config.toml"), device="cpu")
    for name, weight in weights_of(model.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)
    model.save(place / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"SHA-256 is .*another model of the same name"):
        train([pair[0]], [pair[1]], recipe=str(tmp_path / "run/config.toml"), device="cpu")


class Killed(Exception):
    """Ends a training as a kill would, without a word to it."""


def kill_at(step: int):
    def observer(state, _):
        if state.step == step:
            raise Killed

    return observer


def test_a_run_resumes_to_the_bit_without_its_start(start, pair, tmp_path):
    place = tmp_path / "cells"
    shutil.copytree(start, place)
    whole = begun([pair[0]], [pair[1]], steps=20, start=place)
    with pytest.raises(Killed):
        begun([pair[0]], [pair[1]], steps=20, start=place, out=tmp_path / "run", watch=Watch(observers=(kill_at(13),)))
    shutil.rmtree(place)
    (tmp_path / "run/start.safetensors").unlink()
    told = []
    resumed = train([pair[0]], [pair[1]], out=tmp_path / "run", resume=True, device="cpu", watch=Watch(tell=told.append))
    assert "resuming from step 10" in told
    assert not any("before the first step" in sentence for sentence in told)
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(resumed.net)[name], weight)
    assert resumed.info.training.start == whole.info.training.start
    assert resumed.info.training.first_score == whole.info.training.first_score


def test_folds_begin_with_the_start_and_a_later_one_finds_it_in_the_run_folder(start, folder, tmp_path):
    place, steps = tmp_path / "cells", 40
    shutil.copytree(start, place)
    told = []
    whole = begun(folder, steps=steps, folds=2, start=place, watch=Watch(tell=told.append))
    assert len([one for one in told if one.startswith("training begins with a network of 6 step(s)")]) == 1
    assert len([one for one in told if one.startswith("before the first step")]) == 2
    with pytest.raises(Killed):
        begun(folder, steps=steps, folds=2, start=place, out=tmp_path / "run", watch=Watch(observers=(kill_at(12),)))
    shutil.rmtree(place)
    resumed = train(folder, out=tmp_path / "run", resume=True, device="cpu")
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(resumed.net)[name], weight)
    record = resumed.info.training
    assert (record.start.model, record.first_score) == ("cells", None)
    assert all(member.start == record.start and member.first_score is not None for member in resumed.info.members)


def test_a_run_whose_start_is_gone_before_its_first_checkpoint_is_refused(start, pair, tmp_path):
    place = tmp_path / "cells"
    shutil.copytree(start, place)
    begun([pair[0]], [pair[1]], start=place, out=tmp_path / "run")
    shutil.rmtree(tmp_path / "run/checkpoints")
    (tmp_path / "run/history.csv").unlink()
    (tmp_path / "run/start.safetensors").unlink()
    told = []
    train([pair[0]], [pair[1]], out=tmp_path / "run", resume=True, device="cpu", watch=Watch(tell=told.append))
    assert any("before the first step" in sentence for sentence in told)  # the file is there yet
    shutil.rmtree(tmp_path / "run/checkpoints")
    (tmp_path / "run/history.csv").unlink()
    (tmp_path / "run/start.safetensors").unlink()
    shutil.rmtree(place)
    with pytest.raises(ModelFileError, match=r"both the file and its copy start\.safetensors.* are gone"):
        train([pair[0]], [pair[1]], out=tmp_path / "run", resume=True, device="cpu")


def test_a_start_beside_resume_is_refused(start, pair, tmp_path):
    begun([pair[0]], [pair[1]], start=start, out=tmp_path / "run")
    with pytest.raises(SettingsError, match="Got a start and resume"):
        begun([pair[0]], [pair[1]], start=start, out=tmp_path / "run", resume=True)
    with pytest.raises(SettingsError, match=r"net\.depth is set to 3, but the start has 1"):
        train([pair[0]], [pair[1]], out=tmp_path / "run", resume=True, settings=["net.depth=3"], device="cpu")


def test_a_folder_that_holds_a_start_is_not_free(start, tmp_path):
    RunFolder(tmp_path).keep_start(load(start).net, load(start).info)
    with pytest.raises(OSError, match=r"already holds a run \(start\.safetensors\)"):
        RunFolder(tmp_path).check_free()


def of_pixels(place, um: float | None, rng):
    """Write a folder with one image whose file states the size of its pixels."""
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    image, labels = spots(rng)
    size = {} if um is None else {"resolution": (1 / um, 1 / um), "metadata": {"unit": "um"}, "imagej": True}
    tifffile.imwrite(place / "images/a.tif", image, **size)
    tifffile.imwrite(place / "masks/a.tif", (labels > 0).astype(np.uint8))
    return place


@pytest.mark.parametrize(("um", "is_told"), [(0.2, True), (0.11, False)])
def test_another_pixel_size_and_images_of_the_same_names_are_told(um, is_told, tmp_path, rng):
    known = drawn(of_pixels(tmp_path / "old", 0.1, rng))
    told = []
    begun(of_pixels(tmp_path / "new", um, rng), start=known, watch=Watch(tell=told.append))
    words = f"pixels are {um:g} um, those of the training images 0.1 um of the start"
    assert any(words in sentence for sentence in told) == is_told
    assert any("images of the same names (a)" in sentence for sentence in told)


def test_images_are_resampled_to_the_pixels_of_the_start_and_results_back(tmp_path, rng):
    known = drawn(of_pixels(tmp_path / "old", 0.1, rng))
    data, told = of_pixels(tmp_path / "new", 0.2, rng), []
    model = begun(data, start=known, rescale=True, out=tmp_path / "run", watch=Watch(tell=told.append))
    assert "images are resampled to pixels of 0.1 um: a from 70 x 60 px to 140 x 120 px" in told
    assert not any("pixel size of the data" in sentence for sentence in told)
    assert model.info.spacing_um == pytest.approx((0.1, 0.1))
    assert model.info.training.num_annotated_pixels == 120 * 140
    assert "images resampled to pixels of 0.1 um" in (tmp_path / "run/README.md").read_text()
    resumed = train(data, out=tmp_path / "run", resume=True, steps=6, device="cpu")
    assert resumed.info.training.num_annotated_pixels == 120 * 140

    watch = PredictWatch(tell=told.append)
    (result,) = predict(model, data / "images", tmp_path / "out", probabilities=True, save="both", rescale=True, watch=watch)
    classes, objects, maps = (tifffile.imread(path) for path in result.outputs)
    assert (classes.shape, objects.shape, maps.shape) == ((60, 70), (60, 70), (2, 60, 70))
    assert any("resampled by 2 to pixels of the size of the training images" in sentence for sentence in told)
    seen = rescaled(tifffile.imread(data / "images/a.tif"), (2.0, 2.0))
    np.testing.assert_array_equal(maps, back_to(model.predict(seen).probabilities, 60, 70))
    np.testing.assert_array_equal(objects > 0, nearest(model.predict(seen).instances, 60, 70) > 0)


def test_pixel_sizes_that_are_not_known_cannot_be_resampled(start, pair, tmp_path, rng):
    old, without = of_pixels(tmp_path / "old", 0.1, rng), of_pixels(tmp_path / "without", None, rng)
    known = drawn(old)
    with pytest.raises(SettingsError, match=r"--rescale: the training images of .*cells stated no pixel size"):
        begun([pair[0]], [pair[1]], start=start, rescale=True)
    with pytest.raises(DataError, match=r"a: the file states no pixel size"):
        begun(without, start=known, rescale=True, out=tmp_path / "run")
    with pytest.raises(SettingsError, match=r"--rescale resamples images to the pixels of a start"):
        drawn(old, rescale=True)
    with pytest.raises(SettingsError, match=r"--rescale: the training images of this model stated no pixel size"):
        predict(start, old / "images", tmp_path / "out", rescale=True)
    with pytest.raises(DataError, match=r"a\.tif: the file states no pixel size"):
        predict(known, without / "images", tmp_path / "out", rescale=True)
    with pytest.raises(SettingsError, match=r"--rescale: not possible for a large image"):
        predict(known, old / "images/a.tif", tmp_path / "out.ome.zarr", rescale=True)
    assert not (tmp_path / "run").exists()
