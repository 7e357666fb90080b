"""The promises that every energy of the closed list keeps."""

import dataclasses
from typing import get_args

import pytest
import torch

from unseam.losses import Loss
from unseam.settings import decode, encode
from unseam.shapes import IGNORE


@pytest.fixture(params=get_args(Loss) or (Loss,), ids=lambda member: member.__name__)
def energy(request):
    return request.param()


@pytest.fixture
def batch():
    """Logits (2, 3, 5, 4), classes with a part that is not annotated, and weights."""
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 4, generator=chance)
    classes = torch.randint(0, 3, (2, 5, 4), generator=chance, dtype=torch.uint8)
    classes[:, 0] = IGNORE
    return logits, classes, torch.rand(2, 5, 4, generator=chance) + 0.5


def gradient_of(energy, logits, classes, weights):
    logits = logits.clone().requires_grad_()
    energy(logits, classes, weights).backward()
    return logits.grad


def test_it_is_its_own_setting(energy):
    assert dataclasses.is_dataclass(energy)
    assert decode(type(energy), encode(energy)) == energy
    hash(energy)  # frozen


def test_it_is_one_finite_number(energy, batch):
    found = energy(*batch)
    assert found.shape == ()
    assert found.isfinite()
    logits, *others = batch
    assert energy(1e4 * logits, *others).isfinite()


def test_the_truth_costs_less_than_a_mistake(energy, batch):
    _, classes, weights = batch
    truth = torch.nn.functional.one_hot(classes.long() % 3, 3).permute(0, 3, 1, 2).float()
    assert energy(5 * truth, classes, weights) < energy(0 * truth, classes, weights) < energy(-5 * truth, classes, weights)


def test_a_pixel_that_is_not_annotated_gives_no_gradient(energy, batch):
    logits, classes, weights = batch
    gradient = gradient_of(energy, logits, classes, weights)
    assert not gradient[:, :, 0].any()
    assert gradient[:, :, 1:].any()


def test_a_pixel_of_no_weight_gives_no_gradient(energy, batch):
    logits, classes, weights = batch
    weights[:, 2] = 0
    assert not gradient_of(energy, logits, classes, weights)[:, :, 2].any()


def test_a_batch_without_annotation_costs_nothing(energy, batch):
    logits, classes, weights = batch
    classes.fill_(IGNORE)
    assert energy(logits, classes, weights) == 0
    assert not gradient_of(energy, logits, classes, weights).any()


def test_where_a_pixel_lies_makes_no_difference(energy, batch):
    logits, classes, weights = batch
    torch.testing.assert_close(energy(logits.flip(3), classes.flip(2), weights.flip(2)), energy(logits, classes, weights))
