"""How the processes that torchrun starts find each other, and how all of them end when one does.

torchrun tells each process its number in environment variables, sees one that dies, ends the others, and starts all of them
again if it may (``--max-restarts``). Two things it leaves to us. The store by which processes find each other lives on through
restarts with all that the dead have written, so here they first make sure of each other. And a process that waits for another
in native code answers no signal: so none connects for longer than a minute, and none survives torchrun itself.
"""

import os
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch.distributed import PrefixStore, Store

from unseam.errors import RankError, SettingsError
from unseam.machine.cores import num_cores
from unseam.training.ranks import Ranks

_CONNECTION_SECONDS = 60.0
_WAIT_SECONDS = 1800.0
"""How long ranks wait for another: rank 0 judges the network and writes while they do."""

_LOOK_SECONDS = 0.05
_LEAVE_SECONDS = 0.5
"""In which gloo's threads let go of what they have added up. They need Python's lock (the GIL) for that, a moment after
everybody has the sum; whoever ends the connection waits for them with the lock in hand, and then both wait for ever."""

_LAST_SECONDS = 20.0
_LOST = 75
_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_OF_CONNECTIONS = ("gloo", "nccl", "connection", "timed out", "socket", "broken pipe")


def ranks_here(environment: Mapping[str, str] = os.environ) -> Ranks:
    """Which process of how many this is: what torchrun says; one that is alone where it says nothing.

    Raises
    ------
    SettingsError
        If what it says are no numbers.
    """
    if not all(name in environment for name in _NAMES):
        return Ranks()
    try:
        rank, world = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local = int(environment.get("LOCAL_RANK", rank)), int(environment.get("LOCAL_WORLD_SIZE", world))
    except ValueError as error:
        raise SettingsError(
            f"RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE in the environment are not all numbers ({error}). Start with "
            "torchrun, which sets them, or unset RANK."
        ) from error
    return Ranks(rank, world, *local) if world > 1 else Ranks()


def launch_id(environment: Mapping[str, str] = os.environ) -> str:
    """What tells one call of torchrun from every other one, its restarts included; empty without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in environment:
        return ""
    parent = os.getppid()
    try:  # a number may come again, with another time of start
        started = Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        started = ""
    return " ".join((environment["TORCHELASTIC_RUN_ID"], socket.gethostname(), str(parent), started)).strip()



def device_of_rank(name: str, ranks: Ranks) -> torch.device:
    """Where one of several processes computes: the GPU of its number on this machine, if there is one for each; or the CPU.

    Raises
    ------
    SettingsError
        If there are too few GPUs for ``cuda``, or another device is named.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and num_gpus < ranks.local_world:
        raise SettingsError(
            f"{ranks.local_world} processes came for {num_gpus} CUDA GPU(s) on this machine; each needs its own. Start fewer "
            "(torchrun --nproc-per-node), or give --device cpu."
        )
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"Device {name!r} came for several processes; each takes its own. Give 'auto', 'cpu' or 'cuda'.")
    return torch.device("cpu" if name == "cpu" or num_gpus < ranks.local_world else f"cuda:{ranks.local_rank}")


@contextmanager
def join_ranks(ranks: Ranks, device_name: str) -> Iterator[None]:
    """Be connected with the other ranks; one that is alone needs no connection, and gets none.

    Whatever goes wrong is told by one of them: by the first that has a reason of its own, or, if one died without a word, by
    the first that misses it.

    Raises
    ------
    RankError
        In the others; and if no connection comes about, or one is lost.
    """
    if ranks.world == 1:
        yield
        return
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(threads_of_rank(ranks))
    if "TORCHELASTIC_RUN_ID" in os.environ:
        threading.Thread(target=_end_without, args=(os.getppid(),), name="parent", daemon=True).start()
    store = _connected(ranks, device)
    try:
        yield
    except KeyboardInterrupt:
        if ranks.is_first:
            raise
        raise _told("Training was stopped.") from None
    except Exception as error:
        reason = _lost(ranks, error) if _is_of_connection(error) else error
        if _was_told(store):
            reason = _told("Training ended because of another process, which says why.")
        if reason is error:
            raise
        raise reason from error
    finally:
        time.sleep(_LEAVE_SECONDS)
    torch.distributed.destroy_process_group()


def threads_of_rank(ranks: Ranks) -> int:
    """Threads to compute with: those that OMP_NUM_THREADS says, or an equal share of the cores.

    torchrun sets OMP_NUM_THREADS to 1 where nobody has set it, so 1 is taken for nothing.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 1:
        return int(said)
    cores = num_cores()
    return max(1, cores // ranks.local_world)


def _connected(ranks: Ranks, device: torch.device) -> Store:
    """Connect with all; what does not come about within a minute ends this process, for torchrun to start it again."""
    from torch.distributed.rendezvous import rendezvous

    in_time = threading.Event()
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL) if is_main else None  # there is nothing to save yet
    threading.Thread(target=_end_unless, args=(in_time, ranks), name="connection", daemon=True).start()
    timeout = timedelta(seconds=_WAIT_SECONDS)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        found, *_ = next(rendezvous("env://", ranks.rank, ranks.world, timeout=timeout))
        store = PrefixStore(wait_for_ranks(found, ranks), found)
        torch.distributed.init_process_group(
            backend, store=store, rank=ranks.rank, world_size=ranks.world, timeout=timeout
        )
        ranks.any(False)  # gloo is connected now, NCCL at its first use
    except (RuntimeError, ValueError) as error:
        raise _lost(ranks, error) from error
    finally:
        in_time.set()
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    return store


def wait_for_ranks(store: Store, ranks: Ranks) -> str:
    """A word that all ranks have now, and that nobody before them had.

    The store may hold what ranks of the same numbers wrote that are dead. So each writes a word of its own, rank 0 repeats all
    that it finds beside its own, and whoever finds himself repeated says so: then both are alive.
    """
    own = uuid.uuid4().hex
    if not ranks.is_first:
        store.set(f"unseam/here/{ranks.rank}", own)
        while own not in (welcome := _read(store, "unseam/welcome").split()):
            time.sleep(_LOOK_SECONDS)
        store.set(f"unseam/{welcome[0]}/{ranks.rank}", own)
        return welcome[0]
    others = range(1, ranks.world)
    while True:
        here = [_read(store, f"unseam/here/{rank}") for rank in others]
        store.set("unseam/welcome", " ".join([own, *here]))
        if all(_read(store, f"unseam/{own}/{rank}") for rank in others):
            return own
        time.sleep(_LOOK_SECONDS)


def _read(store: Store, key: str) -> str:
    return str(store.get(key).decode()) if store.check([key]) else ""


def _end_unless(in_time: threading.Event, ranks: Ranks) -> None:
    if not in_time.wait(_CONNECTION_SECONDS):
        _end(f"unseam: rank {ranks.rank} of {ranks.world} found no connection to the others within {_CONNECTION_SECONDS:g} s.")


def _end_without(parent: int) -> None:
    """Stop, as for SIGTERM, when torchrun is gone; at once if that cannot be."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_SECONDS)
    _end("")


def _end(message: str) -> None:
    """End now, whatever native code the main thread waits in."""
    if message:
        os.write(2, f"{message}\n".encode())
    os._exit(_LOST)


def _is_of_connection(error: Exception) -> bool:
    """Whether another rank is lost; PyTorch has no one class for that."""
    if isinstance(error, torch.distributed.DistError):
        return True
    return type(error) is RuntimeError and any(word in str(error).lower() for word in _OF_CONNECTIONS)


def _lost(ranks: Ranks, error: Exception) -> RankError:
    reason = re.sub(r"\[/\S+\] ", "", " ".join(str(error).split())).split(". ")[0][:200]
    return RankError(
        f"Rank {ranks.rank} of {ranks.world} lost its connection to the others: one was killed, or its machine is gone "
        f"({reason}). The last checkpoint stands: go on with --resume, or let torchrun do so (--max-restarts 3)."
    )


def _told(message: str) -> RankError:
    error = RankError(message)
    error.is_told = True
    return error


def _was_told(store: Store) -> bool:
    """Whether another rank was here before; who is first will tell."""
    try:
        store.set_timeout(timedelta(seconds=5))
        return int(store.add("unseam/told", 1)) > 1
    except RuntimeError:  # it went with the process that kept it
        return False
