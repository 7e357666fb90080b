"""Ranks under torchrun are killed, in steps and while they connect; training goes on by itself, bit for bit

Two ranks on the CPU with a thread each. One of them is killed (SIGKILL) after a random time; then, while torchrun has started
both again and they look for each other, perhaps once more. The weights and the history must be those of two ranks that nobody
killed, and from each kill until steps are taken again it may be 90 seconds.
"""

import random
import shutil
import subprocess
import time
from pathlib import Path

from reference.group import kill, new_rank, torchrun
from torture.harness import Result, Scale
from torture.t01_killed_training import what_came
from torture.trainee import SETTINGS, write_data

STEPS = 300
LONGEST = 90.0


def run(scale: Scale) -> Result:
    wanted = scale.of(1, 20)
    chance = random.Random(scale.seed)
    data = write_data(scale.folder / "data")
    whole = scale.folder / "whole"
    assert _begun(data, whole).wait(100) == 0, whole.with_suffix(".log").read_text()
    expected = what_came(whole)
    kills = lost = 0
    slowest: list[float] = []
    while kills < wanted:
        out = scale.folder / "run"
        agent = _begun(data, out, restarts=10)
        came, took = _killed_and_killed_again(agent, out, chance, min(2, wanted - kills))
        kills += len(took)
        slowest += took
        lost += not came or what_came(out) != expected or max(took, default=0.0) > LONGEST
        shutil.rmtree(out)
    note = f"from a kill to the next step {min(slowest):.1f} to {max(slowest):.1f} s; every other one while ranks connect"
    return Result("T16", kills, lost, 0, note)


def _begun(data: Path, out: Path, restarts: int = 0) -> subprocess.Popen[bytes]:
    words = ["train", str(data), "--out", str(out), "--steps", str(STEPS), "--device", "cpu"]
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    return torchrun([*words, *sets], out.with_suffix(".log"), restarts=restarts)


def _killed_and_killed_again(
    agent: subprocess.Popen[bytes], out: Path, chance: random.Random, most: int
) -> tuple[bool, list[float]]:
    """Whether it came to its end at last, and how long each kill held it up."""
    seen: set[int] = set()
    times = []
    for number in range(most):
        rank = chance.randrange(2)
        if not (victim := new_rank(agent, rank, seen)):
            break
        if number == 0:
            _wait_for_step(agent, out, chance.uniform(0.1, 0.6))
        else:
            _wait_until_connecting(victim, chance.uniform(0.0, 2.5))
        if agent.poll() is None:
            kill(victim)
            times.append(time.monotonic())
        seen |= {victim, new_rank(agent, 1 - rank, seen, 1)}
    before = _newest(out)
    while times and agent.poll() is None and time.monotonic() - times[-1] < LONGEST and _newest(out) <= before:
        time.sleep(0.05)
    took = [time.monotonic() - killed for killed in times]
    try:
        return agent.wait(100) == 0, took
    except subprocess.TimeoutExpired:
        agent.terminate()
        return False, took


def _wait_for_step(agent: subprocess.Popen[bytes], out: Path, share: float) -> None:
    """Until so much of the budget is used up."""
    until = time.monotonic() + LONGEST
    while agent.poll() is None and time.monotonic() < until and _newest(out) < share * STEPS - STEPS / 6:
        time.sleep(0.02)


def _wait_until_connecting(process: int, seconds: float) -> None:
    """Until PyTorch is loaded, which is shortly before ranks look for each other, and a little longer."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if "libtorch_cpu" in Path(f"/proc/{process}/maps").read_text():
                break
        except OSError:
            return
        time.sleep(0.02)
    time.sleep(seconds)


def _newest(out: Path) -> int:
    steps = [int(path.name.removeprefix("step-")) for path in out.glob("checkpoints/step-*") if path.name[5:].isdigit()]
    return max(steps, default=0)
