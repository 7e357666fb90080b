from dataclasses import replace

import numpy as np
import pytest
import torch

from reference.toy import CONFIG, ENERGY, batches, fresh, plan, weights_of
from unseam.errors import SettingsError, TrainingError
from unseam.training import SGD, AdamW, Batch, Budget, Muon, train_network


@pytest.mark.parametrize("optimiser", [SGD(2e-2, 0.99), AdamW(1e-2), Muon(0.05)], ids=["sgd", "adam_w", "muon"])
def test_energy_falls_on_a_toy(optimiser):
    energies = []
    wide = replace(CONFIG, first_width=8)
    watch = [lambda state, _: energies.append(state.energy)]
    train_network(fresh(optimiser, wide), batches(), ENERGY, plan(60, optimiser.learning_rate), watch)
    assert np.mean(energies[-10:]) < 0.8 * np.mean(energies[:5])


def test_momentum_is_the_sum_of_past_gradients_weighted_by_powers_of_it():
    """Paper, section 3: with momentum 0.99 many of the samples seen before take part in an update."""
    rate, steps = 1e-3, 4
    state, by_hand = fresh(SGD(rate, 0.99)), fresh(SGD(rate, 0.99))
    train_network(state, batches(), ENERGY, plan(steps, rate, clip_norm=None))

    memory = {name: torch.zeros_like(w) for name, w in by_hand.net.named_parameters()}
    for step, batch in zip(range(steps), batches(), strict=False):
        torch.manual_seed(step)  # the seed of a plan is 0 here
        by_hand.net.zero_grad()
        ENERGY(by_hand.net.train()(batch.images), batch.classes, batch.weights).backward()
        with torch.no_grad():
            for name, w in by_hand.net.named_parameters():
                memory[name] = 0.99 * memory[name] + w.grad
                w.sub_(rate * memory[name])

    for name, w in state.net.named_parameters():
        torch.testing.assert_close(w, by_hand.net.get_parameter(name), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(state.optimiser.state[w]["momentum_buffer"], memory[name], rtol=1e-3, atol=1e-6)


def with_bad_steps(bad: set[int], value: float):
    for step, batch in enumerate(batches()):
        weights = torch.full_like(batch.weights, value) if step in bad else batch.weights
        yield Batch(batch.images, batch.classes, weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_step_whose_energy_is_not_finite_is_not_applied(value):
    seen = {}

    def look(state, _):
        seen[state.step] = (weights_of(state.net), state.skipped)

    train_network(fresh(AdamW()), with_bad_steps({2, 3}, value), ENERGY, plan(6), [look])
    assert [seen[step][1] for step in range(1, 7)] == [0, 0, 1, 2, 0, 0]
    for name, weight in seen[2][0].items():
        np.testing.assert_array_equal(weight, seen[4][0][name])
        assert np.isfinite(seen[6][0][name]).all()
    assert any((seen[4][0][name] != seen[5][0][name]).any() for name in seen[4][0])


def test_twenty_bad_steps_in_a_row_end_training_with_the_last_good_weights():
    state = fresh(AdamW())
    good = {}

    def look(state, _):
        if state.step == 5:
            good.update(weights_of(state.net))

    with pytest.raises(TrainingError, match=r"20 steps .*step 24.*learning_rate"):
        train_network(state, with_bad_steps(set(range(5, 100)), float("nan")), ENERGY, plan(100), [look])
    for name, weight in weights_of(state.net).items():
        np.testing.assert_array_equal(weight, good[name])


def test_nineteen_bad_steps_are_survived():
    assert train_network(fresh(AdamW()), with_bad_steps(set(range(1, 20)), float("nan")), ENERGY, plan(22)).step == 22


def test_the_learning_rate_follows_the_schedule():
    rates = []
    settings = plan(10, 0.1, warm_up=0.2, decay=True)
    train_network(fresh(SGD()), batches(), ENERGY, settings, [lambda s, _: rates.append(s.optimiser.param_groups[0]["lr"])])
    assert rates == pytest.approx([0.1 * settings.schedule.factor(step / 10) for step in range(10)])


def test_gradients_are_clipped_to_the_norm_and_not_without_one():
    def moved(clip_norm):
        state = fresh(SGD(1.0, 0.0))
        before = weights_of(state.net)
        train_network(state, batches(), ENERGY, plan(1, 1.0, clip_norm))
        return np.sqrt(sum(float(((w - before[name]) ** 2).sum()) for name, w in weights_of(state.net).items()))

    assert moved(1e-3) == pytest.approx(1e-3, rel=1e-2)
    assert moved(None) > 1e-2


def test_the_callers_random_numbers_stay_as_they_were():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train_network(fresh(AdamW()), batches(), ENERGY, plan(3))
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_drop_out_is_a_function_of_seed_and_step():
    def after(steps: int, seed: int, disturb: bool = False) -> np.ndarray:
        if disturb:
            torch.rand(17)  # whatever the caller drew before
        state = train_network(fresh(AdamW()), batches(), ENERGY, plan(steps, seed=seed))
        return weights_of(state.net)["classify.weight"]

    np.testing.assert_array_equal(after(3, 0), after(3, 0, disturb=True))
    assert (after(3, 0) != after(3, 1)).any()
    assert CONFIG.dropout > 0


def test_observers_see_every_step_in_order_and_time_runs_forward():
    calls = []
    train_network(fresh(AdamW()), batches(), ENERGY, plan(3), [
        lambda s, p: calls.append(("first", s.step, p, s.seconds)),
        lambda s, p: calls.append(("second", s.step, p, s.seconds)),
    ])  # fmt: skip
    assert [call[:3] for call in calls[::2]] == [("first", n, n / 3) for n in (1, 2, 3)]
    assert [call[0] for call in calls] == ["first", "second"] * 3
    seconds = [call[3] for call in calls]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_a_used_up_budget_trains_nothing():
    state = fresh(AdamW())
    state.step = 5
    assert train_network(state, iter(()), ENERGY, plan(5)).step == 5


def test_time_of_earlier_sessions_counts():
    state = fresh(AdamW())
    state.seconds = 61.0
    settings = plan(5)
    minute = type(settings)(**{**vars(settings), "budget": Budget(None, 1.0)})
    assert train_network(state, iter(()), ENERGY, minute).step == 0


def test_budgets_that_cannot_be():
    assert Budget(10, 1.0).progress(2, 30.0) == 0.5
    assert Budget(10, 1.0).progress(8, 30.0) == 0.8
    with pytest.raises(SettingsError, match=r"training.steps = 0"):
        Budget(0, None)
    with pytest.raises(SettingsError, match=r"steps nor minutes"):
        Budget(None, None)


def test_the_state_has_the_share_of_foreground_that_the_network_gave():
    state, shares = fresh(SGD(1e-6, 0.0)), []
    for bias in ([0.0, 50.0], [50.0, 0.0]):
        state.net.classify.bias.data.copy_(torch.tensor(bias))
        train_network(state, batches(state.step), ENERGY, plan(state.step + 1, 1e-6))
        shares.append(state.foreground)
    assert shares == [1.0, 0.0]
