"""A state of training whose every number is its step, so that what is loaded can be told to be what was saved."""

import torch

from unseam.nets import UNetConfig
from unseam.training import AdamW, TrainState


def state_of(step: int, width: int = 2, depth: int = 1) -> TrainState:
    net = UNetConfig(first_width=width, depth=depth).build()
    state = TrainState(net, AdamW().build(net))
    for weight in net.parameters():
        weight.grad = torch.ones_like(weight)
    state.optimiser.step()
    fill(state, step)
    return state


def fill(state: TrainState, step: int) -> None:
    state.step = step
    with torch.no_grad():
        for weight in state.net.parameters():
            weight.fill_(step)
            for value in state.optimiser.state[weight].values():
                value.fill_(step)


def is_whole(state: TrainState) -> bool:
    """Whether every number is that of its step."""
    tensors = [*state.net.parameters(), *(v for memory in state.optimiser.state.values() for v in memory.values())]
    return all(bool((tensor == state.step).all()) for tensor in tensors)
