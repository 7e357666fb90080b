"""Volumes by a network of planes: read, learnt and predicted in three orientations."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

import unseam
from unseam.api.training import train
from unseam.data.annotated import planes_of_volume, read_annotated
from unseam.data.normalise import Normalise
from unseam.data.orientations import crossing, sliced
from unseam.data.prepare import prepare
from unseam.data.split import split
from unseam.data.weight_map import WeightMap
from unseam.errors import DataError, SettingsError
from unseam.heads import Classes
from unseam.inference.orientations import average_orientations
from unseam.runs.watch import Watch
from unseam.shapes import IGNORE

SMALL = ["net.first_width=4", "net.depth=2", "training.output_size=24", "net.resolution='full'"]
SHAPE = (18, 22, 26)


def ball(rng: np.random.Generator, shape: tuple[int, int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """A bright ball on a noisy ground."""
    middle = [length / 2 + rng.uniform(-2, 2) for length in shape]
    far = sum((at - one) ** 2 for at, one in zip(np.indices(shape), middle, strict=True))
    labels = (far < 36).astype(np.uint8)
    return np.clip(60 + 100 * labels + rng.normal(0, 12, shape), 0, 255).astype(np.uint8), labels


def write(folder: Path, name: str, image: np.ndarray, labels: np.ndarray, **calibration: float) -> None:
    for part, pixels in (("images", image), ("masks", labels)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        resolution = (1 / 0.5, 1 / 0.5)
        metadata = {"axes": "ZYX", "unit": "um", **calibration}
        tifffile.imwrite(folder / part / f"{name}.tif", pixels, imagej=True, resolution=resolution, metadata=metadata)


@pytest.fixture
def folder(tmp_path, rng):
    for name in "ab":
        write(tmp_path / "data", name, *ball(rng), spacing=0.5)
    return tmp_path / "data"


def test_a_volume_is_cut_along_each_axis(rng):
    image, labels = rng.random((3, 4, 5, 2)), rng.integers(0, 2, (3, 4, 5))
    planes = planes_of_volume("v", image, labels)
    assert [plane.name for plane in planes[2:5]] == ["v plane 2", "v row 0", "v row 1"]
    assert len(planes) == 3 + 4 + 5
    for one in planes:
        assert np.array_equal(one.image, image.take(one.plane, one.axis))
        assert np.array_equal(one.labels, labels.take(one.plane, one.axis))
        assert one.stack == one.group == "v"


def test_crossing_names_the_pixels_of_a_plane_that_lie_in_others():
    numbers = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    for axis, number, plane in sliced(numbers):
        for other, there, of_other in sliced(numbers):
            if other != axis:
                shared = of_other[crossing(axis, [number], other)]
                assert set(shared.ravel()) == set(plane.ravel()) & set(of_other.ravel()), (axis, number, other, there)


def test_what_is_held_out_is_learnt_in_no_orientation(rng):
    """Each voxel lies in three planes: none of them may show a held-out voxel with its class."""
    image, labels = ball(rng)
    labels[8:12, 8:12] = 1  # a tube: both ends of the volume have foreground
    numbers = np.arange(labels.size).reshape(labels.shape)
    planes = planes_of_volume("v", image, labels)
    prepared = prepare(planes, Normalise(over="stack"), WeightMap())
    parts = split(prepared.samples, 0.2, seed=0)
    held_out = {
        int(voxel)
        for part in parts.validation
        for voxel in numbers.take(part.sample.place[1], part.sample.place[0])[part.window.slices].ravel()
    }
    assert {part.sample.place[0] for part in parts.validation} == {2}, "the longest axis"
    assert 0.1 * labels.size < len(held_out) < 0.3 * labels.size
    learnt = set()
    for sample in parts.training:
        of_plane = numbers.take(sample.place[1], sample.place[0])
        learnt |= set(of_plane[sample.classes != IGNORE].ravel().tolist())
    assert not learnt & held_out
    assert learnt | held_out == set(range(labels.size)), "all others are learnt"


def test_all_planes_of_a_volume_have_one_range(rng):
    image, labels = ball(rng)
    image[:5] //= 2
    prepared = prepare(planes_of_volume("v", image, labels), Normalise(over="stack"), WeightMap())
    volume = np.stack([sample.image[0] for sample in prepared.samples if sample.place[0] == 0])
    for sample in prepared.samples:
        axis, number = sample.place
        assert np.array_equal(sample.image[0], volume.take(number, axis))


def test_the_mean_over_orientations_is_the_mean_of_three_predictions(rng):
    volume = rng.random((2, 4, 5, 6))

    def maps_of(plane):
        grey = 0.2 + 0.6 * plane.mean(axis=0) * plane.shape[1] / 6
        return np.stack([grey, 1 - grey])

    seen = []
    found = average_orientations(maps_of, volume, Classes(), lambda done, number: seen.append((done, number)))
    grey = volume.mean(axis=0)
    expected = 0.2 + 0.6 * grey * (5 / 6 + 4 / 6 + 4 / 6) / 3
    assert np.allclose(found[0], expected)
    assert np.allclose(found.sum(axis=0), 1)
    assert seen[-1] == (15, 15)


def test_volumes_are_learnt_and_predicted_in_three_orientations(folder, tmp_path, rng):
    told: list[str] = []
    out = tmp_path / "run"
    trained = train(
        folder, out=out, steps=120, device="cpu", settings=["data.volumes=true", *SMALL], watch=Watch(tell=told.append)
    )
    assert trained.info.average == "planes"
    assert trained.info.normalise.over == "stack"
    assert trained.info.training.images == ("a", "b")
    assert (out / "report.html").exists()
    image, labels = ball(rng)
    found = trained.predict_volume(image)
    assert found.classes.shape == SHAPE
    assert (found.classes == labels).mean() > 0.95
    write(tmp_path / "new", "c", image, labels, spacing=0.5)
    (result,) = unseam.predict(out, tmp_path / "new" / "images", tmp_path / "results")
    written = tifffile.imread(result.outputs[0])
    assert np.array_equal(written, unseam.load(out).predict_volume(image).classes)
    planes = trained.with_average("none")
    mean = np.zeros_like(found.probabilities)
    ranges = trained.grey_ranges(list(image))[0]
    for axis, number, plane in sliced(image):
        np.moveaxis(mean, axis + 1, 1)[:, number] += planes.predict(plane, ranges=ranges).probabilities / 3
    assert np.allclose(mean, found.probabilities, atol=1e-5)


def test_a_run_that_resumes_keeps_what_was_set(folder, tmp_path):
    out, settings = tmp_path / "run", ["data.volumes=true", "average=none", *SMALL]
    first = train(folder, out=out, steps=2, device="cpu", settings=settings)
    again = train(folder, out=out, steps=4, device="cpu", resume=True)
    assert first.info.average == again.info.average == "none"
    assert again.info.normalise.over == "stack"
    assert again.info.training.steps == 4


def test_a_network_that_ships_is_refused(rng):
    with pytest.raises(SettingsError, match="resamples single images, not volumes"):
        unseam.load("nuclei").predict_volume(ball(rng)[0])


def test_arrays_are_volumes_too(rng):
    pairs = [ball(rng) for _ in range(2)]
    model = train(*map(list, zip(*pairs, strict=True)), steps=2, device="cpu", settings=["data.volumes=true", *SMALL])
    assert model.predict_volume(pairs[0][0]).probabilities.shape == (2, *SHAPE)
    with pytest.raises(DataError, match=r"volume 0: the volume has the shape \(18, 22, 26\) and its mask \(17, 22, 26\)"):
        train([pairs[0][0]], [pairs[0][1][1:]], steps=2, device="cpu", settings=["data.volumes=true", *SMALL])


def test_planes_far_apart_are_refused(tmp_path, rng):
    write(tmp_path, "a", *ball(rng), spacing=1.2)
    with pytest.raises(DataError, match=r"a\.tif: its planes lie 2\.4 times as far apart as its pixels"):
        read_annotated(tmp_path, volumes=True)
    line = np.eye(40, dtype=np.uint8)
    model = train([line], [line], steps=1, device="cpu", settings=SMALL)
    with pytest.raises(DataError, match=r"2\.4 times as far apart"):
        unseam.predict(model, tmp_path / "images", tmp_path / "out", average="planes")


def test_what_is_no_volume_of_classes_is_refused(tmp_path, rng):
    image, labels = ball(rng)
    many = labels.copy()
    many[2:5, 2:5, 2:5] = 2
    for part, pixels in (("images", image[0]), ("masks", labels[0])):
        (tmp_path / "flat" / part).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "flat" / part / "a.tif", pixels)
    with pytest.raises(DataError, match="is a single plane, not a volume"):
        read_annotated(tmp_path / "flat", volumes=True)
    settings = ["data.volumes=true", *SMALL]
    with pytest.raises(SettingsError, match="volumes are learnt as classes only"):
        train([image], [many.astype(np.int32)], steps=1, settings=["data.masks=instances", *settings])
    with pytest.raises(DataError, match=r"1 volume\(s\) cannot be cut into 3 folds"):
        train([image], [labels], steps=1, folds=3, settings=settings)
    model = train([image], [labels], steps=1, settings=settings)
    write(tmp_path / "new", "c", image, labels, spacing=0.5)
    with pytest.raises(SettingsError, match="--rescale: not for volumes"):
        unseam.predict(model, tmp_path / "new" / "images", tmp_path / "out", rescale=True)
