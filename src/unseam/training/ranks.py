"""Several processes that train one network: each computes a part of every batch, and all of them take the same step.

The processes, one a GPU, are started by torchrun, and gradients are averaged by PyTorch's DistributedDataParallel. What
stands here is the little that it cannot know: by what its plain mean must be weighed to be the gradient of the whole batch,
and which numbers and decisions are those of all. Between processes only tensors travel; nothing is pickled.

A rank is the number of such a process, the world how many there are. Rank 0 is the one that judges, writes and speaks.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from unseam.shapes import IGNORE

_SPREAD = 0x9E3779B1
"""Parts the seeds of neighbouring ranks; PyTorch's generator on a CPU looks at the last 32 bits of a seed only."""


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this one is; as it stands, one that is alone, and then every method gives back what came.

    Attributes
    ----------
    rank, world
        The number of this process among all, from 0; and how many there are.
    local_rank, local_world
        The same among those of this machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that judges, writes and speaks."""
        return self.rank == 0

    def seed_of(self, seed: int, step: int) -> int:
        """What drop-out is drawn from at a step."""
        return seed * 1_000_003 + step + self.rank * _SPREAD

    def wrap(self, net: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network with its gradients averaged over all ranks; it begins with the weights of rank 0 everywhere."""
        if self.world == 1:
            return net
        from torch.nn.parallel import DistributedDataParallel

        device = next(net.parameters()).device
        devices = [device.index] if device.type == "cuda" else None
        return _Rehearsed(DistributedDataParallel(net, device_ids=devices))

    def share(self, energy: Float[Tensor, ""], classes: UInt8[Tensor, "batch rows cols"]) -> Float[Tensor, ""]:
        """The energy of this rank's crops, weighed so that the mean over all ranks is the energy of all crops.

        An energy is a mean over annotated pixels (Eq. 1, see the energies), and ranks need not hold equally many of them:
        with n pixels here and N everywhere, this rank's share in the mean of W ranks is W n / N.
        """
        if self.world == 1:
            return energy
        count = (classes != IGNORE).sum().double()
        return energy * (self.world * count / self.sum(count).clamp(min=1)).to(energy.dtype)

    def sum(self, numbers: Tensor) -> Tensor:
        """The sum over all ranks, everywhere the same bits."""
        if self.world == 1:
            return numbers
        total = numbers.clone()
        torch.distributed.all_reduce(total)
        return total

    def same(self, number: float) -> float:
        """The number that rank 0 has."""
        if self.world == 1:
            return number
        its = torch.tensor(number, dtype=torch.float64)
        torch.distributed.broadcast(its, 0)
        return its.item()

    def any(self, flag: bool) -> bool:
        """Whether it is so for one of them at least."""
        return flag if self.world == 1 else bool(self.sum(torch.tensor(float(flag))) > 0)

    def same_facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """What rank 0 has, which can be written as JSON."""
        if self.world == 1:
            return facts
        text = json.dumps(facts).encode() if self.is_first else b""
        data = torch.zeros(int(self.same(float(len(text)))), dtype=torch.uint8)
        if self.is_first:
            data = torch.tensor(list(text), dtype=torch.uint8)
        torch.distributed.broadcast(data, 0)
        its: dict[str, Any] = json.loads(bytes(data.tolist()))
        return its

    def same_weights(self, net: nn.Module) -> None:
        """Bring a network to the weights that rank 0 has."""
        for weight in net.state_dict().values() if self.world > 1 else ():
            its = weight.detach().contiguous()
            torch.distributed.broadcast(its, 0)
            weight.copy_(its)


ALONE = Ranks()
"""One process without others: every training that torchrun did not start."""


class _Rehearsed:
    """DDP that goes forward and back once before its first step.

    DDP packs gradients anew after the first time, in the order in which they came. Three ranks and more add them up in an
    order that hangs on the packing; so a run that goes on would round its first step otherwise than the run without a break.
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._is_rehearsed = False

    def __call__(self, images: Tensor) -> Tensor:
        if not self._is_rehearsed:
            self._is_rehearsed = True
            with keep_random_state(images.device):  # drop-out draws for the step, not for this
                self.net(images).sum().backward()
        logits: Tensor = self.net(images)
        return logits


def keep_random_state(device: torch.device) -> AbstractContextManager[None]:
    """What is drawn inside, on the CPU or on that GPU, is drawn from there again afterwards."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])
