"""The suite that every head of the closed list passes."""

from typing import get_args

import numpy as np
import pytest
import torch

from reference.toy import CONFIG, plan
from unseam.augment import Augment
from unseam.data.crops import Crops
from unseam.data.sample import Sample
from unseam.heads import Head, HeadProtocol, Labels, head_for
from unseam.recipes.default import default
from unseam.settings import decode, encode, table_name, with_overrides
from unseam.shapes import IGNORE, NOT_ANNOTATED
from unseam.training import AdamW, Batch, TrainState, train_network

HEADS = [member() for member in get_args(Head)]
every_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: table_name(type(head)))
NAMES = ("background", "object")


@pytest.fixture
def labels() -> Labels:
    """Two cells that touch, one apart, and a part that is not annotated."""
    cells = np.zeros((12, 16), np.int32)
    cells[1:9, 1:6], cells[1:9, 6:10], cells[2:6, 12:15] = 1, 2, 3
    classes = (cells > 0).astype(np.uint8)
    cells[10:], classes[10:] = NOT_ANNOTATED, IGNORE
    return Labels(classes, cells)


@every_head
def test_it_keeps_the_promises(head):
    assert isinstance(head, HeadProtocol)
    assert head.version >= 1
    assert len(set(head.logit_names(NAMES))) == len(head.logit_names(NAMES))


@every_head
def test_targets_train_nothing_where_nothing_is_annotated(head, labels):
    before = labels.cells.copy()
    targets = head.targets(labels)
    assert np.array_equal(targets.classes == IGNORE, labels.classes == IGNORE)
    assert targets.classes[targets.classes != IGNORE].max() < 256
    assert all(plane.shape == targets.classes.shape for plane in targets.planes)
    assert np.array_equal(labels.cells, before)


@every_head
def test_training_and_prediction_choose_the_same_class(head, rng):
    logits = rng.normal(size=(len(head.logit_names(NAMES)), 5, 7)).astype(np.float32)
    maps = head.activate(logits.copy())
    assert maps.shape == logits.shape
    assert np.array_equal(head.likeliest(torch.from_numpy(logits)[None])[0].numpy(), head.classes(maps))
    assert head.classes(maps).max() < len(NAMES)


@every_head
def test_the_foreground_is_a_share(head, rng):
    maps = head.activate(rng.normal(size=(len(head.logit_names(NAMES)), 5, 7)).astype(np.float32))
    foreground = head.foreground(maps)
    assert foreground.shape == (5, 7)
    assert foreground.min() >= 0
    assert foreground.max() <= 1


@every_head
def test_a_mean_of_equals_is_each_of_them(head, rng):
    logits = rng.normal(size=(len(head.logit_names(NAMES)), 5, 7))
    maps = head.activate(logits)
    np.testing.assert_allclose(head.activate(head.mean_logits([logits, logits])), maps, atol=1e-12)
    np.testing.assert_allclose(head.mean_maps(maps + maps, 2), maps, atol=1e-12)


@every_head
def test_settings_name_it(head):
    run = with_overrides(default(), [f"head.{table_name(type(head))}={{}}"])
    assert run.head == head
    assert decode(type(run), encode(run)) == run


def test_masks_choose_the_head():
    assert default().head is None
    assert [table_name(type(head_for(has_objects=has))) for has in (True, False)] == ["ridge_objects", "classes"]


def test_further_targets_move_with_the_crop_and_reach_the_energy(rng):
    """A head may need another plane, such as a distance, which is cropped together with the classes."""
    classes = rng.integers(0, 2, (50, 60)).astype(np.uint8)
    distance = classes.astype(np.float32) * 3
    sample = Sample("one", rng.random((1, 50, 60), np.float32), classes, np.ones_like(distance), planes=(distance,))
    net = CONFIG.build()
    crops = Crops([sample], Augment(), net.geometry, 12, 2, seed=0)
    seen = []

    def energy_of(logits, classes, weights, distance):
        seen.append((classes, distance))
        return (logits[:, 1] - distance).square().mean()

    images, *maps = crops.batch(0)
    batch = Batch(images, maps[0], maps[1], tuple(maps[2:]))
    train_network(TrainState(net, AdamW().build(net)), iter([batch]), energy_of, plan(1))
    ((found_classes, found_distance),) = seen
    assert found_classes.any()
    assert torch.equal(found_distance, found_classes.float() * 3)
