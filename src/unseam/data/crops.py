"""Training crops: an endless stream in which each batch is a function of (seed, step) and of nothing else."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch

from unseam.augment import Augment, Crop
from unseam.data.sample import Sample
from unseam.errors import TrainingError
from unseam.geometry import Geometry
from unseam.shapes import IGNORE

T = TypeVar("T")
Made = tuple[T | None, BaseException | None]
"""A result, or what was raised instead of it."""

_TRIES = 50
_PATIENCE = 600
_LAST_SECONDS = 10.0


class Crops:
    """Random, augmented crops of annotated images.

    Parameters
    ----------
    samples
        Annotated images; those with more annotated pixels are drawn more often.
    augment
        The random transform of each crop.
    geometry
        Of the network: how much larger the input is than the output.
    output_size
        Side of the network's output, px, at least; rounded up to an admissible one.
    batch_size
        Crops a step and process.
    seed
        With the step it determines the batch, so restarts and threads change nothing.
    device
        Where crops are made. On a CUDA GPU the images are kept there and batches come to lie there, if half of its free
        memory holds the images; otherwise they are made on the CPU. What is random is drawn alike, but for the noise,
        which a GPU draws itself.
    rank
        Of several processes that share a batch: each makes ``batch_size`` crops of it, the first process the first ones.

    Source: paper, section 3: large tiles rather than large batches; so the default is few large crops.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        augment: Augment,
        geometry: Geometry,
        output_size: int,
        batch_size: int,
        seed: int,
        device: torch.device | None = None,
        rank: int = 0,
    ) -> None:
        self.samples = tuple(samples)
        self._planes = [_on_device(s, device) for s in samples] if has_room(samples, device) else [_planes(s) for s in samples]
        self.augment = augment
        self.input_size = geometry.input_for_output(output_size)
        self.output_size = geometry.output_for(self.input_size)
        self.batch_size = batch_size
        self._indices = range(rank * batch_size, (rank + 1) * batch_size)
        self.seed = seed
        annotated = np.array([np.count_nonzero(s.classes != IGNORE) for s in self.samples], dtype=np.float64)
        self._chances = annotated / annotated.sum()

    def crop(self, step: int, index: int) -> tuple[torch.Tensor, ...]:
        """Crop ``index`` of the batch of ``step``: image (C, H, W), then classes, weights and further targets, (h, w) each."""
        rng = np.random.default_rng([self.seed, 2, step, index])
        chosen = rng.choice(len(self.samples), p=self._chances)
        image, classes, weights, *planes = self._planes[chosen]
        crop: Crop = self.augment(
            image,
            classes,
            weights,
            planes,
            centre=self._centre(self.samples[chosen], rng),
            input_size=self.input_size,
            output_size=self.output_size,
            rng=rng,
        )
        assert crop.weights is not None
        return crop.image, crop.classes, crop.weights, *crop.planes

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """The batch of a step: images (B, C, H, W), then classes, weights and further targets, (B, h, w) each."""
        crops = [self.crop(step, index) for index in self._indices]
        return tuple(torch.stack(part) for part in zip(*crops, strict=True))

    def _centre(self, sample: Sample, rng: np.random.Generator) -> tuple[float, float]:
        """A place in the image, at an annotated pixel if one is soon found."""
        height, width = sample.classes.shape
        row, col = 0.0, 0.0
        for _ in range(_TRIES):
            row, col = rng.uniform(-0.5, height - 0.5), rng.uniform(-0.5, width - 0.5)
            if sample.classes[round(row) % height, round(col) % width] != IGNORE:
                return row, col
        annotated = np.flatnonzero(sample.classes != IGNORE)  # sparse annotation: look it up
        place = int(annotated[rng.integers(len(annotated))])
        return float(place // width), float(place % width)


def _planes(sample: Sample) -> tuple[np.ndarray, ...]:
    return sample.image, sample.classes, sample.weights, *sample.planes


def _on_device(sample: Sample, device: torch.device | None) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(part, device=device) for part in _planes(sample))


def has_room(samples: Sequence[Sample], device: torch.device | None) -> bool:
    """Whether the images fit into half of the free memory of a GPU; the network needs the other half."""
    if device is None or device.type != "cuda":
        return False
    needed = sum(part.nbytes for sample in samples for part in _planes(sample))
    return needed <= torch.cuda.mem_get_info(device)[0] // 2


def make_ahead(make: Callable[[int], T], start: int, ahead: int = 2, patience: int = _PATIENCE) -> Iterator[T]:
    """``make(start)``, ``make(start + 1)``, ..., each made in a thread beside the caller, ``ahead`` of them in advance.

    Threads, not processes: the work is done in native code that lets other threads run, nothing is copied between
    processes, and no worker can die alone. A failure is raised where its result would have been.

    The thread computes on one core: with as many helpers as the training step has, waiting for each other while they spin,
    the two would slow a step of the default recipe by a quarter.

    A thread that hangs cannot be ended from outside, but it holds up neither the end of training nor that of the program.

    Raises
    ------
    TrainingError
        If a result has not come after ``patience`` seconds of waiting; seconds in which the whole process was stopped do not
        count.
    """
    wanted: queue.Queue[int | None] = queue.Queue()
    made: queue.Queue[Made[T]] = queue.Queue()
    closed = threading.Event()
    num_threads = torch.get_num_threads()
    thread = threading.Thread(target=_make_all, args=(make, wanted, made, closed), name="crops", daemon=True)
    thread.start()
    made.get()  # it has limited itself
    torch.set_num_threads(num_threads)  # for threads to come: what was said in the thread holds for them too
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
            yield result  # type: ignore[misc]  # None only where make gave it
    finally:
        closed.set()
        wanted.put(None)
        thread.join(_LAST_SECONDS)


def _make_all(
    make: Callable[[int], T],
    wanted: queue.Queue[int | None],
    made: queue.Queue[Made[T]],
    closed: threading.Event,
) -> None:
    _compute_on_one_core()
    made.put((None, None))
    while (step := wanted.get()) is not None and not closed.is_set():
        try:
            made.put((make(step), None))
        except BaseException as error:  # raised again where the result is waited for
            made.put((None, error))


def _wait(made: queue.Queue[Made[T]], step: int, patience: int) -> Made[T]:
    for _ in range(patience):
        try:
            return made.get(timeout=1)
        except queue.Empty:
            continue
    raise TrainingError(
        f"The training crops for step {step} have not come for {patience} seconds: the thread that makes them hangs. What was "
        "saved before is sound: go on with --resume, or restart the machine if it happens again."
    )


def _compute_on_one_core() -> None:
    """Limit this thread; PyTorch takes the number over when the thread first asks for it, so it asks at once."""
    torch.set_num_threads(1)
    torch.get_num_threads()
