"""An image in windows gives the same table as the whole image, whatever the windows and the file."""

import numpy as np
import pytest
import tifffile

import unseam
from reference.blobs import blobs
from reference.large import write_zarr
from unseam.io.large import open_large
from unseam.measuring import files, run, values, windows
from unseam.measuring.class_areas import measure_classes
from unseam.measuring.facts import Facts
from unseam.outlines.fill import fill_outlines
from unseam.outlines.outline import Outline
from unseam.outlines.rois import read_rois


@pytest.fixture
def labels(rng):
    labels = blobs(rng)
    labels[100:110, 5:130] = 200  # wider than any window
    labels[3:5, 3:5] = labels[115:118, 100:120] = 201  # in two pieces far apart
    return labels


@pytest.fixture
def image(rng):
    return rng.integers(0, 60_000, (120, 140, 2)).astype(np.uint16)


def facts(labels, image, classes, side):
    from pathlib import Path

    from unseam.io.calibration import UNKNOWN
    from unseam.io.image_file import ImageFile
    from unseam.io.large.stored_image import held_image

    held = [held_image(ImageFile(a, axes, UNKNOWN, Path("x"))) for a, axes in ((labels, "YX"), (image, "YXC"), (classes, "YX"))]
    return windows.measure_plane(*held, 0, side)


@pytest.mark.parametrize("side", [1, 17, 64, 119, 120])
def test_facts_do_not_depend_on_the_windows(side, labels, image):
    classes = (labels // 5 % 3).astype(np.uint8)
    if side == 1:
        labels, image, classes = labels[:20, :30], image[:20, :30], classes[:20, :30]
    whole, parts = (facts(labels, image, classes, one) for one in (1000, side))
    assert isinstance(whole, Facts)
    for name in ("ids", "areas", "boxes", "sums", "steps", "touching"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)
    for side_of_hull in ("left", "right"):
        for name in ("owner", "rows", "columns"):
            one, other = (getattr(getattr(each.hulls, side_of_hull), name) for each in (parts, whole))
            np.testing.assert_array_equal(one, other)
    for name in ("sums", "lowest", "highest"):
        np.testing.assert_array_equal(getattr(parts.greys, name), getattr(whole.greys, name))
    np.testing.assert_allclose(parts.greys.squares, whole.greys.squares, rtol=1e-12, atol=1e-6)
    np.testing.assert_array_equal(parts.classes.values, whole.classes.values)
    np.testing.assert_array_equal(parts.classes.counts, whole.classes.counts)


def test_hulls_do_not_depend_on_how_many_are_drawn_at_once(labels, monkeypatch):
    whole = unseam.measure(labels, spacing_um=(0.5, 0.7)).objects
    monkeypatch.setattr(values, "_AT_ONCE", 3)
    parts = unseam.measure(labels, spacing_um=(0.5, 0.7)).objects
    assert parts == whole


@pytest.fixture
def small_windows(monkeypatch):
    """All files count as large, and are read in windows of 48 px."""
    from functools import partial

    from unseam.measuring import hand_over

    monkeypatch.setattr(files, "_LARGE", 0)
    monkeypatch.setattr(windows, "_HELD", 3)
    monkeypatch.setattr(run, "measure_plane", partial(windows.measure_plane, side=48))
    monkeypatch.setattr(run, "measure_classes", partial(measure_classes, side=48))
    monkeypatch.setattr(hand_over, "outlines_of_plane", partial(hand_over.outlines_of_plane, side=48))


def same(one, other):
    assert one.names == other.names
    for name in one.names:
        if one[name].dtype.kind == "f":
            np.testing.assert_allclose(one[name], other[name], rtol=1e-12, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("kind", ["zarr", "tiff"])
def test_a_store_and_a_tiled_tiff_give_the_table_of_the_array(kind, labels, image, tmp_path, small_windows):
    if kind == "zarr":
        masks, images = write_zarr(tmp_path / "x_seg.ome.zarr", labels.astype(np.uint32)), tmp_path / "x.ome.zarr"
        write_zarr(images, np.moveaxis(image, -1, 0), axes="cyx")
    else:
        masks, images = tmp_path / "x_masks.tif", tmp_path / "x.tif"
        tifffile.imwrite(masks, labels.astype(np.uint32), tile=(32, 32), compression="zlib")
        tifffile.imwrite(images, np.moveaxis(image, -1, 0), tile=(32, 32), metadata={"axes": "CYX"}, photometric="minisblack")
    properties = ("area", *run.DEFAULT, "intensity_median", "euler_number")
    found = unseam.measure(masks, images, holds="instances", spacing_um=0.25, properties=properties)
    expected = unseam.measure(labels, image, names=["x"], spacing_um=0.25, properties=properties)
    same(found.objects, expected.objects)
    same(found.images, expected.images)


def test_outlines_of_windows_are_those_of_the_image(labels, tmp_path, small_windows):
    from unseam.api.measure_files import measure_files

    masks = write_zarr(tmp_path / "x_seg.ome.zarr", labels.astype(np.uint32))
    measure_files([masks], [], tmp_path / "t.csv", holds="instances", outlines=["roi"])
    found = read_rois(tmp_path / "x_rois.zip")
    assert all(isinstance(one, Outline) for one in found)
    np.testing.assert_array_equal(fill_outlines(found, *labels.shape)[0], labels)


@pytest.mark.parametrize("side", [1, 7, 48, 500])
def test_pieces_of_classes_do_not_depend_on_the_windows(side, rng, tmp_path):
    from scipy import ndimage

    classes = rng.integers(0, 3, (30, 40)).astype(np.uint8)
    (image,) = open_large(write_zarr(tmp_path / "x.zarr", classes))
    found = measure_classes(image, 0, side)
    assert found.values.tolist() == [0, 1, 2]
    assert found.areas.tolist() == [int((classes == one).sum()) for one in range(3)]
    assert found.pieces.tolist() == [ndimage.label(classes == one)[1] for one in range(3)]
