import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from reference.toy import CONFIG, ENERGY, batches, fresh, plan, weights_of
from unseam.errors import ModelFileError
from unseam.io import write_bytes_whole
from unseam.nets import UNetConfig
from unseam.training import SGD, AdamW, TrainState, train
from unseam.training.observers import Score, Validate, load_checkpoint, save_checkpoint

OPTIMISERS = [SGD(1e-2, 0.99), SGD(1e-2, 0.0), AdamW(1e-2)]
IDS = ["momentum", "plain", "adam_w"]


def a_score(net: torch.nn.Module) -> Score:
    return Score(float(net.classify.weight.detach().abs().mean()), 0.5)


def trained(optimiser, steps: int, total: int, path: Path | None = None) -> TrainState:
    """A run of ``total`` steps, stopped after ``steps`` of them, its state written to a file."""
    state, validate = fresh(optimiser), Validate(a_score, 4)
    settings = plan(total, warm_up=0.2, decay=True)

    def kill(state, _):
        if state.step == steps:
            raise InterruptedError

    with contextlib.suppress(InterruptedError):
        train(state, batches(), ENERGY, settings, [validate, kill])
    if path is not None:
        save_checkpoint(path, state, validate, write_bytes_whole)
    return state


def resumed(optimiser, total: int, path: Path, forget: bool = False) -> tuple[TrainState, Validate]:
    state, validate = fresh(optimiser), Validate(a_score, 4)
    load_checkpoint(path, state, validate)
    if forget:
        state.optimiser.state.clear()
    validate.begin(state.step / total)
    train(state, batches(state.step), ENERGY, plan(total, warm_up=0.2, decay=True), [validate])
    return state, validate


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=IDS)
def test_killed_and_resumed_is_bit_for_bit_the_run_without_a_break(optimiser, tmp_path):
    whole = trained(optimiser, 20, 20)
    assert trained(optimiser, 10, 20, tmp_path / "c.safetensors").step == 10
    again, _ = resumed(optimiser, 20, tmp_path / "c.safetensors")
    assert again.step == 20
    for name, weight in weights_of(whole.net).items():
        np.testing.assert_array_equal(weights_of(again.net)[name], weight)


@pytest.mark.parametrize("optimiser", [OPTIMISERS[0], OPTIMISERS[2]], ids=["momentum", "adam_w"])
def test_without_the_optimisers_memory_it_would_be_another_run(optimiser, tmp_path):
    """The negative control: the test above can fail."""
    whole = trained(optimiser, 20, 20)
    trained(optimiser, 10, 20, tmp_path / "c.safetensors")
    again, _ = resumed(optimiser, 20, tmp_path / "c.safetensors", forget=True)
    assert any((weights_of(again.net)[name] != weight).any() for name, weight in weights_of(whole.net).items())


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=IDS)
def test_memory_comes_back_in_the_order_of_storage_of_its_weights(optimiser, tmp_path):
    """Fused optimisers walk both in the order of storage; contiguous memory of channels-last weights got scrambled."""
    before = trained(optimiser, 3, 20, tmp_path / "c.safetensors")
    state = fresh(optimiser)
    load_checkpoint(tmp_path / "c.safetensors", state, Validate(None, 1))
    for old, new in zip(before.net.parameters(), state.net.parameters(), strict=True):
        torch.testing.assert_close(old, new, rtol=0, atol=0)
        for name, value in before.optimiser.state[old].items():
            if isinstance(value, torch.Tensor):
                assert state.optimiser.state[new][name].stride() == value.stride()
                torch.testing.assert_close(state.optimiser.state[new][name], value, rtol=0, atol=0)


def test_records_best_weights_and_time_come_back(tmp_path):
    path = tmp_path / "c.safetensors"
    state, validate = fresh(AdamW()), Validate(a_score, 4)
    train(state, batches(), ENERGY, plan(8), [validate])
    save_checkpoint(path, state, validate, write_bytes_whole)
    again, seen = fresh(AdamW()), Validate(a_score, 4)
    load_checkpoint(path, again, seen)
    assert (again.step, again.seconds) == (state.step, state.seconds)
    assert seen.records == validate.records
    assert seen.best == validate.best
    for name, weight in validate.best_weights.items():
        torch.testing.assert_close(seen.best_weights[name], weight, rtol=0, atol=0)


def test_records_without_a_score_come_back(tmp_path):
    state, validate = fresh(AdamW()), Validate(None, 2)
    train(state, batches(), ENERGY, plan(2), [validate])
    save_checkpoint(tmp_path / "c.safetensors", state, validate, write_bytes_whole)
    again = Validate(None, 2)
    load_checkpoint(tmp_path / "c.safetensors", fresh(AdamW()), again)
    assert [r.step for r in again.records] == [1, 2]
    assert again.best.step == 2
    assert again.best_weights is not None


def edited(data: bytes, change) -> bytes:
    """The file with a change to our JSON in its header."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    about = json.loads(header["__metadata__"]["unseam"])
    change(about)
    header["__metadata__"]["unseam"] = json.dumps(about)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "c.safetensors"
    trained(AdamW(), 2, 20, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"x" * 100, id="no safetensors"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut short"),
        pytest.param(lambda data: edited(data, lambda about: about.pop("step")), id="no step"),
        pytest.param(lambda data: edited(data, lambda about: about.update(step="many")), id="step in words"),
        pytest.param(lambda data: edited(data, lambda about: about.update(step=float("inf"))), id="step infinite"),
        pytest.param(lambda data: edited(data, lambda about: about.update(format="another 9")), id="other format"),
        pytest.param(lambda data: edited(data, lambda about: about.update(records=[1, 2])), id="records are numbers"),
        pytest.param(lambda data: edited(data, lambda about: about.update(records=None)), id="no records"),
        pytest.param(lambda data: edited(data, lambda about: about.pop("trained_on")), id="no word on the data"),
        pytest.param(lambda data: edited(data, lambda about: about.update(optimiser_numbers=[1])), id="bad memory"),
        pytest.param(
            lambda data: edited(data, lambda about: about.update(optimiser_numbers={"99.step": 1.0})),
            id="memory of a weight that is not there",
        ),
    ],
)
def test_damage_is_one_kind_of_error(damage, checkpoint, tmp_path):
    path = tmp_path / "c.safetensors"
    path.write_bytes(damage(checkpoint))
    with pytest.raises(ModelFileError, match=r"c\.safetensors: not a checkpoint.*--resume"):
        load_checkpoint(path, fresh(AdamW()), Validate(None, 1))


def test_a_model_file_is_no_checkpoint(tmp_path):
    from unseam.model_file import ModelInfo, save_model

    save_model(tmp_path / "m.safetensors", CONFIG.build(), ModelInfo(net=CONFIG))
    with pytest.raises(ModelFileError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "m.safetensors", fresh(AdamW()), Validate(None, 1))


def test_no_file():
    with pytest.raises(ModelFileError, match="not a checkpoint"):
        load_checkpoint(Path("nowhere.safetensors"), fresh(AdamW()), Validate(None, 1))


def test_another_network_is_refused_in_one_short_line(tmp_path, checkpoint):
    path = tmp_path / "c.safetensors"
    path.write_bytes(checkpoint)
    with pytest.raises(ModelFileError) as caught:
        load_checkpoint(path, fresh(AdamW(), UNetConfig(first_width=3, depth=2)), Validate(None, 1))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_another_optimiser_is_refused(tmp_path, checkpoint):
    path = tmp_path / "c.safetensors"
    path.write_bytes(checkpoint)
    with pytest.raises(ModelFileError, match="train with the settings it was begun with"):
        load_checkpoint(path, fresh(SGD()), Validate(None, 1))


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (("image a", "image b"), ("image a", "image c"), r"begun with other data.*before: image b\. now: image c\)"),
        (("image a",), ("image a", "image b"), r"\(now: image b\)"),
        (("image a", "held out of a: rows 0-2"), ("image a",), r"\(before: held out of a: rows 0-2\)"),
        (("a", "b", "c", "d"), ("d",), r"\(before: a; b; and 1 more\)"),
        (("a", "b"), ("b", "a"), r"another order"),
    ],
)
def test_a_run_goes_on_with_the_same_data_only(before, now, message, tmp_path):
    path, state = tmp_path / "c.safetensors", fresh(AdamW())
    save_checkpoint(path, state, Validate(a_score, 4), write_bytes_whole, before)
    load_checkpoint(path, fresh(AdamW()), Validate(a_score, 4), before)
    with pytest.raises(ModelFileError, match=message + r".*training\.seed.*--resume"):
        load_checkpoint(path, fresh(AdamW()), Validate(a_score, 4), now)
