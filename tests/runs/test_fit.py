"""What a run refuses, and how it is scored; ``tests/api/test_training.py`` pins a whole run."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from reference.toy import SMALL, spots, weights_of
from unseam.api.training import train
from unseam.data.crops import Crops
from unseam.data.labels import LabelReading
from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.engines import precision
from unseam.errors import DataError, ModelFileError, SettingsError, TrainingError
from unseam.heads import Classes
from unseam.model import Model
from unseam.nets import UNetConfig, normalisations
from unseam.recipes.default import default
from unseam.runs import batches
from unseam.runs.fit import Session, fit
from unseam.runs.watch import Watch
from unseam.settings import with_overrides


def quick(images, masks=None, steps=2, settings=(), **more):
    return train(images, masks, steps=steps, settings=[*SMALL, *settings], device="cpu", **more)


@pytest.fixture
def pair(rng):
    image, labels = spots(rng)
    return image, (labels > 0).astype(np.uint8)


def write(folder, name, image, labels):
    for part, pixels in (("images", image), ("masks", (labels > 0).astype(np.uint8) * 255)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / part / f"{name}.png")


@pytest.fixture
def folder(tmp_path, rng):
    for name in "ab":
        write(tmp_path / "data", name, *spots(rng))
    return tmp_path / "data"


def test_class_weights_that_do_not_fit_are_refused_before_anything_is_written(pair, tmp_path):
    settings = ["energy.class_weights=[1.0, 2.0, 3.0]"]
    with pytest.raises(SettingsError, match=r"3 class weights .*2 classes.*background, foreground"):
        quick([pair[0]], [pair[1]], settings=settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_for_volumes_is_refused(pair, tmp_path):
    with pytest.raises(SettingsError, match=r"net\.dims = 3: training reads planes"):
        quick([pair[0]], [pair[1]], settings=["net.dims=3", "net.resolution='full'"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def prepared_of(*names: str) -> Prepared:
    """Return an image of the first class whose lower half is of the last."""
    classes = np.zeros((40, 40), np.uint8)
    classes[20:] = len(names) - 1
    sample = Sample("one", np.zeros((1, 40, 40), np.float32), classes, np.ones(classes.shape, np.float32))
    reading = LabelReading("classes", (3, 7, 9)[: len(names)], names, None, "")
    return Prepared((sample,), reading, Classes(), 1, (1.0,) * len(names), None)


def test_one_class_is_refused_by_name():
    prepared = prepared_of("sky", "sea")
    prepared.samples[0].classes[:] = 1
    with pytest.raises(DataError, match=r"\(sea\).*Annotate sky"):
        fit(prepared, default(), Session(torch.device("cpu")))


def test_a_class_that_is_nowhere_annotated_is_told():
    messages = []
    run = with_overrides(default(), [*SMALL, "training.steps=1"])
    fit(prepared_of("sky", "land", "sea"), run, Session(torch.device("cpu"), tell=messages.append))
    assert any("land" in sentence for sentence in messages)


@pytest.mark.parametrize("change", ["another image", "another annotation", "another share", "another seed", "nothing held out"])
def test_a_run_goes_on_with_its_data_and_its_split_only(change, folder, rng, tmp_path):
    out, settings = tmp_path / "run", []
    quick(folder, out=out, steps=10)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    if change == "another image":
        write(folder, "c", *spots(rng))
    elif change == "another annotation":
        image, labels = spots(rng)
        write(folder, "b", image, labels == 1)
    else:
        value = {"another share": "data.validation=0.4", "another seed": "training.seed=1"}
        settings = [value.get(change, "data.validation=0")]
    with pytest.raises(ModelFileError, match=r"other data.*--resume") as caught:
        train(folder, out=out, resume=True, steps=20, settings=settings, device="cpu")
    named = {"another image": "now: .*image c", "another annotation": "before: image b.*now: image b"}
    assert caught.match(named.get(change, "held out of [ab]"))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    if settings:
        assert train(folder, out=out, resume=True, steps=20, device="cpu").info.training.steps == 20


def test_without_foreground_to_spare_the_last_weights_are_kept_and_that_is_said(rng):
    """The only bright spot lies in the middle: both ends are background."""
    image, labels = spots(rng)
    messages = []
    model = quick([image], [(labels == 2).astype(np.uint8)], steps=20, watch=Watch(messages.append))
    assert any("no validation" in sentence for sentence in messages)
    assert model.info.training.score is None
    assert model.info.training.score_name == ""
    assert model.info.training.best_step == 20


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_a_dead_run_is_told_with_and_without_a_hold_out(validation, pair):
    """Zero the last weights after each step, so that background wins everywhere by a small margin."""
    settings = [
        *(f"data.validation={validation}", "optimiser.adam_w.learning_rate=1e-9", "training.validations=12"),
        *("weight_map.w0=0.0", "weight_map.balance=0.0"),
    ]

    def kill(state, _):
        state.net.classify.weight.data.zero_()
        state.net.classify.bias.data.copy_(torch.tensor([1e-3, 0.0]))

    with pytest.raises(TrainingError, match="one class"):
        quick([pair[0]], [pair[1]], steps=120, settings=settings, watch=Watch(observers=(kill,)))


NORMALISED = ["net.normalisation=batch", "training.average=0.9", "training.statistics_crops=4", "training.statistics_fixed=1"]


def test_a_model_that_trained_with_normalisation_is_a_plain_network_and_its_record_says_so(folder, tmp_path):
    out = tmp_path / "run"
    model = quick(folder, out=out, steps=20, settings=NORMALISED)
    assert model.info.net.normalisation == "none"
    assert not normalisations(model.net)
    assert "batch normalisation" in model.info.training.recipe
    assert "averaged weights (0.9)" in model.info.training.recipe
    loaded = Model.load(out, "cpu")
    assert loaded.net.state_dict().keys() == UNetConfig(first_width=2, depth=1).build().state_dict().keys()
    image = np.random.default_rng(0).integers(0, 255, (50, 61), np.uint8)
    np.testing.assert_array_equal(loaded.predict(image).probabilities, model.predict(image).probabilities)
    assert "batch normalisation" in (out / "README.md").read_text()


@pytest.mark.parametrize("number", [0, 5])
def test_the_statistics_of_the_kept_weights_come_from_that_many_crops_that_training_did_not_meet(number, pair, monkeypatch):
    seen, met = [], []
    monkeypatch.setattr(batches, "recompute_statistics", lambda net, images: seen.append(list(images)))
    batch = Crops.batch
    monkeypatch.setattr(Crops, "batch", lambda crops, step: met.append(step) or batch(crops, step))
    settings = [*NORMALISED, f"training.statistics_crops={number}", "training.batch_size=2"]
    quick([pair[0]], [pair[1]], steps=4, settings=settings)
    assert [len(images) for of_run in seen for images in of_run] == ([2, 2, 2] if number else [])
    assert len(set(met)) == len(met)
    assert all(step < 10 or step >= 10**9 for step in met)


def test_statistics_are_fixed_from_their_share_of_the_run_on_and_are_not_computed_again(pair, monkeypatch):
    renewed, fixed = [], []
    monkeypatch.setattr(batches, "recompute_statistics", lambda *_: renewed.append(True))
    watch = Watch(observers=(lambda state, _: fixed.append([layer.is_fixed for layer in normalisations(state.net)]),))
    settings = [*NORMALISED, "training.statistics_fixed=0.5"]
    quick([pair[0]], [pair[1]], steps=10, settings=settings, watch=watch)
    assert [set(of_step) for of_step in fixed] == [{False}] * 5 + [{True}] * 5
    assert not renewed


def test_the_weights_that_are_kept_are_the_averaged_ones(pair):
    def weights(*settings):
        return weights_of(quick([pair[0]], [pair[1]], steps=10, settings=["data.validation=0", *settings]).net)

    averaged, last = weights("training.average=0.9"), weights("training.average=false")
    assert any((averaged[name] != weight).any() for name, weight in last.items())
    for name, weight in weights("training.average=0").items():
        np.testing.assert_array_equal(weight, last[name])


def test_folds_average_and_normalise_too(folder):
    model = quick(folder, steps=8, folds=2, settings=NORMALISED)
    assert len(model.info.members) == 2
    assert not normalisations(model.net)
    assert all("averaged weights" in member.recipe for member in model.info.members)


@pytest.mark.parametrize(
    "setting",
    ["training.average=1", "training.statistics_momentum=0", "training.statistics_crops=-1", "net.normalisation=group"],
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(SettingsError, match=setting.split("=")[0].split(".")[1]):
        with_overrides(default(), [setting])


def test_a_resumed_run_keeps_the_number_format_that_it_began_with(folder, tmp_path, monkeypatch):
    """The next machine may be faster in the other one; half of a run in each would be a run that nobody can repeat."""
    told = []
    monkeypatch.setattr(precision, "bfloat16_speed", lambda: 3.0)
    auto = ["training.precision=auto"]
    first = quick(folder, out=tmp_path / "run", steps=10, settings=auto, watch=Watch(tell=told.append))
    assert first.info.training.precision == "bfloat16"
    assert any("computing in bfloat16: bfloat16 is 3 times as fast" in sentence for sentence in told)
    monkeypatch.setattr(precision, "bfloat16_speed", lambda: 0.5)
    resumed = quick(folder, out=tmp_path / "run", steps=12, settings=auto, resume=True, watch=Watch(tell=told.append))
    assert resumed.info.training.precision == "bfloat16"
    assert any("computing in bfloat16, in which the run began" in sentence for sentence in told)
    changed = quick(folder, out=tmp_path / "run", steps=14, resume=True)  # float32, as these tests set it
    assert changed.info.training.precision == "float32"


def test_objects_cannot_be_pasted_from_masks_that_number_none(pair, tmp_path):
    with pytest.raises(SettingsError, match=r"paste.*do not number"):
        quick([pair[0]], [pair[1]], settings=["paste={}"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", ["training.crops=by_class", "paste.every=3", "augment.sharpness.blur=2"])
def test_what_no_recipe_uses_resumes_as_if_nothing_had_happened(setting, folder, tmp_path):
    if "paste" in setting:
        for path in (folder / "masks").iterdir():
            Image.fromarray(ndimage.label(np.asarray(Image.open(path)))[0].astype(np.uint8)).save(path)
    steps = []
    whole = quick(folder, steps=12, settings=[setting], out=tmp_path / "whole")
    watch = Watch(observers=(lambda state, _: steps.append(state.step),), should_stop=lambda: steps[-1] == 7)
    quick(folder, steps=12, settings=[setting], out=tmp_path / "run", watch=watch)
    resumed = train(folder, out=tmp_path / "run", resume=True, device="cpu")
    weights, others = whole.net.state_dict(), resumed.net.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
