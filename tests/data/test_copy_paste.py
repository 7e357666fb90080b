from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from reference import copy_paste as plain
from unseam.augment import Augment
from unseam.data.copy_paste import CopyPaste, PastedSamples, cut_copy, find_groups, paste, targets_from_objects
from unseam.data.crop_stock import Stock
from unseam.data.crops import Crops
from unseam.data.normalise import Normalise
from unseam.data.prepare import Annotated, prepare
from unseam.data.sample import Sample, Window
from unseam.data.weight_map import WeightMap
from unseam.errors import SettingsError
from unseam.heads import RidgeObjects
from unseam.nets import UNetConfig
from unseam.settings import decode
from unseam.shapes import IGNORE, NOT_ANNOTATED

GEOMETRY = UNetConfig(first_width=2, depth=2).build().geometry
OFTEN = CopyPaste(copies=3.0, surroundings=3, match=1.0)


def objects_of(seed=0, shape=(90, 100), number=6):
    """Bright rectangles on a dark slope, some of which touch."""
    rng = np.random.default_rng(seed)
    objects = np.zeros(shape, np.int32)
    for n in range(1, number + 1):
        height, width = rng.integers(4, 10, 2)
        top, left = rng.integers(0, shape[0] - height), rng.integers(0, shape[1] - width)
        free = objects[top : top + height, left : left + width] == 0
        objects[top : top + height, left : left + width][free] = n
    image = rng.random((2, *shape), np.float32) * 0.1 + np.linspace(0, 0.3, shape[1], dtype=np.float32) + 0.5 * (objects > 0)
    return image.astype(np.float32), objects


def with_targets(sample):
    return targets_from_objects(sample, RidgeObjects(), WeightMap(), (0.8, 1.3))


def sample(seed=0, name="a", **more):
    image, objects = objects_of(seed, **more)
    zero = np.zeros(objects.shape)
    return with_targets(Sample(name, image, zero.astype(np.uint8), zero.astype(np.float32), objects))


def pasted(samples, settings=OFTEN, seed=0):
    return PastedSamples(samples, settings, with_targets, seed)


@pytest.mark.parametrize("surroundings", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_groups_are_the_plain_reference(seed, surroundings):
    _, objects = objects_of(seed, (34, 38), 5)
    objects[20:23, 5:8] = NOT_ANNOTATED
    objects[objects == 2] = 1  # an object in two pieces
    groups = find_groups(objects, surroundings)
    assert sorted(group.numbers for group in groups) == plain.groups(objects, surroundings)
    for group in groups:
        rows, columns = np.nonzero(np.isin(objects, group.numbers))
        low, high = (rows.min(), columns.min()), (rows.max() + 1, columns.max() + 1)
        assert (group.window.top, group.window.left) == tuple(at - surroundings for at in low)
        assert (group.window.bottom, group.window.right) == tuple(at + surroundings for at in high)


def test_objects_near_each_other_stay_together():
    objects = np.zeros((30, 60), np.int32)
    objects[10:15, 10:15], objects[10:15, 15:20], objects[10:15, 40:45] = 4, 9, 2
    assert sorted(group.numbers for group in find_groups(objects, 3)) == [(2,), (4, 9)]
    assert [group.numbers for group in find_groups(objects, 10)] == [], "the surroundings would leave the image"


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_copy_is_the_plain_reference(turns, mirrored, rng):
    one = sample(1)
    group = next(group for group in find_groups(one.instances, 3) if len(group.numbers) == 1)
    copy = cut_copy(one, group).turned(turns, mirrored=mirrored)
    image = rng.random((2, *copy.objects.shape), dtype=np.float32)
    objects = np.where(rng.random(copy.objects.shape) < 0.1, np.int32(5), np.int32(0))
    objects[0] = NOT_ANNOTATED
    expected = plain.pasted(copy.image, copy.objects, image, objects, 3, (0.1, -0.2), 7)
    paste(copy, image, objects, 3, np.array([0.1, -0.2], np.float32), 7)
    np.testing.assert_allclose(image, expected[0], atol=1e-5)
    np.testing.assert_array_equal(objects, expected[1])


def test_a_copy_gets_the_background_of_its_place_unless_that_differs_too_much():
    """Two halves of an image: in the right one, and in another channel of it alone, all is brighter."""
    image, objects = np.zeros((2, 60, 160), np.float32), np.zeros((60, 160), np.int32)
    objects[20:30, 20:30] = 1
    image[:, objects == 1], image[0, :, 80:] = 0.5, 0.08
    zero = np.zeros(objects.shape)
    one = with_targets(Sample("a", image, zero.astype(np.uint8), zero.astype(np.float32), objects))
    for settings, right_too in [
        (replace(OFTEN, copies=10.0, match=0.1), True),
        (replace(OFTEN, copies=10.0, match=0.05), False),
    ]:
        made = pasted([one], settings).sample(0, 0)
        copies = made.instances > 1
        columns = np.nonzero(copies.any(axis=0))[0]
        assert ((columns > 90).any(), (columns < 70).any()) == (right_too, True)
        np.testing.assert_allclose(made.image[1, copies], 0.5, atol=1e-6)
        sides = ndimage.label(copies)[0]
        for number in range(1, sides.max() + 1):
            level = made.image[0, sides == number].mean()
            assert level == pytest.approx(0.5, abs=1e-4) or level == pytest.approx(0.58, abs=1e-4)


@pytest.mark.parametrize("gap", [0, 1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_all_that_was_there_stays_and_copies_are_whole_and_keep_their_distance(seed, gap):
    samples = [sample(seed), sample(seed + 10, "b")]
    made = pasted(samples, replace(OFTEN, gap=gap), seed).sample(0, 0)
    there, before = made.instances, samples[0].instances
    assert there.max() > before.max(), "something is pasted"
    np.testing.assert_array_equal(there[before != 0], before[before != 0])
    np.testing.assert_array_equal(made.image[:, before != 0], samples[0].image[:, before != 0])
    shapes = {shape(one.instances == n) for one in samples for n in range(1, one.instances.max() + 1)}
    for number in range(before.max() + 1, there.max() + 1):
        own = there == number
        assert shape(own) in shapes
        assert ndimage.distance_transform_edt(~own)[before != 0].min() > gap


def shape(mask):
    """The outline of an object, however it is turned."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return b""
    cut = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    turned = [np.rot90(one, turns) for one in (cut, cut[:, ::-1]) for turns in range(4)]
    return min(bytes(one.shape) + one.tobytes() for one in turned)


def test_targets_and_weights_are_those_of_the_objects_as_they_lie():
    one = sample(2)
    made = pasted([one], replace(OFTEN, gap=0, copies=10.0)).sample(0, 1)
    ready = prepare(
        [Annotated("a", np.moveaxis(made.image, 0, -1), made.instances)], Normalise(), WeightMap(), masks="instances"
    )
    np.testing.assert_array_equal(made.classes, ready.samples[0].classes)
    weights = WeightMap()(ready.samples[0].classes, RidgeObjects().targets(labels_of(made)).cells, (0.8, 1.3))
    np.testing.assert_array_equal(made.weights, weights)


def labels_of(one):
    from unseam.heads import Labels

    return Labels((one.instances > 0).astype(np.uint8), one.instances)


def test_nothing_happens_to_pixels_that_are_not_annotated_nor_to_what_is_held_out():
    whole = sample(3)
    held = Window(0, 90, 60, 100)
    one = whole.without(held)
    assert (one.instances == NOT_ANNOTATED).any()
    changes = 0
    for arrangement in range(5):
        made = pasted([one]).sample(0, arrangement)
        unknown = one.instances == NOT_ANNOTATED
        np.testing.assert_array_equal(made.instances[unknown], NOT_ANNOTATED)
        np.testing.assert_array_equal(made.image[:, unknown], one.image[:, unknown])
        np.testing.assert_array_equal(made.classes[unknown], one.classes[unknown])
        assert (made.classes[held.slices] == IGNORE).all()
        far = ndimage.distance_transform_edt(made.instances == one.instances) > 40  # Eq. 2 reaches no further
        np.testing.assert_array_equal(made.classes[far], one.classes[far])
        np.testing.assert_array_equal(made.weights[far], one.weights[far])
        changes += (made.classes != one.classes).sum()
    assert changes


def test_the_ridge_beside_an_object_that_is_held_out_stays():
    image, objects = objects_of(0, (60, 90), 0)
    objects[20:30, 20:30], objects[20:30, 30:44], objects[45:50, 8:14] = 1, 2, 3
    zero = np.zeros(objects.shape)
    one = with_targets(Sample("a", image, zero.astype(np.uint8), zero.astype(np.float32), objects)).without(
        Window(0, 60, 40, 90)
    )
    assert (one.classes[21:29, 29] == 0).all(), "the ridge of object 1"
    made = pasted([one], replace(OFTEN, surroundings=2, copies=10.0)).sample(0, 0)
    assert made.instances.max() > 3
    assert (made.classes[21:29, 29] == 0).all()


def test_an_arrangement_depends_on_seed_image_and_number_alone():
    samples = [sample(0), sample(1, "b")]
    before = [one.image.copy() for one in samples], [one.instances.copy() for one in samples]
    made = pasted(samples)
    third = made.sample(0, 3)
    made.sample(1, 3)
    assert np.array_equal(pasted(samples).sample(0, 3).image, third.image)
    assert np.array_equal(made.sample(0, 3).weights, third.weights)
    for other in (made.sample(0, 4), pasted(samples, seed=1).sample(0, 3)):
        assert not np.array_equal(other.instances, third.instances)
    for one, image, objects in zip(samples, *before, strict=True):
        assert np.array_equal(one.image, image)
        assert np.array_equal(one.instances, objects)


def test_the_mean_number_of_copies_is_that_of_the_settings():
    """Of images with room for all; the empty one gets its share."""
    image, objects = objects_of(0, (200, 200), 0)
    for n in range(10):
        objects[20 + 15 * n : 24 + 15 * n, 30:33] = n + 1
    zero = np.zeros(objects.shape)
    full = with_targets(Sample("a", image, zero.astype(np.uint8), zero.astype(np.float32), objects))
    made = pasted([full, replace(full, instances=np.zeros_like(objects))], CopyPaste(copies=0.8, surroundings=2))
    number = [made.sample(1, arrangement).instances.max() for arrangement in range(120)]
    assert np.mean(number) == pytest.approx(0.8 * 5, rel=0.15)


def test_images_are_arranged_anew_in_turn():
    made = pasted([sample(n, str(n)) for n in range(4)], CopyPaste(every=8))
    changes = [[made.arrangement(n, step) != made.arrangement(n, step - 1) for n in range(4)] for step in range(1, 65)]
    assert np.sum(changes, axis=1).max() == 1
    assert np.sum(changes, axis=0).tolist() == [8, 8, 8, 8]


def test_batches_are_a_function_of_the_step_and_show_copies():
    samples = [sample(0), sample(1, "b")]

    def crops(settings=OFTEN):
        stock = Stock(samples, pasted=pasted(samples, settings) if settings else None)
        return Crops(stock, Augment(), GEOMETRY, 40, 2, 0)

    made = crops()
    batches = [made.batch(step) for step in range(90, 110)]
    for step in (90, 101, 109, 100):
        for one, other in zip(crops().batch(step), batches[step - 90], strict=True):
            assert torch.equal(one, other)
    assert any(not torch.equal(batches[n][1], crops(None).batch(90 + n)[1]) for n in range(20))


def test_images_that_a_device_keeps_show_the_same_copies(monkeypatch):
    """The way of a GPU, walked on the CPU."""
    samples = [sample(0), sample(1, "b")]
    plainly = Crops(Stock(samples, pasted=pasted(samples)), Augment(), GEOMETRY, 40, 2, 0)
    monkeypatch.setattr("unseam.data.crops.has_room", lambda samples, device: device is not None)
    kept = Crops(Stock(samples, pasted=pasted(samples)), Augment(), GEOMETRY, 40, 2, 0, torch.device("cpu"))
    for step in (3, 120):
        for one, other in zip(kept.batch(step), plainly.batch(step), strict=True):
            assert torch.equal(one, other)
    assert isinstance(kept._planes_at(0, 0)[0], torch.Tensor)


def test_further_targets_of_a_head_move_with_the_objects():
    def with_distance(one):
        plane = ndimage.distance_transform_edt(one.instances > 0).astype(np.float32)
        return replace(with_targets(one), planes=(plane,))

    whole = with_distance(sample(3))
    for one in (whole, whole.without(Window(0, 90, 60, 100))):
        made = PastedSamples([one], OFTEN, with_distance, 0).sample(0, 0)
        copies = made.instances > whole.instances.max()
        assert copies.any()
        np.testing.assert_array_equal(made.planes[0][copies], with_distance(made).planes[0][copies])
        same = made.instances == one.instances
        np.testing.assert_array_equal(made.planes[0][same], one.planes[0][same])


def test_a_very_large_image_stays_as_it_is(monkeypatch):
    monkeypatch.setattr("unseam.data.copy_paste._MOST_PIXELS", 95 * 100)
    small, large = sample(0), sample(1, "b", shape=(96, 100))
    made = pasted([small, large])
    assert made.sample(1, 0) is large
    assert made.sample(0, 0) is not small


def test_what_cannot_be_copied_is_told():
    touching = np.kron(np.arange(1, 10).reshape(3, 3), np.ones((9, 9))).astype(np.int32)
    zero = np.zeros(touching.shape)
    one = with_targets(Sample("a", zero[None].astype(np.float32), zero.astype(np.uint8), zero.astype(np.float32), touching))
    made = pasted([one])
    assert made.sample(0, 0) is one
    assert "nothing is copied" in made.reason
    assert "objects, in" in pasted([sample(0)]).reason


def test_an_image_of_background_alone_or_without_any_is_arranged():
    empty = replace(sample(0), instances=np.zeros((90, 100), np.int32))
    nowhere = replace(sample(0), instances=np.full((90, 100), NOT_ANNOTATED, np.int32))
    full = replace(sample(0), instances=np.ones((90, 100), np.int32))
    made = pasted([sample(0), empty, nowhere, full, sample(4, shape=(11, 11), number=1)])
    assert made.sample(1, 0).instances.max() > 0
    for index in (2, 3, 4):
        made.sample(index, 0)


def test_masks_without_numbered_objects_are_refused():
    with pytest.raises(SettingsError, match=r"paste.*do not number.*paste=false"):
        pasted([replace(sample(0), instances=None)])


@pytest.mark.parametrize("settings", [{"copies": -1.0}, {"surroundings": 0}, {"gap": 7}, {"match": 0.0}, {"every": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SettingsError, match=rf"paste\.{next(iter(settings))} ="):
        decode(CopyPaste, settings)
