import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unseam.errors import TrainingError
from unseam.training import TrainState
from unseam.training.observers import Validate, ValidationScore


def a_state() -> TrainState:
    net = nn.Conv2d(1, 1, 1)
    return TrainState(net, torch.optim.SGD(net.parameters(), lr=0.1))


def run(
    validate: Validate, energies: list[float], start: int = 0, steps: int | None = None, foreground=lambda step: 0.3
) -> TrainState:
    """Run steps with these energies; the weight of the network is the number of the step."""
    state = a_state()
    total = steps or start + len(energies)
    for step, energy in enumerate(energies, start=start + 1):
        nn.init.constant_(state.net.weight, float(step))
        state.step, state.energy, state.seconds = step, energy, 0.1 * step
        state.foreground = foreground(step)
        validate(state, step / total)
        validate.check_learning(state, step / total)
    return state


def scored(values: dict[int, float], foreground: float = 0.5):
    """Return the score of the step that the weight names."""
    return lambda state: ValidationScore(values[round(state.net.weight.item())], foreground)


def test_the_best_weights_are_kept_and_are_a_copy():
    validate = Validate(scored({1: 0.1, 2: 0.8, 3: 0.7, 4: 0.2}), 4)
    state = run(validate, [1.0] * 4)
    assert validate.best.step == 2
    assert float(validate.best_weights["weight"]) == 2.0
    assert state.net.weight.item() == 4.0
    assert [r.score for r in validate.records] == [0.1, 0.8, 0.7, 0.2]


def test_of_equal_scores_the_later_is_best():
    validate = Validate(scored({1: 0.5, 2: 0.5, 3: 0.4}), 3)
    run(validate, [1.0] * 3)
    assert validate.best.step == 2


def test_of_scores_that_hardly_differ_the_later_is_best_and_it_never_drifts_down():
    scores = {1: 0.5, 2: 0.495, 3: 0.491, 4: 0.485}
    validate = Validate(scored(scores), 4)
    run(validate, [1.0] * 4)
    assert validate.best.step == 3, "0.485 is more than 0.01 below the highest"
    assert float(validate.best_weights["weight"]) == 3.0


def test_without_a_score_the_last_is_best():
    validate = Validate(None, 3)
    run(validate, [1.0] * 3)
    assert validate.best.step == 3
    assert all(math.isnan(record.score) for record in validate.records)


def test_the_energy_of_a_record_is_the_mean_since_the_last_without_the_bad_ones():
    validate = Validate(None, 2)
    run(validate, [1.0, 3.0, 5.0, math.nan])
    assert [record.energy for record in validate.records] == [2.0, 5.0]


def test_a_stretch_of_bad_steps_has_no_energy():
    validate = Validate(None, 2)
    run(validate, [math.nan] * 4)
    assert all(math.isnan(record.energy) for record in validate.records)


@given(st.integers(1, 40), st.integers(1, 200))
def test_it_records_as_often_as_asked_evenly_and_at_the_end(times, steps):
    validate = Validate(None, times)
    run(validate, [1.0] * steps)
    at = [record.step for record in validate.records]
    assert at[-1] == steps
    assert len(at) == min(times, steps)
    assert at == [min(s for s in range(1, steps + 1) if s * times >= k * steps - 1e-6) for k in sorted(
        {math.floor(s * times / steps + 1e-9) for s in at})]  # fmt: skip


@given(st.integers(1, 20), st.integers(2, 100), st.data())
def test_a_break_changes_nothing_about_when_it_records(times, steps, data):
    whole = Validate(None, times)
    run(whole, [1.0] * steps)
    stop = data.draw(st.sampled_from([record.step for record in whole.records]))
    resumed = Validate(None, times)
    resumed.begin(stop / steps)
    run(resumed, [1.0] * (steps - stop), start=stop, steps=steps)
    expected = [record.step for record in whole.records if record.step > stop]
    assert [record.step for record in resumed.records] == expected


@pytest.mark.parametrize("foreground", [0.0, 1.0])
def test_a_dead_network_is_told(foreground):
    validate = Validate(lambda _: ValidationScore(0.0, foreground), 12)
    with pytest.raises(TrainingError, match=r"step 1 .*training\.seed"):
        run(validate, [0.69] * 12, foreground=lambda _: foreground)
    assert len(validate.records) == 4, "after a third of the run, not at its end"


def test_a_network_that_dies_on_the_way_is_told():
    validate = Validate(lambda state: ValidationScore(0.5, 0.3 if state.net.weight.item() < 10 else 0.0), 30)
    energies = [0.5 - 0.02 * n for n in range(9)] + [0.69] * 21
    with pytest.raises(TrainingError, match=r"step 10 "):
        run(validate, energies, foreground=lambda step: 0.3 if step < 10 else 0.0)


@pytest.mark.parametrize(
    ("score_of", "energies"),
    [
        pytest.param(lambda _: ValidationScore(0.9, 0.3), [0.69] * 12, id="it gives both classes"),
        pytest.param(lambda _: ValidationScore(0.0, 0.0), [0.9 - 0.03 * n for n in range(12)], id="its energy still falls"),
        pytest.param(None, [0.02] * 12, id="nothing is held out, the energy is flat"),
        pytest.param(lambda _: ValidationScore(0.0, 0.0), [0.6] + [0.1] * 11, id="it has learnt; held out is one class"),
        pytest.param(lambda _: ValidationScore(0.0, 0.0), [math.nan] * 12, id="the loop reports a divergence"),
    ],
)
def test_a_live_network_is_let_be(score_of, energies):
    for in_training in (0.0, 0.3, math.nan):
        if in_training == 0.0 and score_of is None:
            continue  # one class in every batch at a flat energy: this network is dead
        validate = Validate(score_of, 12)
        run(validate, energies, foreground=lambda _, share=in_training: share)
        assert len(validate.records) == 12


@pytest.mark.parametrize("foreground", [0.0, 1.0])
def test_a_dead_network_is_told_where_nothing_is_held_out(foreground):
    validate = Validate(None, 12)
    with pytest.raises(TrainingError, match=r"step 10 .*one class"):
        run(validate, [0.69] * 120, foreground=lambda _: foreground)


def test_a_network_that_finds_foreground_in_one_batch_of_many_is_let_be():
    """Foreground may be rare: most batches show none, and the energy was low from the first record on."""
    validate = Validate(None, 12)
    run(validate, [0.02] * 120, foreground=lambda step: 0.001 if step % 10 == 3 else 0.0)
    assert len(validate.records) == 12


def test_a_network_that_has_learnt_but_finds_nothing_in_what_is_held_out_is_let_be():
    validate = Validate(lambda _: ValidationScore(0.0, 0.0), 12)
    run(validate, [0.02] * 12)
    assert len(validate.records) == 12


def test_an_observer_never_ends_training():
    validate, state = Validate(lambda _: ValidationScore(0.0, 0.0), 12), a_state()
    state.energy, state.foreground = 0.69, 0.0
    for step in range(1, 13):
        state.step = step
        validate(state, step / 12)
    assert len(validate.records) == 12


def test_a_record_has_the_share_of_foreground_in_all_batches_since_the_last():
    validate = Validate(None, 2)
    run(validate, [1.0, 1.0, 1.0, math.nan], foreground=lambda step: 0.1 * step)
    assert [r.foreground_in_training for r in validate.records] == pytest.approx([0.15, 0.3])


def test_a_run_of_few_records_is_not_stopped():
    validate = Validate(lambda _: ValidationScore(0.0, 0.0), 3)
    run(validate, [0.69] * 3, foreground=lambda _: 0.0)
    assert len(validate.records) == 3


def test_on_record_is_called_after_the_record_is_kept():
    seen = []
    validate = Validate(scored({1: 0.3, 2: 0.2}), 2, lambda state, record: seen.append((record, validate.best.step)))
    run(validate, [1.0, 2.0])
    assert seen == [(validate.records[0], 1), (validate.records[1], 1)]
