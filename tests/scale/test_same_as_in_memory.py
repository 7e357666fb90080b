"""A result written chunk by chunk equals that of the whole image in memory, for every reader and writer."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from reference.large import EVERYTHING, WRITERS, blob_model, in_chunks, read, smooth, write_npy, write_zarr
from unseam.data.normalise import Normalise
from unseam.data.read_pair import as_model_reads
from unseam.errors import DataError
from unseam.io import read_image
from unseam.io.result import downsample
from unseam.scale.prediction import SavedResults


@pytest.fixture
def image(rng):
    return smooth(rng, 150, 131)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_every_reader(tmp_path, image, name, threshold):
    model = blob_model(threshold)
    whole = model.predict(image)
    assert whole.instances.max() > 5
    found = in_chunks(model, WRITERS[name](tmp_path / name, image), tmp_path / "out.ome.zarr")
    assert np.array_equal(read(found.path), whole.classes)
    assert np.array_equal(read(found.path, "labels/objects"), whole.instances)
    assert np.allclose(read(found.path, "probabilities"), whole.probabilities, atol=1e-3)
    assert found.num_objects == whole.instances.max()
    assert found.num_pixels == tuple(np.unique(whole.classes, return_counts=True)[1].tolist())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("split", [0.05, 0.2])
def test_split_objects_and_flips(tmp_path, image, split):
    model = blob_model().with_average("flips")
    model = model.with_objects(replace(model.info.objects, split=split, min_size=4))
    whole = model.predict(image)
    assert whole.instances.max() > model.with_objects(replace(model.info.objects, split=0.0)).predict(image).instances.max()
    found = in_chunks(model, write_npy(tmp_path / "image.npy", image), tmp_path / "out.ome.zarr")
    assert np.array_equal(read(found.path), whole.classes)
    assert np.array_equal(read(found.path, "labels/objects"), whole.instances)


@pytest.mark.parametrize("save", ["classes", "objects"])
def test_tiff(tmp_path, image, save):
    model = blob_model()
    saves = SavedResults(objects=save == "objects")
    found = in_chunks(model, write_npy(tmp_path / "image.npy", image), tmp_path / "out.ome.tif", saves)
    whole = model.predict(image)
    with tifffile.TiffFile(found.path) as tiff:
        assert not tiff.is_bigtiff
        assert tiff.series[0].pages[0].is_tiled
        assert len(tiff.series[0].levels) == 4
        expected = whole.instances if save == "objects" else whole.classes
        assert tiff.series[0].dtype == np.min_scalar_type(expected.max())
        assert np.array_equal(tiff.series[0].asarray(), expected)


def test_stacks_of_planes(tmp_path, rng):
    model, stack = blob_model(), smooth(rng, 2, 3, 70, 80)
    found = in_chunks(model, write_zarr(tmp_path / "movie.zarr", stack, axes="tzyx"), tmp_path / "out.zarr")
    for t in range(2):
        for z in range(3):
            whole = model.predict(stack[t, z])
            assert np.array_equal(read(found.path)[t, z], whole.classes)
            assert np.array_equal(read(found.path, "labels/objects")[t, z], whole.instances)
            assert np.allclose(read(found.path, "probabilities")[t, :, z], whole.probabilities, atol=1e-3)
    assert found.num_planes == 6


@pytest.mark.parametrize("shape", [(2, 3, 70, 80), (2, 2, 70, 80, 3)])
def test_one_range_for_a_stack(tmp_path, rng, shape):
    """Planes keep their brightness, in memory and chunk by chunk alike; three equal channels are read as grey."""
    factors = np.arange(1, 1 + np.prod(shape[:2])).reshape(*shape[:2], *[1] * (len(shape) - 2))
    stack = (smooth(rng, *shape[:4]).reshape(*shape[:4], *[1] * (len(shape) - 4)) * np.ones(shape[4:]) / factors).astype("f4")
    model = blob_model()
    model = model.with_normalise(Normalise(over="stack"))
    channels = np.moveaxis(stack, -1, 1) if len(shape) > 4 else stack
    axes = "tczyx" if len(shape) > 4 else "tzyx"
    found = in_chunks(model, write_zarr(tmp_path / "movie.zarr", channels, axes=axes), tmp_path / "out.zarr")
    planes = list(stack.reshape(-1, *shape[2:]))
    expected = [model.predict(plane, ranges=own) for plane, own in zip(planes, model.grey_ranges(planes), strict=True)]
    classes = np.stack([one.classes for one in expected])
    assert np.array_equal(read(found.path).reshape(classes.shape), classes)
    assert np.array_equal(read(found.path, "labels/objects").reshape(classes.shape), [one.instances for one in expected])
    assert any((one.classes != model.predict(plane).classes).any() for one, plane in zip(expected, planes, strict=True))


def test_channels_and_several_classes(tmp_path, rng):
    model, image = blob_model(channels=2, classes=3), smooth(rng, 2, 90, 75)
    saves = SavedResults(probabilities="uint8")
    found = in_chunks(model, write_zarr(tmp_path / "two.zarr", image, axes="cyx"), tmp_path / "out.zarr", saves)
    whole = model.predict(np.moveaxis(image, 0, -1))
    assert np.array_equal(read(found.path), whole.classes)
    assert np.abs(read(found.path, "probabilities") / 255 - whole.probabilities).max() <= 0.51 / 255


def test_chosen_channels(tmp_path, rng):
    image = smooth(rng, 4, 90, 75)
    source, model = write_zarr(tmp_path / "four.zarr", image, axes="cyx"), blob_model()
    found = in_chunks(model, source, tmp_path / "one.zarr", channels=(2,))
    assert np.array_equal(read(found.path), model.predict(image[2]).classes)
    two = blob_model(channels=2, classes=3)
    found = in_chunks(two, source, tmp_path / "two.zarr", SavedResults(), channels=(3, 1))
    assert np.array_equal(read(found.path), two.predict(np.moveaxis(image[[3, 1]], 0, -1)).classes)
    with pytest.raises(DataError, match=r"\b4\b.* 4\b"):
        in_chunks(model, source, tmp_path / "none.zarr", channels=(4,))


@pytest.mark.parametrize("shard", [1, 2])
@pytest.mark.parametrize("size", [(20, 25), (64, 32), (33, 97)])
def test_every_size(tmp_path, rng, shard, size):
    model, image = blob_model(), smooth(rng, *size)
    found = in_chunks(model, write_npy(tmp_path / "a.npy", image), tmp_path / "out.zarr", EVERYTHING, shard=shard)
    whole = model.predict(image)
    assert np.array_equal(read(found.path), whole.classes)
    assert np.array_equal(read(found.path, "labels/objects"), whole.instances)


@pytest.mark.parametrize("shard", [1, 2])
def test_the_pyramid_does_not_depend_on_chunks(tmp_path, image, shard):
    found = in_chunks(blob_model(), write_npy(tmp_path / "image.npy", image), tmp_path / "out.zarr", shard=shard)
    for name in ("", "labels/classes", "labels/objects"):
        level = read(found.path, name)
        for number in range(1, 4):
            level = downsample(level, "labels", number)
            assert np.array_equal(read(found.path, name, number), level)
    for number in range(4):  # both are drawn at the same places
        assert np.array_equal(read(found.path, "labels/classes", number), read(found.path, "", number))


def test_a_smaller_level_holds_as_much_foreground(tmp_path, rng):
    """The four phases of an up-convolution differ most in a network that was hardly trained: here its weights are random."""
    model = blob_model()
    found = in_chunks(model, write_npy(tmp_path / "a.npy", smooth(rng, 500, 600)), tmp_path / "out.zarr", chunk=128)
    classes = read(found.path) > 0
    phases = [classes[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)]
    assert np.ptp(phases) > 0.05
    for level in (1, 2):
        assert (read(found.path, "", level) > 0).mean() == pytest.approx(classes.mean(), abs=0.02)


def test_grey_saved_as_colour(tmp_path, image):
    model = blob_model()
    colour = np.stack([image] * 3, -1)
    found = in_chunks(model, write_npy(tmp_path / "c.npy", colour), tmp_path / "out.zarr", SavedResults())
    assert np.array_equal(read(found.path), model.predict(colour).classes)


def write_tiff(path, image, **options):
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # tifffile guesses, as in users' programs
        tifffile.imwrite(path, image, **options)
    return path


def check_same_as_whole(model, source, out):
    """Check the classes of each plane; return the number of planes."""
    found = in_chunks(model, source, out, SavedResults())
    planes = as_model_reads(read_image(source), model.info.net.in_channels).planes()
    classes = read(found.path).reshape(-1, *planes[0].shape[:2])
    assert found.num_planes == len(planes) == len(classes)
    for plane, written in zip(planes, classes, strict=True):
        np.testing.assert_array_equal(written, model.predict(plane).classes)
    return found.num_planes


@pytest.mark.parametrize("options", [{}, {"tile": (32, 32), "compression": "zlib"}, {"imagej": True}, {"metadata": None}])
@pytest.mark.parametrize("num", [2, 3, 4])
def test_a_stack_that_looks_like_channels(tmp_path, rng, num, options):
    source = write_tiff(tmp_path / "a.tif", smooth(rng, num, 70, 80), **options)
    assert check_same_as_whole(blob_model(), source, tmp_path / "out.zarr") == num


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_that_looks_like_channels(tmp_path, rng, order):
    stack = np.asarray(smooth(rng, 3, 70, 80), order=order)
    assert check_same_as_whole(blob_model(), write_npy(tmp_path / "a.npy", stack), tmp_path / "out.zarr") == 3


def test_grey_stored_as_colours_apart_is_one_image(tmp_path, image):
    source = write_tiff(tmp_path / "a.tif", np.stack([image] * 3))
    assert check_same_as_whole(blob_model(), source, tmp_path / "out.zarr") == 1


@pytest.mark.parametrize(("channels", "is_opaque"), [(3, True), (4, False)])
def test_a_fourth_channel(tmp_path, rng, channels, is_opaque):
    pixels = np.moveaxis(smooth(rng, 4, 70, 80), 0, -1).copy()
    pixels[..., 3] = np.iinfo(pixels.dtype).max if is_opaque else pixels[..., 3]
    source = write_tiff(tmp_path / "a.tif", pixels, photometric="rgb")
    assert check_same_as_whole(blob_model(channels=channels), source, tmp_path / "out.zarr") == 1


def test_planes_that_may_be_channels_are_refused_with_the_mend(tmp_path, rng):
    source = write_tiff(tmp_path / "a.tif", smooth(rng, 2, 70, 80))
    with pytest.raises(DataError, match=r"2 planes are channels .* axes CYX"):
        in_chunks(blob_model(channels=2), source, tmp_path / "out.zarr")
