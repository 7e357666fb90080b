"""Several processes that train one network: each computes a part of every batch, and all of them take the same step.

torchrun starts the processes, one for each GPU, and PyTorch's DistributedDataParallel averages their gradients. This file adds
what DDP cannot know: the weight of each process, so that the plain mean is the gradient of the whole batch, and the numbers
and decisions that all processes must share. Only tensors travel between processes; nothing is pickled.

A rank is the number of such a process, the world is the number of processes. Rank 0 validates, writes and prints.
"""

import json
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from unseam.shapes import IGNORE

_SPREAD = 0x9E3779B1
"""Separates the seeds of neighbouring ranks. PyTorch's CPU generator uses only the last 32 bits of a seed."""


@dataclass(frozen=True)
class Ranks:
    """One process of a training: its number (from 0) among all and on this machine, and how many there are.

    By default the process is alone, and every method returns its argument unchanged.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def seed_of(self, seed: int, step: int) -> int:
        """Return the seed of drop-out at a step."""
        return seed * 1_000_003 + step + self.rank * _SPREAD

    def wrap(self, net: nn.Module) -> Callable[[Tensor], Tensor]:
        """Wrap a network so that its gradients are averaged over all ranks; all begin with the weights of rank 0.

        A layer with statistics takes those of its rank's crops, and each rank stores its own: rank 0's are validated and kept.
        """
        if self.world == 1:
            return net
        from torch.nn.parallel import DistributedDataParallel

        device = next(net.parameters()).device
        devices = [device.index] if device.type == "cuda" else None
        with warnings.catch_warnings():
            # PyTorch 2.13 has another name for it, which older versions do not know.
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            wrapped = DistributedDataParallel(net, device_ids=devices, broadcast_buffers=False)
        return _Rehearsed(wrapped, net)

    def share(self, energy: Float[Tensor, ""], classes: UInt8[Tensor, "batch rows cols"]) -> Float[Tensor, ""]:
        """Weigh the energy of this rank's crops so that the mean over all ranks is the energy of all crops."""
        if self.world == 1:
            return energy
        # An energy is a mean over annotated pixels (Eq. 1), and ranks may hold different numbers of them. A plain mean over W
        # ranks would count a pixel more where there are few. With n of all N pixels, this rank's weight is W n / N.
        count = (classes != IGNORE).sum().double()
        return energy * (self.world * count / self.sum(count).clamp(min=1)).to(energy.dtype)

    def sum(self, numbers: Tensor) -> Tensor:
        """Return the sum over all ranks, to the bit the same on each."""
        if self.world == 1:
            return numbers
        total = numbers.clone()
        torch.distributed.all_reduce(total)
        return total

    def same(self, number: float) -> float:
        """Return the number of rank 0."""
        if self.world == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64)
        torch.distributed.broadcast(shared, 0)
        return shared.item()

    def any(self, flag: bool) -> bool:
        """Return whether ``flag`` is set on at least one rank."""
        return flag if self.world == 1 else bool(self.sum(torch.tensor(float(flag))) > 0)

    def same_facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts of rank 0, which must fit into JSON."""
        if self.world == 1:
            return facts
        text = json.dumps(facts).encode() if self.is_first else b""
        # A broadcast fills a tensor of known size, so the size travels first. JSON, not pickle: it can hold no code.
        data = torch.zeros(int(self.same(float(len(text)))), dtype=torch.uint8)
        if self.is_first:
            data = torch.tensor(list(text), dtype=torch.uint8)
        torch.distributed.broadcast(data, 0)
        shared: dict[str, Any] = json.loads(bytes(data.tolist()))
        return shared

    def same_weights(self, net: nn.Module) -> None:
        """Copy the weights of rank 0 into a network."""
        for weight in net.state_dict().values() if self.world > 1 else ():
            shared = weight.detach().contiguous()  # a broadcast refuses channels-last weights
            torch.distributed.broadcast(shared, 0)
            weight.copy_(shared)


ALONE = Ranks()
"""A single process: every training that torchrun did not start."""


class _Rehearsed:
    """DDP that runs forward and backward once before its first step.

    After its first pass, DDP packs gradients again, in the order in which they became ready. With three ranks or more the order
    of summation depends on the packing. Without the rehearsal, the first step of a resumed run would round differently from
    the same step of an uninterrupted run.
    """

    def __init__(self, wrapped: nn.Module, net: nn.Module) -> None:
        self.net, self._buffers, self._layers = wrapped, list(net.buffers()), list(net.modules())
        self._is_rehearsed = False

    def __call__(self, images: Tensor) -> Tensor:
        if not self._is_rehearsed:
            self._is_rehearsed = True
            before = [buffer.clone() for buffer in self._buffers]
            # Layers whose statistics are fixed give their gradients in another order: rehearse as the run began.
            fixed = [layer for layer in self._layers if getattr(layer, "is_fixed", False)]
            for layer in fixed:
                layer.is_fixed = False  # type: ignore[assignment]
            with keep_random_state(images.device):  # the rehearsal must not use up the random numbers of the step
                self.net(images).sum().backward()
            for buffer, kept in zip(self._buffers, before, strict=True):
                buffer.copy_(kept)  # nor count as a batch in the stored statistics
            for layer in fixed:
                layer.is_fixed = True  # type: ignore[assignment]
        logits: Tensor = self.net(images)
        return logits


def keep_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Restore PyTorch's random numbers afterwards, on the CPU and on ``device`` if that is a GPU."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])
