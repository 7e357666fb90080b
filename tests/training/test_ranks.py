"""Several processes take the same step as one process with all their crops."""

import os
import re
import signal
import threading
import time
from dataclasses import replace
from time import monotonic

import numpy as np
import pytest
import torch

from reference.group import together
from reference.toy import CONFIG, ENERGY, SMALL, batches, fresh, plan, spots, weights_of
from torture.t01_killed_training import what_came
from torture.trainee import MORE_STATE, SETTINGS, write_data
from unseam.api.training import train
from unseam.augment import Augment
from unseam.data.crops import Crops
from unseam.data.sample import Sample
from unseam.errors import SettingsError
from unseam.geometry import Geometry
from unseam.model.model_file import load_model
from unseam.runs.watch import Watch
from unseam.shapes import IGNORE
from unseam.training import SGD, Ranks
from unseam.training import loop as training_loop
from unseam.training import train_network as train_net
from unseam.training.joining import device_of_rank, join_ranks, launch_id, ranks_here, threads_of_rank, wait_for_ranks
from unseam.training.outcome import measure_outcome


def crops_with_gaps(annotated: tuple[float, float]):
    """Return one crop for each rank, annotated in part."""
    found = []
    for (batch, share), step in zip(zip(batches(), annotated, strict=False), range(2), strict=True):
        chance = torch.rand(batch.classes.shape, generator=torch.Generator().manual_seed(step))
        classes = torch.where(chance < share, batch.classes, torch.tensor(IGNORE, dtype=torch.uint8))
        found.append(replace(batch, classes=classes))
    return found


def gradients(annotated, is_shared, out) -> None:
    ranks = ranks_here()
    batch = crops_with_gaps(annotated)[ranks.rank]
    with join_ranks(ranks, "cpu"):
        net = fresh(SGD(), replace(CONFIG, dropout=0.0)).net.train()
        forward = ranks.wrap(net)
        logits = forward(batch.images)
        net.zero_grad()
        energy = ENERGY(logits, batch.classes, batch.weights)
        energy = ranks.share(energy, batch.classes) if is_shared else energy
        energy.backward()
        came = measure_outcome(0, logits.argmax(1), energy, torch.tensor(True), ranks)
    found = {name: w.grad.numpy() for name, w in net.named_parameters()}
    np.savez(out / f"{ranks.rank}.npz", **found, energy=came.energy, pixels=came.num_pixels, foreground=came.num_foreground)


def of_one_process(annotated):
    net = fresh(SGD(), replace(CONFIG, dropout=0.0)).net.train()
    images, classes, weights = (
        torch.cat([getattr(b, part) for b in crops_with_gaps(annotated)]) for part in ("images", "classes", "weights")
    )
    logits = net(images)
    energy = ENERGY(logits, classes, weights)
    energy.backward()
    return {name: w.grad for name, w in net.named_parameters()}, energy.detach(), int(logits.argmax(1).count_nonzero())


@pytest.mark.parametrize("annotated", [(1.0, 1.0), (0.1, 0.9), (0.5, 0.0)], ids=["all", "unequal", "none in one"])
def test_gradients_of_two_are_those_of_one_with_both_crops(annotated, tmp_path):
    assert together(2, gradients, annotated, True, tmp_path) == [0, 0]
    expected, energy, foreground = of_one_process(annotated)
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        for name, gradient in expected.items():
            torch.testing.assert_close(torch.tensor(found[name]), gradient, rtol=1e-5, atol=1e-7)
        assert float(found["energy"]) == pytest.approx(float(energy), rel=1e-6)
        assert int(found["foreground"]) == foreground
        assert int(found["pixels"]) == 2 * 24 * 24


def test_a_plain_mean_of_energies_would_be_another_gradient(tmp_path):
    """The negative control: the test above can fail."""
    assert together(2, gradients, (0.1, 0.9), False, tmp_path) == [0, 0]
    expected, *_ = of_one_process((0.1, 0.9))
    found = np.load(tmp_path / "0.npz")
    assert any(np.abs(found[name] - g.numpy()).max() > 1e-2 * g.abs().max() for name, g in expected.items())


PLAIN = (
    *(*SMALL, "net.unet.dropout=0.0", "training.validations=3", "data.masks=instances"),
    *("net.unet.normalisation=none", "optimiser.adam_w.learning_rate=1e-3"),  # ranks do not share statistics of a batch
)


def train_whole(data, out, batch_size) -> None:
    train(data, out=out, steps=20, device="cpu", settings=[*PLAIN, f"training.batch_size={batch_size}"])


def test_a_run_of_two_ends_like_a_run_of_one_with_twice_the_crops(tmp_path):
    """Up to rounding: Adam divides by the root of squared gradients, so a rounding of 1e-7 grows over 20 steps."""
    data = write_data(tmp_path / "data")
    assert together(2, train_whole, data, tmp_path / "two", 1) == [0, 0]
    assert together(1, train_whole, data, tmp_path / "one", 2) == [0]
    (two, of_two), (one, of_one) = (load_model(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    assert of_two.training.ranks == 2
    assert of_one.training.ranks == 1
    for name, weight in weights_of(one).items():
        np.testing.assert_allclose(weights_of(two)[name], weight, rtol=1e-4, atol=1e-5)


def begin_or_go_on(data, out, killed_at=0, more=()) -> None:
    """``killed_at``: the step at which rank 0, which alone calls observers, ends itself."""

    def look(state, progress):
        if state.step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    is_begun = (out / "config.toml").exists()
    words = {} if is_begun else {"settings": (*SETTINGS, *more), "steps": 60}
    train(data, out=out, device="cpu", resume=is_begun, watch=Watch(observers=(look,)), **words)


@pytest.mark.parametrize("more", [(), MORE_STATE], ids=["plain", "stored statistics and averaged weights"])
def test_three_that_are_killed_go_on_bit_for_bit(more, tmp_path):
    """The statistics are those of rank 0's crops. The rehearsal of a resumed run must not count as one of its batches."""
    data = write_data(tmp_path / "data")
    assert together(3, begin_or_go_on, data, tmp_path / "whole", 0, more) == [0, 0, 0]
    codes = together(3, begin_or_go_on, data, tmp_path / "run", 35, more)
    assert codes[0] == -signal.SIGKILL
    assert None not in codes
    assert 0 not in codes
    assert together(3, begin_or_go_on, data, tmp_path / "run") == [0, 0, 0]
    ours, theirs = what_came(tmp_path / "run"), what_came(tmp_path / "whole")
    assert ours == theirs
    messages = []  # a single process may resume it, and says so
    train(data, out=tmp_path / "run", resume=True, device="cpu", steps=61, watch=Watch(messages.append))
    assert any(sentence.startswith("3 process(es)") and " 1 " in sentence for sentence in messages)


def for_minutes(data, out) -> None:
    """Without asking rank 0, a rank would use its own clock."""
    rank = ranks_here().rank
    training_loop.monotonic = lambda: monotonic() * (0.1 if rank else 1)
    model = train(data, out=out, device="cpu", minutes=0.03, settings=SETTINGS)
    (out.parent / f"{rank}.txt").write_text(str(model.info.training.steps))


def test_a_budget_in_minutes_is_that_of_rank_0(tmp_path):
    data = write_data(tmp_path / "data")
    assert together(2, for_minutes, data, tmp_path / "run") == [0, 0]
    assert (tmp_path / "0.txt").read_text() == (tmp_path / "1.txt").read_text()


def with_a_bad_step(out) -> None:
    ranks, weights = ranks_here(), []

    def given():
        for step, batch in enumerate(batches()):
            bad = torch.full_like(batch.weights, float("nan"))
            yield replace(batch, weights=bad) if (step, ranks.rank) == (1, 1) else batch

    with join_ranks(ranks, "cpu"):
        look = lambda state, _: weights.append((state.skipped, weights_of(state.net)["classify.bias"]))  # noqa: E731
        train_net(fresh(SGD()), given(), ENERGY, replace(plan(4), ranks=ranks), [look])
    np.savez(out / f"{ranks.rank}.npz", *(bias for _, bias in weights), skipped=[number for number, _ in weights])


def test_a_step_that_is_not_finite_for_one_is_taken_by_none(tmp_path):
    assert together(2, with_a_bad_step, tmp_path) == [0, 0]
    ours, theirs = (np.load(tmp_path / f"{rank}.npz") for rank in range(2))
    for name in ours.files:
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert ours["skipped"].tolist() == [0, 1, 0, 0]
    np.testing.assert_array_equal(ours["arr_0"], ours["arr_1"])
    assert (ours["arr_1"] != ours["arr_2"]).any()


def thrice(out) -> None:
    ranks = ranks_here()
    with join_ranks(ranks, "cpu"):
        for name, is_rehearsed in (("rehearsed", False), ("as it is", True)):
            net = fresh(SGD(), replace(CONFIG, dropout=0.0)).net.train()
            forward = ranks.wrap(net)
            forward._is_rehearsed = is_rehearsed
            batch, found = next(batches(ranks.rank)), []
            for _ in range(3):
                logits = forward(batch.images)
                net.zero_grad()
                ENERGY(logits, batch.classes, batch.weights).backward()
                found.append(torch.cat([w.grad.flatten() for w in net.parameters()]).numpy())
            np.savez(out / f"{name}.{ranks.rank}.npz", *found)


def test_the_first_step_of_a_session_rounds_like_all_others(tmp_path):
    """DDP packs gradients again after its first pass, and with three ranks the order of sums depends on that."""
    assert together(3, thrice, tmp_path) == [0, 0, 0]
    first, *others = np.load(tmp_path / "rehearsed.0.npz").values()
    assert all((first == other).all() for other in others)
    first, second, third = np.load(tmp_path / "as it is.0.npz").values()
    assert (first != second).any(), "PyTorch packs in another way now: the rehearsal may go"
    assert (second == third).all()


def stopped_by_one(data, out) -> None:
    from unseam.cli.signals import ending_like_ctrl_c

    ranks = ranks_here()
    with ending_like_ctrl_c():
        model = train(data, out=out, device="cpu", steps=10**6, settings=[*SETTINGS, "training.validations=10000"],
                      watch=Watch(observers=(_asks_rank_1(out),)))  # fmt: skip
    (out.parent / f"{ranks.rank}.txt").write_text(f"{model.info.training.steps} {weights_of(model.net)['classify.bias']}")


def _asks_rank_1(out):
    (out.parent / f"pid{ranks_here().rank}").write_text(str(os.getpid()))

    def look(state, progress):
        if state.step == 20:
            os.kill(int((out.parent / "pid1").read_text()), signal.SIGTERM)

    return look


def test_one_that_is_asked_to_stop_stops_all_after_the_same_step_and_all_have_the_model(tmp_path):
    data = write_data(tmp_path / "data")
    assert together(2, stopped_by_one, data, tmp_path / "run") == [0, 0]
    messages = [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)]
    assert messages[0] == messages[1]
    steps = int(messages[0].split()[0])
    assert 20 <= steps < 1000
    assert (tmp_path / "run/checkpoints" / f"step-{steps:06d}").exists()


def stopped_by_its_program(data, out) -> None:
    """Both ranks ask to stop. Only rank 0 counts, and it stops both."""
    rank, seen = ranks_here().rank, []
    watch = Watch(observers=(lambda state, _: seen.append(state.step),), should_stop=lambda: rank == 1 or seen[-1] == 20)
    model = train(data, out=out, device="cpu", steps=10**6, settings=SETTINGS, watch=watch)
    (out.parent / f"{rank}.txt").write_text(f"{model.info.training.steps} {weights_of(model.net)['classify.bias']}")


def test_the_program_of_rank_0_stops_all_after_the_same_step(tmp_path):
    data = write_data(tmp_path / "data")
    assert together(2, stopped_by_its_program, data, tmp_path / "run") == [0, 0]
    messages = [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)]
    assert messages[0] == messages[1]
    assert messages[0].split()[0] == "20"
    assert (tmp_path / "run/checkpoints/step-000020").exists()


def goes_on_elsewhere(data, outs) -> None:
    rank = ranks_here().rank
    with pytest.raises(Exception) as caught:
        train(data, out=outs[rank], device="cpu", resume=True)
    (outs[rank] / f"{rank}.txt").write_text(str(caught.value))


def test_ranks_that_do_not_share_a_folder_are_told(tmp_path):
    data = write_data(tmp_path / "data")
    outs = [tmp_path / name for name in ("a", "b")]
    for out, batch_size in zip(outs, (1, 2), strict=True):
        assert together(1, train_whole, data, out, batch_size) == [0]
    together(2, goes_on_elsewhere, data, outs)
    assert re.search("rank 1 .*rank 0 .*shared disk", (outs[1] / "1.txt").read_text())


def test_the_crops_of_all_ranks_are_the_batch_of_one_process():
    image, labels = spots(np.random.default_rng(2))
    classes = (labels > 0).astype(np.uint8)
    sample = Sample("one", image[None].astype(np.float32), classes, np.ones(classes.shape, np.float32))
    geometry = CONFIG.build().geometry
    assert isinstance(geometry, Geometry)
    whole = Crops([sample], Augment(), geometry, 24, 4, 7).batch(5)
    parts = [Crops([sample], Augment(), geometry, 24, 2, 7, None, rank).batch(5) for rank in range(2)]
    for ours, theirs in zip(zip(*parts, strict=True), whole, strict=True):
        torch.testing.assert_close(torch.cat(ours), theirs, rtol=0, atol=0)


def test_alone_everything_stays_as_it_came():
    alone, net, numbers = Ranks(), torch.nn.Identity(), torch.ones(3)
    assert alone.wrap(net) is net
    assert alone.sum(numbers) is numbers
    assert alone.share(numbers[0], torch.zeros(1, 2, 2, dtype=torch.uint8)) == 1
    assert alone.same(0.25) == 0.25
    assert alone.any(True)
    assert not alone.any(False)
    assert alone.same_facts({"a": 1}) == {"a": 1}
    assert alone.seed_of(3, 5) == 3 * 1_000_003 + 5
    with join_ranks(alone, "auto"):
        assert not torch.distributed.is_initialized()


def test_ranks_drop_other_features():
    def drawn(rank):
        torch.manual_seed(Ranks(rank, 8).seed_of(0, 0))
        return torch.rand(4).tolist()

    assert len({tuple(drawn(rank)) for rank in range(8)}) == 8


OF_TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
OF_TORCHRUN |= {"MASTER_ADDR": "a", "MASTER_PORT": "1"}


def test_what_torchrun_says():
    assert ranks_here(OF_TORCHRUN) == Ranks(3, 4, 1, 2)
    assert ranks_here({"RANK": "3"}) == Ranks()
    assert ranks_here(OF_TORCHRUN | {"RANK": "0", "WORLD_SIZE": "1"}) == Ranks()
    with pytest.raises(SettingsError, match=r"WORLD_SIZE.*torchrun"):
        ranks_here(OF_TORCHRUN | {"RANK": "x"})
    assert launch_id({}) == ""
    assert launch_id({"TORCHELASTIC_RUN_ID": "7"}).startswith("7 ")


def test_threads_and_devices(monkeypatch):
    cores = len(os.sched_getaffinity(0))
    for setting, threads in (("", max(1, cores // 2)), ("1", max(1, cores // 2)), ("3", 3)):
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
        assert threads_of_rank(Ranks(0, 2, 0, 2)) == threads
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of_rank("auto", Ranks(1, 2, 1, 2)) == torch.device("cuda:1")
    assert device_of_rank("auto", Ranks(1, 4, 1, 4)) == torch.device("cpu")
    assert device_of_rank("cpu", Ranks(1, 2, 1, 2)) == torch.device("cpu")
    with pytest.raises(SettingsError, match=r"4 processes.* 2 CUDA GPU.*nproc-per-node"):
        device_of_rank("cuda", Ranks(1, 4, 1, 4))
    with pytest.raises(SettingsError, match=r"'cuda:1'.*'cpu'"):
        device_of_rank("cuda:1", Ranks(1, 2, 1, 2))


def test_the_dead_are_not_taken_for_the_living():
    """torchrun's store still holds what ranks wrote before a restart."""
    store, words = torch.distributed.HashStore(), {}
    for key, value in {"here/1": "dead", "welcome": "dead0 dead", "dead0/1": "dead"}.items():
        store.set(f"unseam/{key}", value)

    def come(rank):
        words[rank] = wait_for_ranks(store, Ranks(rank, 3))

    threads = [threading.Thread(target=come, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    for thread in threads:
        thread.join(30)
    assert len(words) == 3
    assert len(set(words.values())) == 1
    assert words[0] not in ("dead0", "dead")
