from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unseam.errors import SettingsError
from unseam.training import SGD, AdamW, Cosine, Optimiser, Schedule
from unseam.training.optim import step_unless


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_the_factor_stays_between_0_and_1(warm_up, progress, decay):
    assert 0 <= Cosine(warm_up, decay).factor(progress) <= 1


def test_the_factor_at_places_worked_by_hand():
    schedule = Cosine(warm_up=0.2, decay=True)
    assert [round(schedule.factor(p), 4) for p in (0.0, 0.1, 0.2, 0.6, 1.0, 1.5)] == [0.005, 0.5, 1.0, 0.5, 0.0, 0.0]
    assert Cosine(0.0, False).factor(0.99) == 1.0
    assert Cosine(1.0, True).factor(0.5) == 0.5


def test_warm_up_rises_and_decay_falls():
    schedule = Cosine(0.1, True)
    factors = [schedule.factor(p) for p in np.linspace(0, 1, 101)]
    assert np.all(np.diff(factors[:11]) > 0)
    assert np.all(np.diff(factors[10:]) < 0)
    assert factors[0] > 0, "a first step at rate 0 would be wasted"


@pytest.mark.parametrize(
    ("optimiser", "kind", "settings"),
    [
        (SGD(0.5, 0.99, 0.01), torch.optim.SGD, {"lr": 0.5, "momentum": 0.99, "weight_decay": 0.01}),
        (AdamW(0.5, 0.01), torch.optim.AdamW, {"lr": 0.5, "weight_decay": 0.01}),
    ],
)
def test_optimisers_are_built_as_set(optimiser, kind, settings):
    built = optimiser.build(nn.Conv2d(1, 2, 3))
    assert isinstance(built, kind)
    assert settings.items() <= built.param_groups[0].items()


def test_the_papers_momentum_is_the_default():
    assert SGD().momentum == 0.99


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(learning_rate=-1.0), r"sgd.learning_rate = -1.0"),
        (lambda: SGD(momentum=1.0), r"sgd.momentum = 1.0.* 0.9999"),
        (lambda: AdamW(weight_decay=float("nan")), r"adam_w.weight_decay"),
        (lambda: Cosine(warm_up=2.0), r"schedule.warm_up"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(SettingsError, match=message):
        make()


OPTIMISERS, SCHEDULES = (get_args(family) or (family,) for family in (Optimiser, Schedule))
"""The closed lists. Each member runs the tests below."""

each_optimiser = pytest.mark.parametrize("member", OPTIMISERS)


def weights_after(member, steps: int, is_bad: bool = False) -> torch.Tensor:
    torch.manual_seed(0)
    net = nn.Conv2d(1, 2, 3)
    optimiser = member().build(net)
    for _ in range(steps):
        optimiser.zero_grad()
        net(torch.ones(1, 1, 3, 3)).square().sum().backward()
        step_unless(torch.tensor(is_bad), optimiser)
    return net.weight.detach()


@each_optimiser
def test_an_optimiser_starts_from_its_learning_rate(member):
    groups = member(learning_rate=0.25).build(nn.Conv2d(1, 2, 3)).param_groups
    assert [group["lr"] for group in groups] == [0.25]


@each_optimiser
def test_an_optimiser_moves_the_weights_and_always_alike(member):
    assert not torch.equal(weights_after(member, 3), weights_after(member, 0))
    assert torch.equal(weights_after(member, 3), weights_after(member, 3))


@each_optimiser
def test_an_optimiser_takes_no_bad_step_fused_or_not(member):
    assert torch.equal(weights_after(member, 2, is_bad=True), weights_after(member, 0))


@pytest.mark.parametrize("member", SCHEDULES)
@pytest.mark.parametrize("progress", [0.0, 0.01, 0.5, 1.0, 1.2])
def test_the_factor_of_a_schedule_is_finite_and_not_negative(member, progress):
    assert 0 <= member().factor(progress) < np.inf
