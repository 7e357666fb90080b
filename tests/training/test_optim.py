import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unseam.errors import SettingsError
from unseam.training import SGD, AdamW, Cosine


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
        (lambda: SGD(momentum=1.0), r"sgd.momentum = 1.0: it must lie between 0.0 and 0.9999"),
        (lambda: AdamW(weight_decay=float("nan")), r"adam_w.weight_decay"),
        (lambda: Cosine(warm_up=2.0), r"schedule.warm_up"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(SettingsError, match=message):
        make()
