"""``unseam import``: a network of the release's full size becomes a folder that predicts, and what is wrong is one line."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

import unseam
from reference.caffe_files import caffemodel, hdf5
from reference.released_arrays import arrays, set_by_hand
from unseam.data.normalise import Normalise
from unseam.errors import SettingsError
from unseam.model import Model, ModelInfo
from unseam.nets import ReleasedConfig, ReleasedUNet


@pytest.fixture(scope="module")
def full_size():
    """Arrays of the shapes of the release, and the network set from them by hand."""
    layers = arrays()
    return layers, set_by_hand(ReleasedUNet(), layers)


@pytest.fixture(scope="module")
def release(full_size, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("release") / "phseg_v5.caffemodel"
    path.write_bytes(caffemodel(full_size[0]))
    return path


@pytest.fixture
def image(rng) -> np.ndarray:
    return rng.integers(0, 256, (40, 50), np.uint8)


def test_a_folder_that_predicts_what_the_weights_predict(terminal, full_size, release, image, tmp_path):
    said = terminal("import", release, "--out", tmp_path / "model", "--scale", 255)
    assert said.code == 0
    assert said.err == ""
    assert "31,100,354 weights, 1 channel(s), 2 classes" in said.out
    assert "divided by 255, as given" in said.out
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["README.md", "model.safetensors"]

    by_hand = Model(
        full_size[1], ModelInfo(net=full_size[1].config, normalise=Normalise(fixed=(0, 255))), "cpu", engine="torch"
    )
    found = Model.load(tmp_path / "model", "cpu", engine="torch").predict(image)
    assert np.array_equal(found.probabilities, by_hand.predict(image).probabilities)
    assert found.notes == ()
    assert 0 < found.classes.mean() < 1, "both classes are found"
    with torch.no_grad():
        tile = np.pad(image / np.float32(255), 92, mode="reflect")[:188, :188]
        logits = full_size[1](torch.from_numpy(tile)[None, None])[0]
    np.testing.assert_allclose(found.probabilities[:, :4, :4], torch.softmax(logits, 0).numpy(), atol=1e-5)

    tifffile.imwrite(tmp_path / "a.tif", image)
    assert terminal("predict", tmp_path / "model", tmp_path / "a.tif", "--out", tmp_path / "out", "--device", "cpu").code == 0
    assert np.array_equal(tifffile.imread(tmp_path / "out/a_classes.tif"), found.classes)


def test_its_card_and_its_facts_say_where_it_comes_from(terminal, release, tmp_path):
    assert terminal("import", release, "--out", tmp_path / "model").code == 0
    total, card = hashlib.sha256(release.read_bytes()).hexdigest(), (tmp_path / "model/README.md").read_text()
    said = terminal("info", tmp_path / "model")
    assert said.code == 0
    for text in (card, said.out):
        assert "phseg_v5.caffemodel" in text
        assert total in text
        assert "unseam ships none" in text
        assert "does not say how the grey values of its training were scaled; they are taken as 0 to 1" in text
        assert "0 image(s)" not in text
    assert "the authors'" in card
    assert str(release.parent) not in card, "the card must not reveal the folders of this computer"
    assert "report.html" not in card
    assert total in terminal("info", tmp_path / "model", "--json").out


def test_there_is_nothing_to_report_of_it(terminal, release, tmp_path):
    assert terminal("import", release, "--out", tmp_path / "model").code == 0
    said = terminal("report", tmp_path / "model")
    assert said.code == 2
    assert "unseam did not train this network (it is from phseg_v5.caffemodel)" in said.err
    assert not (tmp_path / "model/report.html").exists()


def test_hdf5_gives_the_same_model_but_for_the_name_of_the_file(full_size, release, tmp_path):
    pytest.importorskip("h5py")
    one = unseam.import_caffe(release, scale=255, device="cpu")
    other = unseam.import_caffe(hdf5(tmp_path / "phseg_v5.caffemodel.h5", full_size[0]), scale=255, device="cpu")
    assert one.info.normalise == other.info.normalise
    for name, weight in one.net.state_dict().items():
        assert torch.equal(weight, other.net.state_dict()[name])
    assert "imported from phseg_v5.caffemodel.h5" in repr(other)


def test_without_a_scale_an_8_bit_image_gets_a_note(release, image, tmp_path):
    model = unseam.import_caffe(release, device="cpu")
    assert model.info.normalise.fixed == (0, 1)
    (note,) = model.predict(image).notes
    assert "reach 255, and this model takes 0 to 1" in note
    assert model.predict(image / 255).notes == ()
    assert not list(tmp_path.iterdir()), "without out, nothing is written"


def small(path: Path) -> Path:
    path.write_bytes(caffemodel(arrays(width=2)))
    return path


def cut_short(path: Path) -> Path:
    path.write_bytes(caffemodel(arrays(width=2))[:5000])
    return path


def an_image(path: Path) -> Path:
    tifffile.imwrite(path, np.zeros((9, 9), np.uint8))
    return path


def pickled(path: Path) -> Path:
    torch.save({"a": torch.zeros(3)}, path)
    return path


REFUSED = {
    small: "has the shape (2, 1, 3, 3), and the network needs (64, 1, 3, 3)",
    cut_short: "cut short or damaged",
    an_image: "no .caffemodel",
    pickled: "no .caffemodel",
    lambda path: path: "No such file",
    lambda path: path.parent: "not an ordinary file",
}


@pytest.mark.parametrize("make", REFUSED)
def test_a_wrong_file_is_one_line_and_nothing_is_written(make, terminal, tmp_path):
    (tmp_path / "given").mkdir()
    said = terminal("import", make(tmp_path / "given/a.caffemodel"), "--out", tmp_path / "deep/model")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("unseam: ")
    assert said.err.count("\n") == 1
    assert REFUSED[make] in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_nothing_is_overwritten(terminal, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/README.md").write_text("mine")
    said = terminal("import", small(tmp_path / "a.caffemodel"), "--out", tmp_path / "model")
    assert said.code == 2
    assert "already holds a run (README.md)" in said.err
    assert (tmp_path / "model/README.md").read_text() == "mine"


@pytest.mark.parametrize("scale", [0, -255, float("nan"), float("inf"), 1e9])
def test_a_scale_that_cannot_be(scale, tmp_path):
    with pytest.raises(SettingsError, match="such as 255"):
        unseam.import_caffe(tmp_path / "absent", scale=scale)


def test_a_file_of_caffe_given_as_a_model_leads_to_the_import(terminal, tmp_path):
    said = terminal("info", small(tmp_path / "a.caffemodel"))
    assert said.code == 2
    assert f"unseam import {tmp_path / 'a.caffemodel'} --out FOLDER" in said.err


def test_what_was_imported_is_exported(release, image, tmp_path):
    model = unseam.import_caffe(release, scale=255, device="cpu")
    exported = unseam.export(model, tmp_path / "weights.pt", to="state-dict", image=image)
    assert max(difference.largest for difference in exported.differences) < 1e-5
    assert any("(grey - 0) / 255" in note for note in exported.notes), "the package must not ask for percentiles"


def test_it_is_trained_further(image):
    """A narrow one: the full width leaves gigabytes in the process of the tests."""
    config = ReleasedConfig(first_width=2)
    model = Model(config.build(), ModelInfo(net=config, normalise=Normalise(fixed=(0, 255))), "cpu", engine="torch")
    masks = (image > 128).astype(np.uint8)
    small = ["training.output_size=4", "training.precision=float32", "data.masks=classes", "data.validation=0"]
    further = unseam.train([image], [masks], start=model, steps=1, settings=small, device="cpu")
    assert further.info.net == model.info.net
    assert further.info.normalise == model.info.normalise
    assert further.info.training.start.sha256
    before, after = (dict(one.net.named_parameters())["contracting.0.0.weight"] for one in (model, further))
    assert not torch.equal(before, after)
