"""Tiles that fit into a memory budget, and what happens when memory runs out."""

import numpy as np
import pytest
import torch

from unseam.engines import TorchEngine
from unseam.engines.footprint import bytes_as_written, bytes_until_last_read
from unseam.errors import MemoryShortError, SettingsError
from unseam.inference.predict import Predictor
from unseam.machine.memory import available_bytes, is_out_of_memory, parse_bytes, resident_bytes
from unseam.nets import UNet


class Narrow(TorchEngine):
    """Has memory for tiles up to a size only."""

    most = 0

    def __call__(self, tile):
        if max(tile.shape) > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return super().__call__(tile)


def narrow(most):
    torch.manual_seed(0)
    engine = Narrow(UNet(first_width=2, depth=2))
    engine.most = most
    return engine


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 1610612736), ("7", 7)])
def test_amounts(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "2 elephants"])
def test_no_amounts(text):
    with pytest.raises(SettingsError, match="such as 2GB"):
        parse_bytes(text)


def test_out_of_memory_halves_the_tile_and_says_so(rng):
    image, notes = rng.random((1, 300, 300), np.float32), []
    result = Predictor(narrow(120), 200, on_note=notes.append).probabilities(image)
    assert len(notes) == 1
    assert "memory ran out" in notes[0]
    assert np.array_equal(result, Predictor(narrow(999), 96).probabilities(image))


def test_it_gives_up_at_the_smallest_tile(rng):
    with pytest.raises(MemoryShortError, match="smallest tile"):
        Predictor(narrow(1), 200).probabilities(rng.random((1, 300, 300), np.float32))


def test_other_errors_pass():
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert is_out_of_memory(MemoryError())


def test_larger_tiles_take_more():
    engine = TorchEngine(UNet(first_width=4, depth=2))
    sizes = [engine.footprint((1, side, side)).total for side in range(60, 400, 4) if engine.geometry.is_admissible(side)]
    assert sizes == sorted(set(sizes))


@pytest.mark.skipif(resident_bytes() is None, reason="what the process holds is not known here")
def test_too_small_a_budget_names_what_is_needed(rng):
    with pytest.raises(MemoryShortError, match=r"needs .* even with the smallest tiles"):
        Predictor(narrow(999), 200, max_bytes=1000).probabilities(rng.random((1, 300, 300), np.float32))


def machine(root, files):
    """A made-up root folder, as Linux shows itself."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:  5000 kB\n"}


def test_left_is_what_the_machine_has(tmp_path):
    assert available_bytes(machine(tmp_path, MEMINFO)) == 5000 * 1024


def test_nothing_is_known_elsewhere(tmp_path):
    assert available_bytes(tmp_path) is None


@pytest.mark.parametrize(("most", "left"), [("max\n", 5000 * 1024), ("1000000\n", 1000000 - 600000 + 100000), ("9\n", 0)])
def test_a_control_group_limits_what_is_left(tmp_path, most, left):
    group = {
        "proc/self/cgroup": "0::/jobs/mine\n",
        "sys/fs/cgroup/jobs/mine/memory.max": most,
        "sys/fs/cgroup/jobs/mine/memory.current": "600000\n",
        "sys/fs/cgroup/jobs/mine/memory.stat": "anon 1\ninactive_file 100000\n",
    }
    assert available_bytes(machine(tmp_path, {**MEMINFO, **group})) == left


def test_a_group_further_up_counts_too(tmp_path):
    group = {
        "proc/self/cgroup": "0::/jobs/mine\n",
        "sys/fs/cgroup/jobs/mine/memory.max": "max\n",
        "sys/fs/cgroup/jobs/memory.max": "2000\n",
        "sys/fs/cgroup/jobs/memory.current": "1500\n",
    }
    assert available_bytes(machine(tmp_path, {**MEMINFO, **group})) == 500


def test_a_control_group_of_the_first_version(tmp_path):
    folder = "sys/fs/cgroup/memory/docker/abc"
    group = {
        "proc/self/cgroup": "5:cpu,cpuacct:/other\n4:memory:/docker/abc\n",
        f"{folder}/memory.limit_in_bytes": "3000000\n",
        f"{folder}/memory.usage_in_bytes": "1000000\n",
        f"{folder}/memory.stat": "total_inactive_file 4096\n",
    }
    assert available_bytes(machine(tmp_path, {**MEMINFO, **group})) == 2000000 + 4096


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_two_counts_of_maps(dtype):
    """A program that frees each map after its last reader needs no more than Python, which waits for its names."""
    net, shape = UNet(first_width=4, depth=3), (1, 1, 188, 188)
    assert 0 < bytes_until_last_read(net, shape, torch.float32) <= bytes_as_written(net, shape, torch.float32)
    assert bytes_as_written(net, shape, torch.bfloat16) * 2 <= bytes_as_written(net, shape, torch.float32) * 1.3
    assert bytes_as_written(net, shape, dtype) > dtype.itemsize * 4 * 184 * 184, "the first map alone"
