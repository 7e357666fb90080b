"""Signals that the program handles wait for the end of a step."""

import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

from reference.toy import ENERGY, batches, fresh, plan, weights_of
from unseam.training import SGD, Budget, train_network
from unseam.training import state as training_state
from unseam.training.stop import AtStepEnd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")


@pytest.fixture(autouse=True)
def listening():
    """Handle Ctrl-C: a shell that runs the tests in the background may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_in(step: int, where: str):
    """Press Ctrl-C while the batch of a step is made, or while its energy is computed."""
    state = fresh(SGD())

    def given():
        for index, batch in enumerate(batches()):
            if index == step and where == "batch":
                signal.raise_signal(signal.SIGINT)
            yield batch

    def energy_of(*parts):
        if state.step == step and where == "energy":
            signal.raise_signal(signal.SIGINT)
        return ENERGY(*parts)

    with pytest.raises(KeyboardInterrupt), AtStepEnd() as stop:
        train_network(state, given(), energy_of, plan(10), (), stop)
    return state


@pytest.mark.parametrize("where", ["batch", "energy"])
def test_the_step_is_finished(where):
    state = interrupted_in(3, where)
    assert state.step == 4
    whole = train_network(fresh(SGD()), batches(), ENERGY, plan(10, decay=False))
    stopped = train_network(state, batches(4), ENERGY, plan(10, decay=False))
    for name, weights in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights, weights_of(stopped.net)[name])


def test_the_second_does_not_wait():
    reached = []

    def hang():
        signal.raise_signal(signal.SIGINT)
        reached.append("after the first")
        signal.raise_signal(signal.SIGINT)
        reached.append("after the second")

    with pytest.raises(KeyboardInterrupt), AtStepEnd():
        hang()
    assert reached == ["after the first"]


@pytest.mark.parametrize("step", [0, 1])
def test_before_the_first_step_is_done_nothing_waits(step):
    state, reached = fresh(SGD()), []
    state.step = step

    def a_step():
        signal.raise_signal(signal.SIGINT)
        reached.append("the end of the step")

    with pytest.raises(KeyboardInterrupt), AtStepEnd(state=state):
        a_step()
    assert reached == ["the end of the step"] * step


def test_one_after_the_last_step_is_not_forgotten():
    with pytest.raises(KeyboardInterrupt), AtStepEnd():
        signal.raise_signal(signal.SIGINT)


def test_all_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with AtStepEnd():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a job in the background
    try:
        with AtStepEnd():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_may_train():
    failed = []

    def work():
        try:
            with AtStepEnd() as stop:
                train_network(fresh(SGD()), batches(), ENERGY, plan(1), (), stop)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed


def test_a_program_stops_it_after_the_step_that_it_names():
    state = fresh(SGD())
    with AtStepEnd(state=state, should_stop=lambda: state.step >= 3) as stop:
        train_network(state, batches(), ENERGY, plan(10, decay=False), (), stop)
    assert (state.step, stop.has_stopped) == (3, True)
    whole = train_network(fresh(SGD()), batches(), ENERGY, plan(10, decay=False))
    continued = train_network(state, batches(3), ENERGY, plan(10, decay=False))
    for name, weights in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights, weights_of(continued.net)[name])


def test_a_training_that_ends_by_its_budget_was_not_stopped():
    with AtStepEnd() as stop:
        assert train_network(fresh(SGD()), batches(), ENERGY, plan(2), (), stop).step == 2
    assert not stop.has_stopped


def test_a_handler_that_raises_nothing_lets_training_continue():
    """A program may note SIGTERM and decide later."""
    came, state = [], fresh(SGD())
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(state.step))

    def look(state, progress):
        if state.step == 2:
            signal.raise_signal(signal.SIGTERM)

    try:
        with AtStepEnd(state=state) as stop:
            train_network(state, batches(), ENERGY, plan(4), [look], stop)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (state.step, came, stop.has_stopped) == (4, [2], False)


def test_observers_see_the_last_step_before_it_stops():
    seen, state = [], fresh(SGD())
    train_network(state, batches(), ENERGY, plan(10), [lambda s, _: seen.append(s.step)], lambda s, _: s.step == 3)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_a_clock_that_is_set_while_it_trains_changes_no_budget(jump, monkeypatch):
    """The clock of a budget in minutes only goes forward."""
    ticks = iter(np.arange(0, 1000, 1.5))
    monkeypatch.setattr("unseam.training.loop.monotonic", lambda: float(next(ticks)))
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + jump)
    minutes = plan(10**6)
    object.__setattr__(minutes, "budget", Budget(None, 0.5))
    state = train_network(fresh(SGD()), batches(), ENERGY, minutes, [])
    assert 5 <= state.step <= 20
    assert state.seconds >= 30
    assert training_state.monotonic is time.monotonic
    assert torch.isfinite(next(state.net.parameters())).all()
