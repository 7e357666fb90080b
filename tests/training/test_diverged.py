"""A run that diverged names the likely reason, and the setting of this run that helps."""

import math
import re

import pytest
import torch

from reference.toy import fresh
from unseam.errors import TrainingError
from unseam.training import SGD, AdamW
from unseam.training.diverged import advise_slower, check_finite, not_finite_error
from unseam.training.observers import Record, Validate


@pytest.mark.parametrize(
    ("optimiser", "words"),
    [(SGD(0.3, 0.99), "optimiser.learning_rate=0.03)"), (AdamW(1e-3), "optimiser.learning_rate=0.0001)")],
)
def test_the_setting_named_is_that_of_the_runs_own_optimiser(optimiser, words):
    assert words in advise_slower(fresh(optimiser))


def test_what_was_so_from_the_first_step_on_is_not_blamed_on_the_learning_rate():
    state = fresh(AdamW())
    state.skipped = 20
    assert "grey values" in str(not_finite_error(state, 19))
    assert "learning_rate" not in str(not_finite_error(state, 19))
    assert "learning_rate" in str(not_finite_error(state, 20))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_weight_that_is_no_number_is_named(value):
    state = fresh(SGD())
    check_finite(state)
    with torch.no_grad():
        state.net.classify.bias[1] = value
    with pytest.raises(TrainingError, match=r"classify\.bias .*learning_rate"):
        check_finite(state)


def test_so_is_the_optimisers_memory():
    state = fresh(AdamW())
    for weight in state.net.parameters():
        weight.grad = torch.full_like(weight, 1e25)  # its square is beyond 32 bits
    state.optimiser.step()
    with pytest.raises(TrainingError, match="exp_avg_sq"):
        check_finite(state)


def test_nothing_of_a_bad_network_is_kept_as_the_best():
    validate, state = Validate(None, 4), fresh(SGD())
    with torch.no_grad():
        state.net.classify.bias[0] = math.nan
    with pytest.raises(TrainingError):
        validate.record(state)
    assert validate.best_weights is None
    assert validate.records == []


@pytest.mark.parametrize(
    ("energies", "rises"),
    [([0.5, 0.4, 5.0, 5.0], True), ([0.5, 0.4, 5.0, 0.4], False), ([0.001, 0.001, 0.05, 0.05], False), ([9.0, 9.0], False)],
)
def test_an_energy_that_rose_and_stays_up_ends_the_run(energies, rises):
    validate, state = Validate(None, 5), fresh(SGD())
    messages = ""
    for record, energy in enumerate(energies, start=1):
        for step in range(10 * record - 9, 10 * record + 1):
            state.step, state.energy, state.foreground = step, energy, 0.3
            try:
                validate(state, step / 50)
                validate.check_learning(state, step / 50)
            except TrainingError as error:
                messages = str(error)
    assert bool(messages) == rises
    assert not rises or re.search("0.4 to 5 .*step 40", messages)


def test_a_few_crops_without_objects_are_no_reference():
    """A run of 12 seconds: each record is one step, and one crop showed nothing but background."""
    validate, state = Validate(None, 20), fresh(SGD())
    for step, energy in enumerate([9.0, 0.0015, 8.0, 15.0, 17.5, 9.0], start=1):
        state.step, state.energy, state.foreground = step, energy, 0.3
        validate(state, step / 20)
        validate.check_learning(state, step / 20)
    assert len(validate.records) == 6


@pytest.mark.parametrize(("held_out", "trained"), [(0.0, 0.3), (1.0, 0.3), (math.nan, 0.0)])
def test_a_network_of_one_class_is_told_at_the_end(held_out, trained):
    validate, state = Validate(None, 5), fresh(SGD())
    assert "learnt nothing" in validate.doubt_of(Record(5, 1.0, 0.7, 0.0, held_out, trained), state)
    for good in (Record(5, 1.0, 0.7, 0.5, 0.2, 0.0), Record(5, 1.0, 0.7, math.nan, math.nan, 0.2), None):
        assert not validate.doubt_of(good, state)
