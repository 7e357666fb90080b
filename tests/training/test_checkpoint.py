import contextlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reference.toy import CONFIG, ENERGY, batches, fresh, plan, weights_of
from unseam.errors import ModelFileError, TrainingError
from unseam.nets import UNetConfig
from unseam.runs.checkpoints import Checkpoints
from unseam.training import SGD, AdamW, Muon, TrainState, train_network
from unseam.training.observers import Validate, ValidationScore, checkpoint_files, restore_checkpoint

OPTIMISERS = [SGD(1e-2, 0.99), SGD(1e-2, 0.0), AdamW(1e-2), Muon()]
IDS = ["momentum", "plain", "adam_w", "muon"]


NORMALISED = {"config": replace(CONFIG, normalisation="batch"), "average": 0.9}
"""A network with stored statistics and a running average: both are part of the state."""


def a_score(state: TrainState) -> ValidationScore:
    return ValidationScore(float(state.judged.classify.weight.detach().abs().mean()), 0.5)


def trained(optimiser, steps: int, total: int, path: Path | None = None, **more) -> TrainState:
    """Train ``steps`` of ``total`` steps, and write the state to files."""
    state, validate = fresh(optimiser, **more), Validate(a_score, 4)
    settings = plan(total, warm_up=0.2, decay=True)

    def kill(state, _):
        if state.step == steps:
            raise InterruptedError

    with contextlib.suppress(InterruptedError):
        train_network(state, batches(), ENERGY, settings, [validate, kill])
    if path is not None:
        Checkpoints(path).save(state, validate)
    return state


def resumed(optimiser, total: int, path: Path, forget: bool = False, **more) -> tuple[TrainState, Validate]:
    state, validate = fresh(optimiser, **more), Validate(a_score, 4)
    assert Checkpoints(path).load(state, validate)
    if forget:
        state.optimiser.state.clear()
    validate.begin(state.step / total)
    train_network(state, batches(state.step), ENERGY, plan(total, warm_up=0.2, decay=True), [validate])
    return state, validate


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=IDS)
def test_killed_and_resumed_is_bit_for_bit_the_run_without_a_break(optimiser, tmp_path):
    whole = trained(optimiser, 20, 20)
    assert trained(optimiser, 10, 20, tmp_path / "c").step == 10
    again, _ = resumed(optimiser, 20, tmp_path / "c")
    assert again.step == 20
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)


@pytest.mark.parametrize("killed_at", [1, 10, 19])
def test_statistics_and_averaged_weights_go_on_bit_for_bit(killed_at, tmp_path):
    whole = trained(AdamW(1e-2), 20, 20, **NORMALISED)
    trained(AdamW(1e-2), killed_at, 20, tmp_path / "c", **NORMALISED)
    again, _ = resumed(AdamW(1e-2), 20, tmp_path / "c", **NORMALISED)
    for net in ("net", "judged"):
        before, after = weights_of(getattr(whole, net)), weights_of(getattr(again, net))
        assert any(name.endswith("variance") for name in before)
        for name, weight in before.items():
            np.testing.assert_array_equal(after[name], weight)
    assert any((weights_of(whole.net)[name] != weight).any() for name, weight in weights_of(whole.judged).items())


def test_a_run_that_averages_only_from_now_on_begins_with_the_weights_that_it_has(tmp_path):
    before = trained(AdamW(1e-2), 10, 20, tmp_path / "c")
    state = fresh(AdamW(1e-2), average=0.9)
    Checkpoints(tmp_path / "c").load(state, Validate(a_score, 4))
    for name, weight in weights_of(before.net).items():
        np.testing.assert_array_equal(weights_of(state.judged)[name], weight)


@pytest.mark.parametrize("optimiser", [OPTIMISERS[0], OPTIMISERS[2]], ids=["momentum", "adam_w"])
def test_without_the_optimisers_memory_it_would_be_another_run(optimiser, tmp_path):
    """The negative control: the test above can fail."""
    whole = trained(optimiser, 20, 20)
    trained(optimiser, 10, 20, tmp_path / "c")
    again, _ = resumed(optimiser, 20, tmp_path / "c", forget=True)
    assert any((weights_of(again.net)[name] != weight).any() for name, weight in weights_of(whole.net).items())


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=IDS)
def test_memory_comes_back_in_the_order_of_storage_of_its_weights(optimiser, tmp_path):
    """Fused optimisers step through both in the order of storage; contiguous memory of channels-last weights was scrambled."""
    before = trained(optimiser, 3, 20, tmp_path / "c")
    state = fresh(optimiser)
    Checkpoints(tmp_path / "c").load(state, Validate(None, 1))
    for old, new in zip(before.net.parameters(), state.net.parameters(), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=0)
        for name, value in before.optimiser.state[old].items():
            if isinstance(value, torch.Tensor):
                assert state.optimiser.state[new][name].stride() == value.stride()
                torch.testing.assert_close(state.optimiser.state[new][name], value, rtol=0, atol=0)


def test_records_best_weights_and_time_come_back(tmp_path):
    path = tmp_path / "c"
    state, validate = fresh(AdamW()), Validate(a_score, 4)
    train_network(state, batches(), ENERGY, plan(8), [validate])
    Checkpoints(path).save(state, validate)
    again, seen = fresh(AdamW()), Validate(a_score, 4)
    Checkpoints(path).load(again, seen)
    assert (again.step, again.seconds) == (state.step, state.seconds)
    assert seen.records == validate.records
    assert seen.best == validate.best
    for name, weight in validate.best_weights.items():
        torch.testing.assert_close(seen.best_weights[name], weight, rtol=0, atol=0)


def test_records_without_a_score_come_back(tmp_path):
    state, validate = fresh(AdamW()), Validate(None, 2)
    train_network(state, batches(), ENERGY, plan(2), [validate])
    Checkpoints(tmp_path / "c").save(state, validate)
    again = Validate(None, 2)
    Checkpoints(tmp_path / "c").load(fresh(AdamW()), again)
    assert [r.step for r in again.records] == [1, 2]
    assert again.best.step == 2
    assert again.best_weights is not None


def edited(files: dict[str, bytes], change) -> dict[str, bytes]:
    """Return the files with a change to their JSON."""
    about = json.loads(files["state.json"])
    change(about)
    return files | {"state.json": json.dumps(about).encode()}


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, bytes]:
    return dict(checkpoint_files(trained(AdamW(), 2, 20), Validate(None, 1)))


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {other: data for other, data in files.items() if other != name}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda files: {}, id="empty"),
        pytest.param(lambda files: files | {"state.json": b"x" * 100}, id="no JSON"),
        pytest.param(lambda files: files | {"weights.safetensors": b"x" * 100}, id="no safetensors"),
        pytest.param(lambda files: without(files, "weights.safetensors"), id="no weights"),
        pytest.param(lambda files: without(files, "optimiser.safetensors"), id="no memory"),
        pytest.param(lambda files: edited(files, lambda about: about["state"].pop("step")), id="no step"),
        pytest.param(lambda files: edited(files, lambda about: about["state"].update(step="many")), id="step in words"),
        pytest.param(lambda files: edited(files, lambda about: about["state"].update(step=float("inf"))), id="step infinite"),
        pytest.param(lambda files: edited(files, lambda about: about.update(format="another 9")), id="other format"),
        pytest.param(lambda files: edited(files, lambda about: about.update(records=[1, 2])), id="records are numbers"),
        pytest.param(lambda files: edited(files, lambda about: about.update(records=None)), id="no records"),
        pytest.param(lambda files: edited(files, lambda about: about.pop("trained_on")), id="no word on the data"),
        pytest.param(lambda files: edited(files, lambda about: about.update(optimiser_numbers=[1])), id="bad memory"),
        pytest.param(lambda files: edited(files, lambda about: about.update(best_weights="other")), id="best weights nowhere"),
        pytest.param(
            lambda files: edited(files, lambda about: about.update(optimiser_numbers={"99.step": 1.0})),
            id="memory of a weight that is not there",
        ),
    ],
)
def test_damage_is_one_kind_of_error(damage, checkpoint):
    with pytest.raises(ModelFileError, match=r"^c: .*--resume"):
        restore_checkpoint(Path("c"), damage(checkpoint), fresh(AdamW()), Validate(None, 1))


def test_another_network_is_refused_in_one_short_line(checkpoint):
    with pytest.raises(ModelFileError) as caught:
        restore_checkpoint(Path("c"), checkpoint, fresh(AdamW(), UNetConfig(first_width=3, depth=2)), Validate(None, 1))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_another_optimiser_is_refused(checkpoint):
    with pytest.raises(ModelFileError, match="--resume"):
        restore_checkpoint(Path("c"), checkpoint, fresh(SGD()), Validate(None, 1))


def test_the_history_goes_on_as_if_there_had_been_no_stop_between_two_lines(tmp_path):
    whole = Validate(a_score, 4)
    train_network(fresh(AdamW()), batches(), ENERGY, plan(8), [whole])
    state, validate = fresh(AdamW()), Validate(a_score, 4)

    def stop(state, _):
        if state.step == 3:
            raise InterruptedError

    with contextlib.suppress(InterruptedError):
        train_network(state, batches(), ENERGY, plan(8), [validate, stop])
    Checkpoints(tmp_path / "c").save(state, validate)
    again, seen = fresh(AdamW()), Validate(a_score, 4)
    Checkpoints(tmp_path / "c").load(again, seen)
    seen.begin(again.step / 8)
    train_network(again, batches(again.step), ENERGY, plan(8), [seen])
    assert [(r.step, r.energy) for r in seen.records] == [(r.step, r.energy) for r in whole.records]


def test_best_weights_are_written_twice_only_if_they_are_others():
    state, validate = fresh(AdamW()), Validate(None, 1)
    train_network(state, batches(), ENERGY, plan(1), [validate])
    names = [name for name, _ in checkpoint_files(state, validate)]
    assert names == ["weights.safetensors", "optimiser.safetensors", "state.json"]
    state.net.classify.bias.data += 1
    assert "best.safetensors" in dict(checkpoint_files(state, validate))


def test_best_weights_that_are_the_averaged_ones_are_written_once():
    state, validate = fresh(AdamW(), **NORMALISED), Validate(None, 1)
    train_network(state, batches(), ENERGY, plan(1), [validate])
    files = dict(checkpoint_files(state, validate))
    assert list(files) == ["weights.safetensors", "optimiser.safetensors", "averaged.safetensors", "state.json"]
    again = Validate(None, 1)
    restore_checkpoint(Path("c"), files, fresh(AdamW(), **NORMALISED), again)
    for name, weight in weights_of(state.judged).items():
        np.testing.assert_array_equal(again.best_weights[name].numpy(), weight)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("place", ["weights", "memory", "best", "averaged"])
def test_nothing_that_is_not_finite_is_written(place, value, tmp_path):
    """The last number of any tensor counts; the previous checkpoint stays."""
    average = 0.9 if place == "averaged" else None
    store, state, validate = Checkpoints(tmp_path / "c"), fresh(AdamW(), average=average), Validate(None, 1)
    train_network(state, batches(), ENERGY, plan(1), [validate])
    store.save(state, validate)
    train_network(state, batches(1), ENERGY, plan(2))
    last = {
        "weights": state.net.classify.bias.data,
        "memory": state.optimiser.state[state.net.classify.bias]["exp_avg"],
        "best": validate.best_weights["classify.bias"],
        "averaged": state.judged.classify.bias.data,
    }
    last[place][-1] = value
    with pytest.raises(TrainingError, match=r"step 2 .*optimiser\.learning_rate"):
        store.save(state, validate)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-000001"]
    again = fresh(AdamW())
    assert store.load(again, Validate(None, 1))
    assert again.step == 1


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (("image a", "image b"), ("image a", "image c"), r"other data.*before: image b\. now: image c\)"),
        (("image a",), ("image a", "image b"), r"\(now: image b\)"),
        (("image a", "held out of a: rows 0-2"), ("image a",), r"\(before: held out of a: rows 0-2\)"),
        (("a", "b", "c", "d"), ("d",), r"\(before: a; b; and 1 more\)"),
        (("a", "b"), ("b", "a"), r"another order"),
    ],
)
def test_a_run_goes_on_with_the_same_data_only(before, now, message):
    files = dict(checkpoint_files(fresh(AdamW()), Validate(a_score, 4), before))
    restore_checkpoint(Path("c"), files, fresh(AdamW()), Validate(a_score, 4), before)
    with pytest.raises(ModelFileError, match=message + r".*training\.seed.*--resume"):
        restore_checkpoint(Path("c"), files, fresh(AdamW()), Validate(a_score, 4), now)
