"""Images compared with a model: images like those of the training give no finding; others are named with both figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reference.broken_folders import FAULTS, discs, write_clean
from unseam.data.grey_facts import grey_facts, object_sizes, seen_images
from unseam.data.normalise import Normalise
from unseam.doctor.for_model import why_black
from unseam.doctor.with_model import check_with_model
from unseam.model.model_file import ModelInfo, TrainingRecord, load_model, save_model
from unseam.model.model_info import Imported
from unseam.nets import ReleasedConfig, UNetConfig

NET = UNetConfig(first_width=2, depth=1)


@pytest.fixture(scope="module")
def info() -> ModelInfo:
    """Describe a model that was trained on discs like those of the clean folders."""
    rng = np.random.default_rng(3)
    pairs = [discs(rng) for _ in range(4)]
    sizes = object_sizes([labels.astype(np.int32) for _, labels in pairs])
    seen = seen_images([grey_facts(image) for image, _ in pairs], sizes)
    record = TrainingRecord(images=("a", "b", "c", "d"), score_name="IoU", score=0.9, seen=seen)
    return ModelInfo(net=NET, masks="instances", training=record)


def test_figures_travel_with_the_model_file(info, tmp_path):
    save_model(tmp_path / "m.safetensors", NET.build(), info)
    assert load_model(tmp_path / "m.safetensors")[1].training.seen == info.training.seen


def test_a_model_file_without_figures_is_read(tmp_path):
    info = ModelInfo(net=NET)
    save_model(tmp_path / "m.safetensors", NET.build(), info)
    assert load_model(tmp_path / "m.safetensors")[1].training.seen is None


def test_images_like_those_of_training_make_no_finding(info, tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    assert not check_with_model(folder.path, info).findings
    alone = check_with_model(folder.path / "images", info)
    assert not alone.findings
    assert "8 image(s)" in alone.checked


CHANGES = {
    "other contrast than the model": lambda a: 255 - a,
    "other scale than the model": lambda a: np.kron(a, np.ones((5, 5), np.uint8)),
    "other channels than the model": lambda a: np.stack([a, a // 2, 255 - a], axis=-1),
    "blank image": np.zeros_like,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_another_kind_of_image_is_named(info, tmp_path, kind):
    folder = write_clean(tmp_path / "data", "instances")
    folder.change_image("c", CHANGES[kind])
    found = {finding.kind: finding for finding in check_with_model(folder.path / "images", info).findings}
    assert [place.file for place in found[kind].where] == ["c.png"]
    assert "1 of 8 images" in found[kind].what
    assert found[kind].severity == ("stops" if "channels" in kind else "hurts")


def test_a_weak_and_an_old_model_are_reported(info, tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    weak = replace(info, training=replace(info.training, score=0.2, seen=None))
    assert {finding.kind for finding in check_with_model(folder.path, weak).findings} == {"model is weak", "model is old"}


def test_an_imported_model_is_no_old_one_and_its_fixed_range_is_compared(tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    record = TrainingRecord(imported=Imported("phseg_v5.caffemodel", 64 * "a"))
    for high, kinds in ((255, set()), (65535, {"other contrast than the model"})):
        imported = ModelInfo(net=ReleasedConfig(), normalise=Normalise(fixed=(0, high)), training=record)
        found = check_with_model(folder.path / "images", imported).findings
        assert {finding.kind for finding in found} == kinds
        assert all("this model takes 0 to 65535" in finding.what for finding in found)


def test_objects_of_another_size_are_reported(info, tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    seen = info.training.seen
    assert seen is not None
    large = replace(info, training=replace(info.training, seen=replace(seen, object_px=(60.0, 70.0))))
    (found,) = check_with_model(folder.path, large).findings
    assert found.kind == "other scale than the model"
    assert "60 to 70 px" in found.what


def test_a_file_that_cannot_be_read_stops_nothing_else(info, tmp_path):
    folder = write_clean(tmp_path / "data", "instances")
    folder.image("c").write_bytes(b"no image")
    (found,) = check_with_model(folder.path / "images", info).findings
    assert found.kind == "unreadable file"
    assert found.where[0].file == "c.png"


BLACK = {
    "every pixel is 7": lambda a: np.full_like(a, 7),
    "bright and dark": lambda a: 255 - a,
    "another magnification": lambda a: np.kron(a, np.ones((6, 6), np.uint8)),
    "no objects": lambda a: a,
}


@pytest.mark.parametrize("reason", BLACK)
def test_a_black_prediction_is_explained_in_one_line(info, reason):
    image = BLACK[reason](discs(np.random.default_rng(8))[0])
    sentence = why_black([image], info, Path("x.png"))
    assert reason in sentence
    assert "unseam check x.png --model" in sentence
    assert "\n" not in sentence


def test_a_weak_model_is_the_reason_where_the_image_is_not(info):
    weak = replace(info, training=replace(info.training, score=0.1))
    assert "IoU 0.10" in why_black([discs(np.random.default_rng(8))[0]], weak, Path("x.png"))


def test_grain_grows_with_magnification():
    image = discs(np.random.default_rng(1))[0]
    small, large = grey_facts(image).grain_px, grey_facts(np.asarray(Image.fromarray(image).resize((512, 512)))).grain_px
    assert 3 < large / small < 5


@pytest.mark.parametrize("over", ["plane", "stack"])
@pytest.mark.parametrize("with_masks", [True, False])
def test_uneven_planes_matter_unless_the_model_takes_one_range_for_a_stack(info, tmp_path, over, with_masks):
    folder = write_clean(tmp_path / "data", "binary")
    FAULTS["planes differ"][1](folder)
    model = replace(info, normalise=Normalise(over=over))
    report = check_with_model(folder.path if with_masks else folder.path / "images", model)
    assert ("planes differ" in [finding.kind for finding in report.findings]) == (over == "plane")
