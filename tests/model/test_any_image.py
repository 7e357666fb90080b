"""A network that ships sees objects of the size that it knows, and answers in the pixels of the image."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

import unseam
import unseam.networks as room
from reference.shipped import CARD, OBJECT_PX, bright_info, bright_net, discs, seen, ship
from unseam.api.predict import PredictWatch
from unseam.errors import DataError, SettingsError
from unseam.model import Model
from unseam.model.any_image import check_scale_of_large, known_object_px
from unseam.model.object_size import Size


def made(**changes) -> Model:
    info = bright_info(**changes)
    return Model(bright_net(info.net), info, "cpu", "float32", "torch")


@pytest.fixture(scope="module")
def model() -> Model:
    return made()


@pytest.mark.parametrize("diameter", [5.0, 10.0, 23.0, 60.0])
def test_the_size_of_objects_is_measured(diameter, model):
    image, _ = discs(diameter, side=int(6 * diameter) + 40)
    size = model.measure_size(image)
    assert size is not None
    assert size.diameter_px == pytest.approx(diameter, rel=0.15)
    assert 0.5 < size.sureness <= 1


@pytest.mark.parametrize("diameter", [5.0, 23.0, 60.0])
def test_objects_of_any_size_come_back_in_the_pixels_of_the_image(diameter, model):
    image, truth = discs(diameter, side=int(6 * diameter) + 40)
    found = model.predict(image)
    assert found.classes.shape == image.shape
    assert found.instances.max() == truth.max()
    both, either = ((found.instances > 0) & (truth > 0)).sum(), ((found.instances > 0) | (truth > 0)).sum()
    assert both / either > 0.85
    (note,) = found.notes
    assert "measured; --diameter sets it" in note
    assert f"resampled by {OBJECT_PX / diameter:.1f}"[:14] in note


def test_colour_depth_and_sign_of_the_scale_do_not_matter(model):
    image, _ = discs(20.0)
    wanted = model.predict(image).instances
    np.testing.assert_array_equal(model.predict(image.astype(np.uint16) * 200 + 7).instances, wanted)
    blue = np.zeros((*image.shape, 3), np.uint8)
    blue[..., 2] = image
    found = model.predict(blue)
    np.testing.assert_array_equal(found.instances, wanted)
    assert found.notes[0].startswith("colour: the brightest channel")


def test_a_given_diameter_is_taken_and_nothing_is_measured(model, monkeypatch):
    image, truth = discs(20.0)
    monkeypatch.setattr(Model, "measure_size", None)
    found = model.predict(image, diameter=20.0)
    assert found.instances.max() == truth.max()
    assert found.notes == ("objects of about 20 px (given): resampled by 0.5, and the result back",)
    np.testing.assert_array_equal(model.predict(image, diameter=Size(20.0, 0.9)).instances, found.instances)
    assert "taken as it is" in model.predict(image, diameter=OBJECT_PX * 1.02).notes[0]


def test_the_result_does_not_depend_on_tiles(model):
    image, _ = discs(24.0, side=300)
    whole = model.predict(image, diameter=24.0, max_input_tile=1000)
    tiles = model.predict(image, diameter=24.0, max_input_tile=48)
    np.testing.assert_allclose(tiles.probabilities, whole.probabilities, atol=1e-6)
    np.testing.assert_array_equal(tiles.instances, whole.instances)


def test_sizes_of_objects_in_px_change_with_the_scale(model):
    image, _ = discs(40.0)
    found = model.predict(image, diameter=40.0)
    assert found.objects.min_size == 4 * 16
    assert model.predict(image, diameter=OBJECT_PX).objects == model.info.objects


def test_an_image_without_objects_is_taken_as_it_is(model):
    found = model.predict(np.zeros((40, 50), np.uint8))
    assert found.instances.max() == 0
    assert found.notes == ()
    assert model.measure_size(np.zeros((40, 50), np.uint8)) is None


def test_channels_that_cannot_be_one_are_refused(model):
    with pytest.raises(DataError, match=r"has 4 channels.*--channel"):
        model.predict(np.arange(64, dtype=np.uint8).reshape(4, 4, 4))


def test_a_model_of_ones_own_may_be_given_a_diameter_if_it_knows_its_own():
    image, truth = discs(20.0)
    record = bright_info().training
    own = made(card=None, training=replace(record, seen=seen((8.0, 12.5))))
    assert known_object_px(own.info) == 10
    assert own.predict(image).notes == ()
    assert own.predict(image, diameter=20.0).instances.max() == truth.max()
    with pytest.raises(SettingsError, match="does not know the size"):
        made(card=None, training=replace(record, seen=seen(None))).predict(image, diameter=20.0)


def test_a_network_that_only_starts_trainings_says_so():
    with pytest.raises(SettingsError, match=r"general is a start for training.*--from general"):
        made(card=replace(CARD, name="general", role="start", object_px=None)).predict(discs(20.0)[0])


def test_an_image_of_which_it_is_not_sure_gets_a_warning_with_the_next_step():
    sure, _ = discs(20.0)
    unsure = np.full((80, 90), 56, np.uint8)  # a little above the middle of its range
    unsure[:8], unsure[8:16] = 0, 100
    model = made(card=replace(CARD, least_sure=0.7))
    assert not any("unlike" in note for note in model.predict(sure).notes)
    (warning,) = [note for note in model.predict(unsure, diameter=OBJECT_PX).notes if "unlike" in note]
    assert warning.endswith("annotate two crops of such images and train: unseam train DATA --from discs")


def test_a_measured_size_below_all_that_are_tried_gets_a_warning(model):
    image = discs(10.0)[0]
    assert "hardly larger than specks" in model.predict(image, diameter=Size(OBJECT_PX / 4.5, 0.9)).notes[-1]
    assert "specks" not in model.predict(image, diameter=OBJECT_PX / 4.5).notes[-1]


def test_a_large_image_needs_objects_of_about_the_size_that_the_network_knows(model):
    check_scale_of_large(model.info, 1.2)
    with pytest.raises(SettingsError, match=r"knows objects of 10 px.*--diameter"):
        check_scale_of_large(model.info, None)
    with pytest.raises(SettingsError, match=r"objects of 40 px.*10 px.*Resample it by 0\.25"):
        check_scale_of_large(model.info, 0.25)
    check_scale_of_large(bright_info(None), None)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "networks"
    folder.mkdir()
    ship(folder, "discs")
    monkeypatch.setattr(room, "files", lambda _: folder)
    return folder


def test_files_come_out_as_arrays_do(shipped, tmp_path):
    image, truth = discs(20.0)
    tifffile.imwrite(tmp_path / "a.tif", np.stack([image, image[::-1]]), metadata={"axes": "ZYX"})
    told = []
    unseam.predict("discs", tmp_path / "a.tif", tmp_path / "out", watch=PredictWatch(told.append))
    masks = tifffile.imread(tmp_path / "out/a_masks.tif")
    assert [plane.max() for plane in masks] == [truth.max()] * 2
    size = unseam.load("discs").measure_size(image[::-1])
    np.testing.assert_array_equal(masks[0], unseam.load("discs").predict(image, diameter=size).instances)
    assert sum("measured" in sentence for sentence in told) == 1
    unseam.predict("discs", tmp_path / "a.tif", tmp_path / "big", min_size=400)
    assert tifffile.imread(tmp_path / "big/a_masks.tif").max() == 0  # px of the image: a disc has 314


def test_a_channel_of_a_file_is_chosen(shipped, tmp_path):
    image, truth = discs(20.0)
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([np.zeros_like(image), image]), metadata={"axes": "CYX"})
    unseam.predict("discs", tmp_path / "a.ome.tif", tmp_path / "out", channels=[1])
    masks = next((tmp_path / "out").glob("*_masks.tif"))
    assert tifffile.imread(masks).shape == image.shape
    assert tifffile.imread(masks).max() == truth.max()
    with pytest.raises(DataError, match="channel 2 was chosen; the image has 2"):
        unseam.predict("discs", tmp_path / "a.ome.tif", tmp_path / "bad", channels=[2])


def test_a_large_result_is_refused_without_a_diameter_and_written_with_one(shipped, tmp_path):
    image, truth = discs(10.0)
    tifffile.imwrite(tmp_path / "a.tif", image)
    with pytest.raises(SettingsError, match="Say with --diameter"):
        unseam.predict("discs", tmp_path / "a.tif", tmp_path / "large.tif")
    assert not (tmp_path / "large.tif").exists()
    unseam.predict("discs", tmp_path / "a.tif", tmp_path / "large.tif", diameter=10.0)
    assert tifffile.imread(tmp_path / "large.tif").max() == truth.max()
