"""The GPU path on the CPU: numbers arrive one step late, and the device decides whether a step is applied."""

import copy

import numpy as np
import pytest
import torch

from reference.toy import ENERGY, batches, fresh, plan, weights_of
from unseam.errors import TrainingError
from unseam.heads import Classes
from unseam.training import SGD, AdamW, Batch, Muon, train_network
from unseam.training.optim import step_if, step_unless
from unseam.training.outcome import Outcome, OutcomeQueue, measure_outcome, record_outcome


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Run the loop one step late, and never decide on the host whether to step."""
    monkeypatch.setattr("unseam.training.loop.OutcomeQueue", lambda late: OutcomeQueue(late + 1))
    monkeypatch.setattr("unseam.training.loop.step_if", lambda is_finite, optimiser: step_unless(~is_finite, optimiser))


def with_nan(bad: set[int]):
    for step, batch in enumerate(batches()):
        weights = torch.full_like(batch.weights, float("nan")) if step in bad else batch.weights
        yield Batch(batch.images, batch.classes, weights)


OPTIMISERS = pytest.mark.parametrize(
    "settings", [SGD(1e-2, 0.9), SGD(1e-2, 0.0), AdamW(), Muon()], ids=["momentum", "plain", "adam_w", "muon"]
)


@OPTIMISERS
@pytest.mark.parametrize("bad", [set(), {0, 1}, {2, 5}], ids=["none", "the first", "between"])
def test_steps_decided_on_the_device_give_the_same_weights_to_the_bit(settings, bad, request):
    def trained() -> dict[str, np.ndarray]:
        return weights_of(train_network(fresh(settings), with_nan(bad), ENERGY, plan(8)).net)

    expected = trained()
    request.getfixturevalue("as_on_a_gpu")
    for name, weight in trained().items():
        np.testing.assert_array_equal(weight, expected[name])


@pytest.mark.usefixtures("as_on_a_gpu")
def test_numbers_come_one_step_late_and_none_is_lost():
    on_time, late = [], []
    state = train_network(fresh(AdamW()), batches(), ENERGY, plan(5), [lambda s, _: late.append((s.energy, s.foreground))])
    late.append((state.energy, state.foreground))
    state = fresh(AdamW())
    for step in range(5):
        train_network(state, batches(step), ENERGY, plan(step + 1))  # the end of a run waits for its numbers
        on_time.append((state.energy, state.foreground))
    assert np.isnan(late[0][0])
    assert late[1:] == on_time


@pytest.mark.usefixtures("as_on_a_gpu")
def test_divergence_is_noticed_one_step_late_with_the_last_good_weights():
    state, good = fresh(AdamW()), {}

    def look(state, _):
        if state.step == 5:
            good.update(weights_of(state.net))

    with pytest.raises(TrainingError, match=r"20 steps .*step 24"):
        train_network(state, with_nan(set(range(5, 100))), ENERGY, plan(100), [look])
    assert state.step == 25
    for name, weight in weights_of(state.net).items():
        np.testing.assert_array_equal(weight, good[name])


def test_the_queue_keeps_the_order_and_holds_back_as_many_as_it_says():
    def numbered(step: int) -> Outcome:
        return measure_outcome(step, torch.zeros(1, 1, 1, dtype=torch.int64), torch.tensor(float(step)), torch.tensor(True))

    for late in (0, 1, 3):
        queue = OutcomeQueue(late)
        arrived = [[o.step for o in queue.send(numbered(step))] for step in range(5)]
        assert arrived == [[step - late] if step >= late else [] for step in range(5)]
        assert [o.step for o in queue.rest()] == list(range(5 - late, 5))


def test_an_outcome_counts_the_pixels_of_the_foreground():
    logits = torch.tensor([[0.0, 1.0, 2.0], [5.0, 0.0, 2.0]]).view(1, 2, 1, 3)  # background wins a tie
    state = fresh(AdamW())
    record_outcome(state, measure_outcome(3, Classes().likeliest(logits), torch.tensor(0.25), torch.tensor(False)))
    assert (state.energy, state.foreground, state.skipped) == (0.25, 1 / 3, 1)


def test_a_step_that_is_not_finite_is_not_taken_on_the_host():
    state = fresh(SGD(1.0, 0.9))
    before = weights_of(state.net)
    for weight in state.net.parameters():
        weight.grad = torch.ones_like(weight)
    step_if(torch.tensor(False), state.optimiser)
    unchanged = weights_of(state.net)
    step_if(torch.tensor(True), state.optimiser)
    for name, weight in before.items():
        np.testing.assert_array_equal(unchanged[name], weight)
        assert (weights_of(state.net)[name] != weight).all()


def test_a_batch_on_the_cpu_is_the_same_with_its_channels_last():
    batch = Batch(torch.rand(2, 3, 4, 5), torch.zeros(2, 2, 2, dtype=torch.uint8), torch.ones(2, 2, 2))
    there = copy.copy(batch).on(torch.device("cpu"))
    assert torch.equal(there.images, batch.images)
    assert there.images.is_contiguous(memory_format=torch.channels_last)
    assert there.classes is batch.classes
    assert there.weights is batch.weights
