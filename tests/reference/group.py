"""Several processes that train together: without torchrun, for tests of one thing; and with it, to be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from torture.children import child, ended
from unseam.training.joining import ranks_here


def together(world: int, work: Callable[..., None], *words: object) -> list[int | None]:
    """Do some work in so many processes at once; the exit code of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [child(as_rank, rank, world, port, work, *words) for rank in range(world)]
    return [ended(process, 60) for process in processes]


def as_rank(rank: int, world: int, port: int, work: Callable[..., None], *words: object) -> None:
    names = {"RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in names.items()}
    torch.set_num_threads(1)
    assert ranks_here().rank == (rank if world > 1 else 0)
    work(*words)


def torchrun(words: list[str], log: Path, world: int = 2, restarts: int = 0) -> subprocess.Popen[bytes]:
    """Begin ``torchrun ... -m unseam`` with these words; all that is said goes into a file."""
    run = ["--standalone", f"--nproc-per-node={world}", f"--max-restarts={restarts}", "-m", "unseam"]
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    environment = {name: value for name, value in os.environ.items() if name not in names} | {"OMP_NUM_THREADS": "1"}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *run, *words], stdout=file, stderr=file, env=environment
        )


def ranks_of(agent: int) -> dict[int, int]:
    """Rank and number of each living process that torchrun has started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if int(parent) == agent and state != "Z":
                words = (folder / "environ").read_text().split("\0")
                found[int(dict(word.split("=", 1) for word in words if "=" in word)["RANK"])] = int(folder.name)
        except (OSError, KeyError, IndexError):
            continue
    return found


def new_rank(agent: subprocess.Popen[bytes], rank: int, before: set[int], seconds: float = 90) -> int:
    """The number of the process that has this rank and is none of those before; 0 if none comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and agent.poll() is None:
        number = ranks_of(agent.pid).get(rank, 0)
        if number and number not in before:
            return number
        time.sleep(0.05)
    return 0


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)
