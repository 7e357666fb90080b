"""How the processes that torchrun starts connect to each other, and how all of them end when one does.

torchrun passes each process its number in environment variables. If one dies, torchrun ends the others and, with
``--max-restarts``, starts all of them again. That leaves two problems. First, the store through which processes find each
other survives restarts and keeps what dead processes wrote, so the processes must first make sure that they talk to living
ones. Second, a process that waits in native code answers no signal, so each one limits the time to connect to a minute and
watches whether torchrun still runs.
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
_WAIT_SECONDS = 1800.0  # how long ranks wait for each other, for example while rank 0 validates and writes
_POLL_SECONDS = 0.05
_RELEASE_SECONDS = 0.5
_GRACE_SECONDS = 20.0
_EXIT_CODE = 75
_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_CONNECTION_WORDS = ("gloo", "nccl", "connection", "timed out", "socket", "broken pipe")


def ranks_here(environment: Mapping[str, str] = os.environ) -> Ranks:
    """Read from torchrun's variables which of how many processes this is; without them it is alone.

    Raises
    ------
    SettingsError
        If the variables are not numbers.
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
    """Return an identifier of this call of torchrun, the same after its restarts; empty without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in environment:
        return ""
    parent = os.getppid()
    try:  # the system reuses process numbers, but not together with the start time
        started = Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        started = ""
    return " ".join((environment["TORCHELASTIC_RUN_ID"], socket.gethostname(), str(parent), started)).strip()


def device_of_rank(name: str, ranks: Ranks) -> torch.device:
    """Choose the device of one of several processes: its own GPU if this machine has one for each, otherwise the CPU.

    Raises
    ------
    SettingsError
        If there are too few GPUs for ``cuda``, or ``name`` is another device.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and num_gpus < ranks.local_world:
        raise SettingsError(
            f"{ranks.local_world} processes share {num_gpus} CUDA GPU(s) on this machine, but each needs its own. Start fewer "
            "(torchrun --nproc-per-node), or give --device cpu."
        )
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"Got device {name!r} for several processes, but each needs its own. Give 'auto', 'cpu' or 'cuda'.")
    return torch.device("cpu" if name == "cpu" or num_gpus < ranks.local_world else f"cuda:{ranks.local_rank}")


@contextmanager
def join_ranks(ranks: Ranks, device_name: str) -> Iterator[None]:
    """Connect to the other ranks; a process that is alone does nothing.

    Only one rank explains a failure to the user: the first that has its own reason or, if a rank died without one, the first
    that notices.

    Raises
    ------
    RankError
        On the other ranks, and if a connection fails or is lost.
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
        threading.Thread(target=_exit_after_parent, args=(os.getppid(),), name="parent", daemon=True).start()
    store = _connect(ranks, device)
    try:
        yield
    except KeyboardInterrupt:
        # Ctrl-C usually reaches all ranks. Rank 0 reports it; the others end without a second message.
        if ranks.is_first:
            raise
        raise _explained_elsewhere("Training was stopped.") from None
    except Exception as error:
        # When one rank fails, the others lose their connection to it. They would bury the real reason under their own errors.
        reason = _connection_lost(ranks, error) if _is_connection_error(error) else error
        if _has_been_explained(store):
            reason = _explained_elsewhere("Training ended because another process failed; its message gives the reason.")
        if reason is error:
            raise
        raise reason from error
    finally:
        # A moment after every rank has the sum, gloo's threads release their tensors, which needs Python's lock (the GIL).
        # Closing the connection holds that lock while it waits for those threads, so closing too early is a deadlock.
        time.sleep(_RELEASE_SECONDS)
    torch.distributed.destroy_process_group()


def threads_of_rank(ranks: Ranks) -> int:
    """Return the number of threads to compute with: OMP_NUM_THREADS, or an equal share of the cores.

    torchrun sets OMP_NUM_THREADS to 1 if the user does not set it, so 1 counts as not set.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads) > 1:
        return int(threads)
    return max(1, num_cores() // ranks.local_world)


def _connect(ranks: Ranks, device: torch.device) -> Store:
    """Connect to all ranks. If that takes more than a minute, this process ends, and torchrun may start it again."""
    from torch.distributed.rendezvous import rendezvous

    connected = threading.Event()
    # Training turns SIGTERM into a stop at the end of a step. There is no step and nothing to save yet, and a process that
    # waits in native code would never run that handler: until it is connected, SIGTERM ends it.
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL) if is_main else None
    threading.Thread(target=_exit_unless_connected, args=(connected, ranks), name="connection", daemon=True).start()
    timeout = timedelta(seconds=_WAIT_SECONDS)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        found, *_ = next(rendezvous("env://", ranks.rank, ranks.world, timeout=timeout))
        # Under a fresh prefix no rank can read the addresses of processes that died before a restart.
        store = PrefixStore(wait_for_ranks(found, ranks), found)
        torch.distributed.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.world, timeout=timeout)
        ranks.any(False)  # gloo connects now, while the time limit still counts; NCCL connects at its first use
    except (RuntimeError, ValueError) as error:
        raise _connection_lost(ranks, error) from error
    finally:
        connected.set()
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    return store


def wait_for_ranks(store: Store, ranks: Ranks) -> str:
    """Wait until all ranks are there, and return a token that they share and that no earlier start used.

    The store may hold what dead processes of the same ranks wrote. So each rank writes a fresh token, and rank 0 repeats all
    tokens that it finds next to its own. A rank that sees its token repeated confirms: then both are alive.
    """
    own = uuid.uuid4().hex
    if not ranks.is_first:
        store.set(f"unseam/here/{ranks.rank}", own)
        # A welcome without this rank's token is from a dead rank 0, or from before the token was written.
        while own not in (welcome := _read(store, "unseam/welcome").split()):
            time.sleep(_POLL_SECONDS)
        store.set(f"unseam/{welcome[0]}/{ranks.rank}", own)
        return welcome[0]
    others = range(1, ranks.world)
    while True:
        # Repeated until all confirm: a token that was read first may be that of a dead rank, replaced by a living one later.
        here = [_read(store, f"unseam/here/{rank}") for rank in others]
        store.set("unseam/welcome", " ".join([own, *here]))
        if all(_read(store, f"unseam/{own}/{rank}") for rank in others):
            return own
        time.sleep(_POLL_SECONDS)


def _read(store: Store, key: str) -> str:
    return str(store.get(key).decode()) if store.check([key]) else ""  # a plain get would wait for the key


def _exit_unless_connected(connected: threading.Event, ranks: Ranks) -> None:
    if not connected.wait(_CONNECTION_SECONDS):
        _exit(f"unseam: rank {ranks.rank} of {ranks.world} could not connect to the others within {_CONNECTION_SECONDS:g} s.\n")


def _exit_after_parent(parent: int) -> None:
    """Stop as for SIGTERM when torchrun is gone; exit if that takes too long."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    _exit("")


def _exit(message: str) -> None:
    if message:
        os.write(2, message.encode())
    os._exit(_EXIT_CODE)  # sys.exit would only end this thread, and the main thread may wait in native code for ever


def _is_connection_error(error: Exception) -> bool:
    """Whether another rank is lost. PyTorch has no single class for that."""
    if isinstance(error, torch.distributed.DistError):
        return True
    return type(error) is RuntimeError and any(word in str(error).lower() for word in _CONNECTION_WORDS)


def _connection_lost(ranks: Ranks, error: Exception) -> RankError:
    reason = re.sub(r"\[/\S+\] ", "", " ".join(str(error).split())).split(". ")[0][:200]
    return RankError(
        f"Rank {ranks.rank} of {ranks.world} lost its connection to the others: one was killed, or its machine is gone "
        f"({reason}). The last checkpoint is kept: continue with --resume, or let torchrun do so (--max-restarts 3)."
    )


def _explained_elsewhere(message: str) -> RankError:
    error = RankError(message)
    error.is_told = True
    return error


def _has_been_explained(store: Store) -> bool:
    """Count this rank as failed; return whether another rank failed first, which then explains the failure."""
    try:
        store.set_timeout(timedelta(seconds=5))
        return int(store.add("unseam/explained", 1)) > 1
    except RuntimeError:  # the process that holds the store is gone
        return False
