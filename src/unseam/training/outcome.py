"""What a step gave, on its way from the device to the host, so that a GPU need not wait for anyone to look."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from unseam.training.diverged import not_finite_error
from unseam.training.ranks import ALONE, Ranks
from unseam.training.state import TrainState

_MOST_SKIPPED = 20


@dataclass(frozen=True)
class Outcome:
    """Numbers of one step: the energy, how many pixels were given to the foreground, whether all of it was finite."""

    step: int
    energy: Float[Tensor, ""]
    num_foreground: Int64[Tensor, ""]
    is_finite: Bool[Tensor, ""]
    num_pixels: int


def measure_outcome(
    step: int,
    classes: Int64[Tensor, "batch height width"],
    energy: Float[Tensor, ""],
    is_finite: Bool[Tensor, ""],
    ranks: Ranks = ALONE,
) -> Outcome:
    """The numbers of a step, still where they were computed; with several ranks those of the whole batch.

    ``classes`` is what the network gave to each pixel; 0 is background.

    A step is then finite if it is so for every rank: all take it, or none does.
    """
    own = Outcome(step, energy.detach(), classes.count_nonzero(), is_finite, classes.numel())
    if ranks.world == 1:
        return own
    parts = (own.energy / ranks.world, own.num_foreground, own.is_finite)
    total, num_foreground, num_finite = ranks.sum(torch.stack([part.double() for part in parts]))
    of_all = (num_foreground.long(), num_finite == ranks.world, own.num_pixels * ranks.world)
    return Outcome(step, total.to(own.energy.dtype), *of_all)


class OutcomeQueue:
    """Brings outcomes to the host in the order of their steps, ``late`` steps after they were sent.

    A GPU works through a queue. To ask for a number of the step just queued is to wait until the queue is empty, and then the
    GPU waits for the next step. One step late the number is there already, and the GPU has work meanwhile.
    """

    def __init__(self, late: int) -> None:
        self.late = late
        self._waiting: deque[tuple[Outcome, torch.cuda.Event | None]] = deque()

    def send(self, sent: Outcome) -> Iterator[Outcome]:
        """Send one off; yields those that are due."""
        event = None
        if sent.energy.is_cuda:
            numbers = (sent.energy, sent.num_foreground, sent.is_finite)
            energy, num_foreground, is_finite = (number.to("cpu", non_blocking=True) for number in numbers)
            sent = Outcome(sent.step, energy, num_foreground, is_finite, sent.num_pixels)
            event = torch.cuda.Event()
            event.record()
        self._waiting.append((sent, event))
        yield from self._due(self.late)

    def rest(self) -> Iterator[Outcome]:
        """Those still on their way."""
        yield from self._due(0)

    def _due(self, may_wait: int) -> Iterator[Outcome]:
        while len(self._waiting) > may_wait:
            arrived, event = self._waiting.popleft()
            if event is not None:
                event.synchronize()
            yield arrived


def record_outcome(state: TrainState, arrived: Outcome) -> None:
    """Write into the state what a step gave.

    Raises
    ------
    TrainingError
        If it was the 20th in a row that was not finite.
    """
    state.energy = float(arrived.energy)
    state.foreground = int(arrived.num_foreground) / arrived.num_pixels  # exactly 0 or 1 only if all pixels are alike
    if arrived.is_finite:
        state.skipped = 0
        return
    state.skipped += 1
    if state.skipped >= _MOST_SKIPPED:
        raise not_finite_error(state, arrived.step)
