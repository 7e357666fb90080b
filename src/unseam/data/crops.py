"""Training crops: an endless stream in which each batch depends on (seed, step) alone."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch

from unseam.augment import Augment, Crop
from unseam.data.crop_stock import Stock
from unseam.data.sample import Sample
from unseam.errors import TrainingError
from unseam.geometry import Geometry

T = TypeVar("T")
Made = tuple[T | None, BaseException | None]
"""A result, or the exception raised instead."""

Planes = tuple[np.ndarray | torch.Tensor, ...]
"""Image (C, H, W); classes, weights and further targets, (H, W) each."""

_PATIENCE = 600  # s
_LAST_SECONDS = 10.0  # to wait for the thread at the end


class Crops:
    """Random, augmented crops of annotated images.

    Parameters
    ----------
    samples
        Annotated images; those with more annotated pixels are drawn more often. A :class:`Stock` may draw them in another way.
    augment
        The random transform of each crop.
    geometry
        The network's: how much larger the input is than the output.
    output_size
        Smallest side of the network's output, px; rounded up to a size that the network allows.
    batch_size
        Crops per step and process.
    seed
        Determines each batch together with the step, so restarts and threads change nothing.
    device
        Where to make crops. A CUDA GPU keeps the images and makes the crops if the images fit into half of its free memory;
        otherwise the CPU makes them. Both draw the same random numbers, except that a GPU generates its own noise.
    rank
        Number of this process among those that share a batch. Each makes ``batch_size`` crops, in the order of the ranks.

    Source: paper, section 3: large tiles rather than large batches. So the default is few large crops.
    """

    def __init__(
        self,
        samples: Sequence[Sample] | Stock,
        augment: Augment,
        geometry: Geometry,
        output_size: int,
        batch_size: int,
        seed: int,
        device: torch.device | None = None,
        rank: int = 0,
    ) -> None:
        self.stock = samples if isinstance(samples, Stock) else Stock(samples)
        self._keeper = device if has_room(self.stock.samples, device) else None
        self._planes = [] if self.stock.pasted else [self._kept(sample) for sample in self.stock.samples]
        self._pasted: dict[int, tuple[int, Planes]] = {}
        self.augment = augment
        self.input_size = geometry.input_for_output(output_size)
        self.output_size = geometry.output_for(self.input_size)
        self.batch_size = batch_size
        self._indices = range(rank * batch_size, (rank + 1) * batch_size)
        self.seed = seed

    def crop(self, step: int, index: int) -> tuple[torch.Tensor, ...]:
        """Make crop ``index`` of the batch of ``step``: image (C, H, W); classes, weights and further targets, (h, w) each."""
        rng = np.random.default_rng([self.seed, 2, step, index])
        chosen, centre = self.stock.draw(self.input_size, self.output_size, rng)
        image, classes, weights, *planes = self._planes_at(chosen, step)
        sizes = {"input_size": self.input_size, "output_size": self.output_size}
        crop: Crop = self.augment(image, classes, weights, planes, centre=centre, **sizes, rng=rng)
        assert crop.weights is not None
        return crop.image, crop.classes, crop.weights, *crop.planes

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """Make the batch of a step: images (B, C, H, W); classes, weights and further targets, (B, h, w) each."""
        crops = [self.crop(step, index) for index in self._indices]
        return tuple(torch.stack(part) for part in zip(*crops, strict=True))

    def _planes_at(self, index: int, step: int) -> Planes:
        """Return what crops of an image are cut from at a step."""
        pasted = self.stock.pasted
        if pasted is None:
            return self._planes[index]
        arrangement = pasted.arrangement(index, step)
        if index not in self._pasted or self._pasted[index][0] != arrangement:
            self._pasted[index] = arrangement, self._kept(pasted.sample(index, arrangement))
        return self._pasted[index][1]

    def _kept(self, sample: Sample) -> Planes:
        return _planes(sample) if self._keeper is None else _on_device(sample, self._keeper)


def _planes(sample: Sample) -> tuple[np.ndarray, ...]:
    return sample.image, sample.classes, sample.weights, *sample.planes


def _on_device(sample: Sample, device: torch.device) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(part, device=device) for part in _planes(sample))


def has_room(samples: Sequence[Sample], device: torch.device | None) -> bool:
    """Return whether the images fit into half of a GPU's free memory; the network needs the other half."""
    if device is None or device.type != "cuda":
        return False
    needed = sum(part.nbytes for sample in samples for part in _planes(sample))
    return needed <= torch.cuda.mem_get_info(device)[0] // 2


def make_ahead(make: Callable[[int], T], start: int, ahead: int = 2, patience: int = _PATIENCE) -> Iterator[T]:
    """Yield ``make(start)``, ``make(start + 1)``, ..., made in a second thread, ``ahead`` of them in advance.

    A thread, not a process: the work is native code that releases the interpreter lock, nothing is copied between
    processes, and no worker can die alone. An exception in the thread is raised in place of its result.

    A thread that hangs cannot be stopped from outside, but it delays neither the end of training nor that of the program.

    Raises
    ------
    TrainingError
        A result takes more than ``patience`` seconds of waiting, not counting time in which the whole process was stopped.
    """
    wanted: queue.Queue[int | None] = queue.Queue()
    made: queue.Queue[Made[T]] = queue.Queue()
    closed = threading.Event()
    num_threads = torch.get_num_threads()
    thread = threading.Thread(target=_make_all, args=(make, wanted, made, closed), name="crops", daemon=True)
    thread.start()
    # PyTorch's limit holds for the calling thread and for all threads started later. So wait until the thread has limited
    # itself, then restore the number for everything else.
    made.get()
    torch.set_num_threads(num_threads)
    try:
        for step in range(start, start + ahead):
            wanted.put(step)
        step = start
        while True:
            result, error = _wait(made, step, patience)
            if error is not None:
                raise error
            wanted.put(step + ahead)
            step += 1
            yield result  # type: ignore[misc]  # None only where make returned it
    finally:
        closed.set()  # the thread may still have ``ahead`` numbers in its queue: it skips them
        wanted.put(None)
        thread.join(_LAST_SECONDS)


def _make_all(
    make: Callable[[int], T], wanted: queue.Queue[int | None], made: queue.Queue[Made[T]], closed: threading.Event
) -> None:
    _compute_on_one_core()
    made.put((None, None))
    while (step := wanted.get()) is not None and not closed.is_set():
        try:
            made.put((make(step), None))
        except BaseException as error:  # an error raised here would end the thread silently, and the caller would wait
            made.put((None, error))


def _wait(made: queue.Queue[Made[T]], step: int, patience: int) -> Made[T]:
    for _ in range(patience):  # short waits: a suspended process would use up one long timeout at once
        try:
            return made.get(timeout=1)
        except queue.Empty:
            continue
    raise TrainingError(
        f"The training crops for step {step} did not arrive within {patience} seconds: the thread that makes them hangs. "
        "Checkpoints are not affected: continue with --resume, or restart the machine if it happens again."
    )


def _compute_on_one_core() -> None:
    """Limit this thread to one core.

    Helper threads of the crops would spin next to those of the training step, and slow a step of the default recipe by a
    quarter. PyTorch applies the limit when the thread first reads it, hence the second call.
    """
    torch.set_num_threads(1)
    torch.get_num_threads()
