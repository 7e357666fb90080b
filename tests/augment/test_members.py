"""The suite that every augmentation inherits: it runs over the closed list, the fields of ``Augment``."""

from dataclasses import fields, replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch

from unseam.augment import Augment, Scale
from unseam.augment.base import Affine, Appearance, Displacement

MEMBERS = {name: get_args(hint)[0] for name, hint in get_type_hints(Augment).items() if get_args(hint)}  # not `still`
STILL = Augment(**dict.fromkeys(MEMBERS))
ZERO = {Scale: Scale(1.0, 1.0)}
PLACE = {"centre": (74.5, 80.5), "input_size": 60, "output_size": 60}

each_member = pytest.mark.parametrize("name", MEMBERS)


def zero(member):
    """The member at zero strength: its real numbers are 0 and nothing is switched on."""
    values = {field.name: getattr(member(), field.name) for field in fields(member)} if member not in ZERO else {}
    return ZERO.get(member) or member(**{k: type(v)(0) for k, v in values.items() if isinstance(v, float | bool)})


def sample():
    """An image in the colours of its own labels, which are discs of about 30 px."""
    rows, columns = np.mgrid[:150, :160]
    classes = ((np.sin(rows / 9) + np.sin(columns / 11)) > 0).astype(np.uint8)
    return classes[None].astype(np.float32), classes, classes.astype(np.float32) + 1


def crop(augment, seed=0):
    made = augment(*sample(), **PLACE, rng=np.random.default_rng(seed))
    return made.image.numpy(), made.classes.numpy(), made.weights.numpy()


@each_member
def test_a_member_is_of_exactly_one_kind(name):
    assert sum(issubclass(MEMBERS[name], kind) for kind in (Affine, Displacement, Appearance)) == 1


@each_member
def test_zero_strength_changes_nothing(name):
    for made, still in zip(crop(replace(STILL, **{name: zero(MEMBERS[name])})), crop(STILL), strict=True):
        np.testing.assert_allclose(made, still, atol=1e-6)


@each_member
@pytest.mark.parametrize("seed", range(5))
def test_image_and_labels_move_together(name, seed):
    image, classes, weights = crop(replace(STILL, **{name: MEMBERS[name]()}), seed)
    np.testing.assert_array_equal(weights, classes + np.float32(1))
    if issubclass(MEMBERS[name], Appearance):
        np.testing.assert_array_equal(classes, crop(STILL)[1])
    else:
        assert ((image[0] > 0.5) == classes).mean() > 0.97


@each_member
def test_the_same_generator_gives_the_same_bits_and_no_other_chance_is_used(name):
    augment, torch_state = replace(STILL, **{name: MEMBERS[name]()}), torch.get_rng_state()
    numpy_state = np.random.get_state()  # noqa: NPY002
    first = crop(augment, 1)
    crop(augment, 2)
    for one, other in zip(first, crop(augment, 1), strict=True):
        np.testing.assert_array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state[1]).all()  # noqa: NPY002


@each_member
def test_a_matrix_that_moves_whole_pixels_is_diagonal_with_entries_1_and_minus_1(name):
    member = MEMBERS[name]
    if issubclass(member, Affine) and member.moves_whole_pixels:
        for seed in range(20):
            np.testing.assert_array_equal(np.abs(member()(np.random.default_rng(seed))), np.eye(2))
