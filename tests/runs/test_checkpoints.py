"""Which checkpoint a run resumes from, and what happens to damaged ones."""

import shutil

import pytest
import torch

from reference.toy import ENERGY, batches, fresh, plan
from torture.disk_calls import watched
from unseam.errors import ModelFileError
from unseam.runs.checkpoints import Checkpoints
from unseam.training import AdamW, train_network
from unseam.training.observers import Validate


@pytest.fixture
def store(tmp_path):
    """Save checkpoints of the steps 1 to 4; the last two are kept."""
    store, state, validate = Checkpoints(tmp_path / "c"), fresh(AdamW()), Validate(None, 1)
    for step in range(1, 5):
        train_network(state, batches(state.step), ENERGY, plan(step))
        store.save(state, validate, ["a"])
    return store


def names(store: Checkpoints) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def resumed_step(store: Checkpoints, messages: list[str] | None = None) -> int:
    state = fresh(AdamW())
    assert store.load(state, Validate(None, 1), ["a"], messages.append if messages is not None else pytest.fail)
    return state.step


def damage(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_last_two_are_kept_and_the_newest_is_used(store):
    assert names(store) == ["step-000003", "step-000004"]
    assert resumed_step(store) == 4


def test_none_at_all(tmp_path):
    assert not Checkpoints(tmp_path / "c").load(fresh(AdamW()), Validate(None, 1))
    assert not Checkpoints(tmp_path / "c").exist()


def test_newest_is_told_by_step_not_by_time_or_by_the_number_of_digits(store):
    shutil.rmtree(store.folder / "step-000003")
    state = fresh(AdamW())
    state.step = 1_234_567
    store.save(state, Validate(None, 1), ["a"])
    (store.folder / "step-000004" / "state.json").touch()
    assert resumed_step(store) == 1_234_567


@pytest.mark.parametrize("name", ["weights.safetensors", "optimiser.safetensors", "state.json", "MANIFEST.json"])
@pytest.mark.parametrize("how", ["one bit", "cut", "longer", "gone", "a folder"])
def test_a_damaged_one_is_said_and_the_one_before_is_used(how, name, store):
    path = store.folder / "step-000004" / name
    if how == "one bit":
        damage(path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "longer":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        path.unlink()
        if how == "a folder":
            path.mkdir()
    messages: list[str] = []
    assert resumed_step(store, messages) == 3
    assert len(messages) == 1
    assert name in messages[0]
    assert "step 3 is used" in messages[0]


def test_a_renamed_one_is_not_taken_for_newer(store):
    shutil.copytree(store.folder / "step-000003", store.folder / "step-000009")
    messages: list[str] = []
    assert resumed_step(store, messages) == 4
    assert "step 3" in messages[0]


def test_with_all_damaged_it_does_not_begin_anew(store):
    for folder in store.folder.iterdir():
        damage(folder / "weights.safetensors")
    with pytest.raises(ModelFileError, match=r"no checkpoint.*000004.*000003.*--resume"):
        store.load(fresh(AdamW()), Validate(None, 1), ["a"])


def test_a_damaged_one_is_replaced_when_its_step_comes_again(store):
    damage(store.folder / "step-000004" / "weights.safetensors")
    state, messages = fresh(AdamW()), []
    store.load(state, Validate(None, 1), ["a"], messages.append)
    train_network(state, batches(3), ENERGY, plan(4))
    store.save(state, Validate(None, 1), ["a"])
    assert names(store) == ["step-000003", "step-000004"]
    assert resumed_step(store) == 4


def test_one_of_a_future_that_was_given_up_goes(store):
    damage(store.folder / "step-000004" / "weights.safetensors")
    state, messages = fresh(AdamW()), []
    store.load(state, Validate(None, 1), ["a"], messages.append)
    store.save(state, Validate(None, 1), ["a"])
    assert names(store) == ["step-000003"]


def test_one_of_another_run_is_refused_and_none_before_it_is_tried(store):
    with pytest.raises(ModelFileError, match="other data"):
        store.load(fresh(AdamW()), Validate(None, 1), ["b"])


def test_what_killed_writers_left_is_swept(store):
    unfinished = store.folder / ".unseam-0123456789abcdef.tmp"
    unfinished.mkdir()
    (unfinished / "weights.safetensors").write_bytes(b"half")
    assert resumed_step(store) == 4
    assert not unfinished.exists()


def test_numbers_of_the_state_come_back(tmp_path):
    state = fresh(AdamW())
    state.step, state.seconds, state.skipped = 5, 1.25, 3
    Checkpoints(tmp_path).save(state, Validate(None, 1))
    again = fresh(AdamW())
    Checkpoints(tmp_path).load(again, Validate(None, 1))
    assert (again.step, again.seconds, again.skipped) == (5, 1.25, 3)
    assert all(torch.equal(a, b) for a, b in zip(state.net.parameters(), again.net.parameters(), strict=True))


class Killed(BaseException):
    """Stands for SIGKILL. No code handles it."""


def kill_at_second_rename():
    """After this call the process makes no further call to the disk."""
    seen = []

    def kill(_: int, name: str) -> None:
        seen.append(name)
        if seen.count("rename") >= 2:
            raise Killed

    return kill


def test_killed_between_the_newest_and_the_removal_of_the_oldest(store):
    state = fresh(AdamW())
    store.load(state, Validate(None, 1), ["a"])
    train_network(state, batches(4), ENERGY, plan(5))
    with pytest.raises(Killed), watched(kill_at_second_rename()):
        store.save(state, Validate(None, 1), ["a"])
    assert names(store) == ["step-000003", "step-000004", "step-000005"]
    assert resumed_step(store) == 5
    assert names(store) == ["step-000004", "step-000005"]


def test_going_on_removes_none_that_is_damaged_and_newer(store):
    """It may only be unreadable for the moment. It goes when its step is saved again."""
    damage(store.folder / "step-000004" / "weights.safetensors")
    assert resumed_step(store, []) == 3
    assert names(store) == ["step-000003", "step-000004"]


def test_one_of_another_run_removes_nothing(store):
    shutil.copytree(store.folder / "step-000003", store.folder / "step-000001")
    with pytest.raises(ModelFileError, match="other data"):
        store.load(fresh(AdamW()), Validate(None, 1), ["b"])
    assert names(store) == ["step-000001", "step-000003", "step-000004"]
