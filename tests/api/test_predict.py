"""From image files to files of results, as a program calls it."""

import errno
import json
import os
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import unseam
from reference.large import blob_model, smooth, write_zarr
from reference.toy import spots
from unseam.api import predict_files
from unseam.api.predict import PredictWatch
from unseam.errors import DataError, OutputError, SettingsError
from unseam.io import disk, read_image


@pytest.fixture(scope="module")
def model():
    return blob_model()


@pytest.fixture
def folder(tmp_path, rng):
    """Two images."""
    images = tmp_path / "images"
    images.mkdir()
    for name in "ab":
        Image.fromarray(spots(rng)[0]).save(images / f"{name}.png")
    return images


def test_a_folder_becomes_class_maps_and_instance_maps_of_the_same_names(model, folder, tmp_path):
    told, progress, seen = [], [], []
    watch = PredictWatch(told.append, lambda *of: progress.append(of), seen.append)
    results = unseam.predict(model, folder, tmp_path / "out", save="both", probabilities=True, watch=watch)
    assert [result.image.name for result in results] == ["a.png", "b.png"]
    assert list(results) == seen
    assert [path.name for path in results[0].outputs] == ["a_classes.tif", "a_masks.tif", "a_prob.tif"]
    assert {what for what, _, _ in progress} == {"a.png", "b.png"}
    assert progress[-1][1] == progress[-1][2]
    assert any(str(model.engine) in sentence for sentence in told)
    one = model.predict(read_image(folder / "a.png").pixels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out/a_classes.tif"), one.classes)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out/a_masks.tif"), one.instances)


def test_nothing_is_printed(model, folder, tmp_path, capsys):
    unseam.predict(model, folder / "a.png", tmp_path / "out")
    assert capsys.readouterr() == ("", "")


def test_a_model_may_be_given_by_its_file(model, folder, tmp_path):
    model.save(tmp_path / "model.safetensors")
    (result,) = unseam.predict(str(tmp_path / "model.safetensors"), [str(folder / "b.png")], str(tmp_path / "out"))
    assert result.outputs[0].exists()
    assert str(result).startswith(f"{folder / 'b.png'}: ")


def test_what_is_there_is_left_if_one_says_so(model, folder, tmp_path):
    unseam.predict(model, folder / "a.png", tmp_path / "out")
    with pytest.raises(OutputError, match="a_"):
        unseam.predict(model, folder, tmp_path / "out")
    assert [r.image.name for r in unseam.predict(model, folder, tmp_path / "out", skip_existing=True)] == ["b.png"]
    assert unseam.predict(model, folder, tmp_path / "out", skip_existing=True) == ()


def test_a_bad_image_is_named_at_the_end_and_the_others_are_written(model, folder, tmp_path):
    (folder / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a\.png.*1 of 2"):
        unseam.predict(model, folder, tmp_path / "out")
    assert {path.name.split("_")[0] for path in (tmp_path / "out").iterdir()} == {"b"}


@pytest.mark.parametrize("skip_existing", [False, True])
def test_a_name_that_cannot_be_written_fails_alone(model, folder, tmp_path, skip_existing):
    (folder / "a.png").rename(folder / f"{'a' * 251}.png")  # the name of the result is longer
    for _ in range(2 if skip_existing else 1):
        with pytest.raises(DataError, match=r"too long.*rename the image\.( 1 of 2|$)"):
            unseam.predict(model, folder, tmp_path / "out", skip_existing=skip_existing)
    assert {path.name.split("_")[0] for path in (tmp_path / "out").iterdir()} == {"b"}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EILSEQ])
def test_so_does_a_name_that_only_the_disk_refuses(model, folder, tmp_path, monkeypatch, number):
    true_rename = disk.rename

    def rename(old, new):
        if new.name.startswith("a"):
            raise OSError(number, "no such name here")
        true_rename(old, new)

    monkeypatch.setattr(disk, "rename", rename)
    with pytest.raises(DataError, match=r"a_\w+\.tif: .*no such name here.* 1 of 2"):
        unseam.predict(model, folder, tmp_path / "out")
    assert {path.name.split("_")[0] for path in (tmp_path / "out").iterdir()} == {"b"}


def test_any_other_fault_of_the_disk_stops_at_once(model, folder, tmp_path, monkeypatch):
    def rename(old, new):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(disk, "rename", rename)
    with pytest.raises(OutputError, match="a_"):
        unseam.predict(model, folder, tmp_path / "out")


def test_a_store_whose_result_has_too_long_a_name_fails_alone(model, folder, tmp_path):
    image = read_image(folder / "a.png").pixels
    stores = [write_zarr(tmp_path / f"{name}.zarr", image) for name in ("n" * 245, "b")]
    with pytest.raises(DataError, match="1 of 2 images failed"):
        unseam.predict(model, stores, tmp_path / "out")
    assert (tmp_path / "out/b_seg.ome.zarr").is_dir()


ODD = (b"b\xfcro", b"c\n d", b"esc\x1b[31m", b"[bold]x", b"con", b"trail ", b"-dash", b'a;b"<&>', b"\xef\xbf\xbf")


def test_odd_names_are_names(model, folder, tmp_path):
    data = (folder / "a.png").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    for name in ODD:
        (folder / os.fsdecode(name + b".png")).write_bytes(data)
    results = unseam.predict(model, folder, tmp_path / "out", save="both", overlay=True)
    assert {path.name for result in results for path in result.outputs} == {path.name for path in (tmp_path / "out").iterdir()}
    assert {os.fsencode(result.image.stem) for result in results} == set(ODD)


@pytest.mark.parametrize("name", [b"b\xfcro", b"esc\x1b[31m"])
def test_a_large_result_of_an_odd_name_can_be_read_by_others(model, folder, tmp_path, name):
    image = folder / os.fsdecode(name + b".png")
    (folder / "a.png").rename(image)
    unseam.predict(model, image, tmp_path / os.fsdecode(name + b".ome.tif"), save="classes")
    unseam.predict(model, image, tmp_path / os.fsdecode(name + b".ome.zarr"), save="classes")
    with tifffile.TiffFile(tmp_path / os.fsdecode(name + b".ome.tif")) as file:
        assert ElementTree.fromstring(file.ome_metadata)[0].get("Name").startswith(ascii(image.name)[1:-1].split(".")[0])
    for written in tmp_path.rglob("zarr.json"):
        about = json.loads(written.read_text())["attributes"]
        assert not re.search("[\x1b\udc00-\udfff]", json.dumps(about, ensure_ascii=False))


def test_links_that_lead_nowhere_and_files_that_are_not_read_are_told(model, folder, tmp_path):
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to("/nowhere/a.png")
    (folder / "c.czi").write_bytes(b"x")
    (folder / "Thumbs.db").write_bytes(b"x")
    told = []
    with pytest.raises(DataError, match=r"a\.png: this link leads to /nowhere/a\.png.* 1 of 2"):
        unseam.predict(model, folder, tmp_path / "out", watch=PredictWatch(told.append))
    assert sum("c.czi" in line for line in told) == 1
    assert not any("Thumbs.db" in line or "a.png" in line for line in told), "the link fails by itself"
    assert (tmp_path / "out/b_classes.tif").exists() or (tmp_path / "out/b_masks.tif").exists()


def test_names_that_differ_in_case_meet_on_a_disk_that_does_not_tell_them_apart(model, folder, tmp_path, monkeypatch):
    (folder / "b.png").rename(folder / "A.png")
    assert len(unseam.predict(model, folder, tmp_path / "one")) == 2
    monkeypatch.setattr(predict_files, "is_case_blind", lambda _: True)
    with pytest.raises(DataError, match="would both be written"):
        unseam.predict(model, folder, tmp_path / "two")


def test_stores_and_files_together_and_one_large_result(model, folder, tmp_path):
    image = np.tile(read_image(folder / "a.png").pixels, (2, 2))
    store = write_zarr(tmp_path / "slide.ome.zarr", image)
    seen = []
    watch = PredictWatch(on_progress=lambda what, *_: seen.append(what))
    large, small = unseam.predict(model, [store, folder / "a.png"], tmp_path / "out", save="classes", watch=watch)
    assert large.outputs == (tmp_path / "out/slide_seg.ome.zarr",)
    assert "network" in seen
    expected = model.predict(image).classes
    np.testing.assert_array_equal(zarr.open_array(large.outputs[0] / "0", mode="r")[...], expected)
    assert small.outputs == (tmp_path / "out/a_classes.tif",)
    again, _ = unseam.predict(model, [store, folder / "b.png"], tmp_path / "out", save="classes", resume=True)
    assert again.outputs == large.outputs
    assert "already" in str(again)
    (one,) = unseam.predict(model, store, tmp_path / "one.tif", save="classes")
    np.testing.assert_array_equal(tifffile.imread(one.outputs[0]), expected)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"resume": True, "workers": 2}, "--resume, --workers"),
        ({"save": "classes", "threshold": 0.7}, "--threshold"),
        ({"overwrite": True, "skip_existing": True}, "--overwrite"),
        ({"max_memory": "much"}, "'much'"),
    ],
)
def test_options_without_effect_are_refused(model, folder, tmp_path, options, named):
    with pytest.raises(SettingsError, match=named):
        unseam.predict(model, folder, tmp_path / "out", **options)
    assert not list(tmp_path.glob("out/*.tif"))


def test_options_of_files_are_refused_for_a_large_result(model, folder, tmp_path):
    for options in ({"overlay": True}, {"average": "rotations"}, {"skip_existing": True}):
        with pytest.raises(SettingsError, match="large image"):
            unseam.predict(model, folder / "a.png", tmp_path / "one.zarr", **options)
    with pytest.raises(DataError, match="2 images"):
        unseam.predict(model, [folder / "a.png", folder / "b.png"], tmp_path / "one.zarr")


@pytest.mark.parametrize("out", ["out", "out/large.ome.zarr"])
def test_a_stack_of_uneven_planes_is_told_and_may_have_one_range(model, tmp_path, rng, out):
    bright = smooth(rng, 70, 80).astype(np.float32)
    stack = np.stack([bright, bright / 50, bright / 2])
    tifffile.imwrite(tmp_path / "z.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    name, told = tmp_path / out, []

    def segmented(**options):
        told.clear()
        (result,) = unseam.predict(
            model, tmp_path / "z.tif", name, save="classes", overwrite=True, watch=PredictWatch(told.append), **options
        )
        path = result.outputs[0]
        return zarr.open_group(path)["0"][...] if path.is_dir() else tifffile.imread(path)

    own = segmented()
    (note,) = [sentence for sentence in told if "--normalise-over stack" in sentence]
    assert "plane 1 spans" in note
    assert own[1].any()
    common = segmented(normalise_over="stack")
    assert not any("--normalise-over" in sentence for sentence in told)
    assert common[0].any()
    assert len(np.unique(common[1])) == 1
    np.testing.assert_array_equal(segmented(normalise_over="plane"), own)


def test_a_channel_that_was_dropped_is_named_where_it_is_missed(tmp_path, rng):
    pixels = np.moveaxis(smooth(rng, 4, 70, 80), 0, -1).copy()
    pixels[..., 3] = 0
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    for out in ("out.zarr", "out"):
        with pytest.raises(DataError, match=r"3 channel\(s\).*transparency is 0 everywhere: dropped"):
            unseam.predict(blob_model(channels=4), tmp_path / "a.tif", tmp_path / out)
