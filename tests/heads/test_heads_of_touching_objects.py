"""`Distances` and `BorderAndCore`: their targets, the objects that they make of them, and their energy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from reference.objects_in_memory import found_in_chunks
from reference.touching_cells import touching_cells
from unseam.errors import DataError, SettingsError
from unseam.heads import BorderAndCore, Distances, Labels, Objects, fitted_to
from unseam.heads.flood import LIKELY
from unseam.heads.peaks import LOWEST, with_heights
from unseam.inference.whole_objects import Halo
from unseam.losses import WeightedCrossEntropy
from unseam.metrics import PanopticQuality, PanopticScore
from unseam.shapes import IGNORE, NOT_ANNOTATED

HEADS = [Distances(), BorderAndCore()]
both_heads = pytest.mark.parametrize("head", HEADS, ids=lambda head: type(head).__name__)


def labels_of(cells: np.ndarray) -> Labels:
    classes = (cells > 0).astype(np.uint8)
    classes[cells == NOT_ANNOTATED] = IGNORE
    return Labels(classes, cells)


def learnt(head: Distances | BorderAndCore, cells: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """The maps of a network that has learnt the targets, with some blur."""
    targets = head.targets(labels_of(cells))
    num_classes = 2 if targets.planes else 3
    maps = [np.float32(targets.classes == klass) for klass in range(num_classes)] + list(targets.planes)
    return np.stack([ndimage.gaussian_filter(part, blur) for part in maps]) if blur else np.stack(maps)


def quality(head: Distances | BorderAndCore, cells: np.ndarray, objects: Objects, blur: float) -> float:
    found = objects(head.foreground(learnt(head, cells, blur)))
    return float(PanopticScore.pool([PanopticQuality()(found, cells)])["panoptic_quality"])


def test_distances_by_hand():
    cells = np.array([[0, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, -1]], np.int32)
    targets = Distances(power=1.0).targets(labels_of(cells))
    distance, nearness = targets.planes
    assert targets.classes.tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, IGNORE]]
    np.testing.assert_allclose(distance[0], [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0.5, 1, 0.5, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(nearness[0], [0, 0, 0.2, 0.4, 0.6, 0.8, 2 / 3, 1 / 3, 0, 0, 0, 0], rtol=1e-6)


def test_border_and_core_by_hand():
    cells = np.array([[0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 0, 4, -1]], np.int32)
    found = BorderAndCore().targets(labels_of(cells)).classes
    assert found.tolist() == [[0, 2, 1, 1, 1, 1, 2, 2, 1, 2, 1, 1, 0, 1, IGNORE]], "the rim is half of what there is"
    assert BorderAndCore(rim_px=3.0).targets(labels_of(np.ones((3, 3), np.int32))).classes.tolist() == [[1] * 3] * 3


@both_heads
def test_every_object_keeps_a_middle(head, rng):
    """However small, or thin, or in a crowd."""
    cells = touching_cells(rng, 60, 90)
    cells[:2], cells[2:3, :30], cells[-1] = 0, 200, 0
    cells[-1, ::2] = np.arange(300, 330)
    targets = head.targets(labels_of(cells))
    middle = targets.planes[0] == 1 if targets.planes else targets.classes == 1
    assert set(np.unique(cells[middle])) == set(np.unique(cells[cells > 0]))


def test_insides_of_touching_objects_do_not_touch(rng):
    cells = touching_cells(rng, 100, 12)
    inside = BorderAndCore().targets(labels_of(cells)).classes == 1
    assert ndimage.label(inside, np.ones((3, 3)))[1] == len(np.unique(cells)) - 1


@both_heads
def test_what_was_learnt_gives_the_objects_back(head, rng):
    cells = touching_cells(rng, 120, 20)
    objects = replace(head.objects, min_size=1)
    assert quality(head, cells, objects, blur=0.0) > 0.95
    assert quality(head, cells, objects, blur=1.0) > 0.92
    merged = Objects(threshold=LIKELY, min_size=1, grow_px=0.0)
    assert quality(head, cells, merged, blur=0.0) < 0.3, "these cells touch"


@both_heads
def test_a_gap_stays_open(head):
    cells = np.zeros((12, 21), np.int32)
    cells[1:11, 1:10], cells[1:11, 11:20] = 1, 2
    assert (head.objects(head.foreground(learnt(head, cells))) == cells).all()


def test_nearness_parts_what_a_blurred_distance_does_not():
    cells = np.zeros((20, 30), np.int32)
    cells[2:18, 2:15], cells[2:18, 15:28] = 1, 2
    maps = learnt(Distances(), cells)
    maps[2] = 0.9 * maps[1]
    assert Distances().objects(Distances().foreground(maps)).max() == 2
    maps[3] = 0
    assert Distances().objects(Distances().foreground(maps)).max() == 1


@both_heads
@settings(max_examples=15)
@given(
    threshold=st.sampled_from([0.5, 0.6, 0.75, 0.8, 0.9]),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    num_chunks=st.integers(2, 5),
    blur=st.floats(0.3, 3),
    noise=st.sampled_from([0.0, 0.05, 0.4]),
    seed=st.integers(0, 1 << 30),
)
def test_chunks_equal_whole(head, threshold, shape, num_chunks, blur, noise, seed):
    """Objects that cross chunks, plateaus of equal height, and noise."""
    rng = np.random.default_rng(seed)
    size = max(shape)
    cells = touching_cells(rng, size, max(2, size * size // 120))[: shape[0], : shape[1]]
    maps = learnt(head, cells, blur)
    maps = np.clip(maps + noise * rng.standard_normal(maps.shape, np.float32), 0, 1)
    maps[: 2 if isinstance(head, Distances) else 3] /= maps[: 2 if isinstance(head, Distances) else 3].sum(0) + 1e-9
    likely, objects = head.foreground(maps), replace(head.objects, threshold=threshold, min_size=5)
    written, found = found_in_chunks(likely, max(3, -(-size // num_chunks)), objects, Halo(4, 4096))
    np.testing.assert_array_equal(written, objects(likely))
    assert found.num_undecided == 0


@both_heads
def test_the_background_and_classes_that_are_not_there(head, rng):
    maps = head.activate(rng.normal(size=(len(head.logit_names(("background", "cell"))), 4, 5)).astype(np.float32))
    np.testing.assert_array_equal(head.foreground(maps, 0), maps[0])
    np.testing.assert_array_equal(head.foreground(maps, 1), head.foreground(maps))
    with pytest.raises(DataError, match=r"class 2.*0 to 1"):
        head.foreground(maps, 2)


@both_heads
def test_classes_and_foreground_agree(head, rng):
    maps = head.activate(3 * rng.normal(size=(len(head.logit_names(("background", "cell"))), 60, 60)).astype(np.float32))
    np.testing.assert_array_equal(head.foreground(maps) > LIKELY, head.classes(maps) == 1)
    np.testing.assert_allclose(head.class_maps(maps).sum(axis=0), 1, rtol=1e-6)


def test_the_middle_is_a_third_of_the_mean_of_three():
    """Distances are averaged within 0 and 1, so one network that overshoots outvotes nobody."""
    logits = [np.array([0, 0, distance, 0], np.float32).reshape(4, 1, 1) for distance in (-5, 9, 0.5)]
    maps = Distances().activate(Distances().mean_logits(logits))
    np.testing.assert_allclose(maps.ravel(), [0.5, 0.5, 0.5, 0], rtol=1e-6)


def test_heights_stay_above_half_in_half_precision():
    likely = with_heights(np.float32([0.5, 0.51, 1]), np.float32([1, 0, 1]))
    assert likely.tolist() == [0.5, (1 + LOWEST) / 2, 1]
    assert np.float16(likely[1]) > LIKELY


def test_the_energy_is_that_of_the_classes_and_the_mean_weighted_error_of_the_distances(rng):
    logits = torch.from_numpy(rng.normal(size=(2, 4, 3, 5)).astype(np.float32))
    classes = torch.from_numpy(rng.choice([0, 1, IGNORE], (2, 3, 5)).astype(np.uint8))
    weights, distance, nearness = (torch.from_numpy(rng.random((2, 3, 5), np.float32)) for _ in range(3))
    head, energy = Distances(weight=3.0), WeightedCrossEntropy(class_weights=(1.0, 2.0))
    total, number = 0.0, 0
    for batch, row, column in np.ndindex(2, 3, 5):
        if classes[batch, row, column] == IGNORE:
            continue
        number += 1
        for logit, plane in ((2, distance), (3, nearness)):
            error = abs(float(logits[batch, logit, row, column] - plane[batch, row, column]))
            total += float(weights[batch, row, column]) * (error**2 / 0.2 if error < 0.1 else error - 0.05)
    logits.requires_grad_()
    found = head.energy_of(energy)(logits, classes, weights, distance, nearness)
    np.testing.assert_allclose(found.item(), energy(logits[:, :2], classes, weights).item() + 3 * total / number, rtol=1e-5)
    found.backward()
    ignored = classes == IGNORE
    assert not logits.grad.permute(0, 2, 3, 1)[ignored].any(), "what is not annotated trains nothing"
    nothing = torch.full_like(classes, IGNORE)
    assert head.energy_of(energy)(logits, nothing, weights, distance, nearness).item() == 0


def test_settings_that_differ_from_the_general_default_replace_those_of_the_head():
    own = Distances().objects
    assert fitted_to(own, Objects()) == own
    assert fitted_to(own, Objects(threshold=0.8)) == replace(own, threshold=0.8)
    assert fitted_to(own, Objects(grow_px=5.0, min_size=3)) == replace(own, grow_px=5.0, min_size=3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Distances(weight=0.0), r"weight"),
        (lambda: Distances(power=float("nan")), r"power"),
        (lambda: BorderAndCore(rim_px=0.5), r"rim_px"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(SettingsError, match=message):
        make()
