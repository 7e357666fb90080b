"""The numbers of a step, and how they reach the host without making a GPU wait."""

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
    """The numbers of one step: the energy, the count of pixels classified as foreground, and whether all is finite."""

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
    """Return the numbers of a step, on the device that computed them; with several ranks those of the whole batch.

    ``classes`` is the predicted class of each pixel, 0 for background. A step counts as finite only if it is finite on every
    rank, so that all ranks apply it or none does.
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

    A GPU works through a queue. Reading a number of the step just queued waits until the queue is empty, and then the GPU has
    no work until the next step is queued. One step later the number has already arrived, and the GPU stays busy.
    """

    def __init__(self, late: int) -> None:
        self.late = late
        self._waiting: deque[tuple[Outcome, torch.cuda.Event | None]] = deque()

    def send(self, sent: Outcome) -> Iterator[Outcome]:
        """Start the transfer of one outcome; yield those that are due."""
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
        """Yield the outcomes that have not arrived yet."""
        yield from self._due(0)

    def _due(self, may_wait: int) -> Iterator[Outcome]:
        while len(self._waiting) > may_wait:
            arrived, event = self._waiting.popleft()
            if event is not None:
                event.synchronize()
            yield arrived


def record_outcome(state: TrainState, arrived: Outcome) -> None:
    """Write the numbers of a step into the state; raise TrainingError at the 20th step in a row that is not finite."""
    state.energy = float(arrived.energy)
    state.foreground = int(arrived.num_foreground) / arrived.num_pixels  # exactly 0 or 1 only if all pixels are alike
    if arrived.is_finite:
        state.skipped = 0
        return
    state.skipped += 1
    if state.skipped >= _MOST_SKIPPED:
        raise not_finite_error(state, arrived.step)
