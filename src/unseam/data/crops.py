"""Training crops: an endless stream in which each batch is a function of (seed, step) and of nothing else."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch

from unseam.augment import Augment
from unseam.data.sample import Sample
from unseam.geometry import Geometry
from unseam.shapes import IGNORE

T = TypeVar("T")
_TRIES = 50


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
        Crops a step.
    seed
        With the step it determines the batch, so restarts and threads change nothing.

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
    ) -> None:
        self.samples = tuple(samples)
        self.augment = augment
        self.input_size = geometry.input_for_output(output_size)
        self.output_size = geometry.output_for(self.input_size)
        self.batch_size = batch_size
        self.seed = seed
        annotated = np.array([np.count_nonzero(s.classes != IGNORE) for s in self.samples], dtype=np.float64)
        self._chances = annotated / annotated.sum()

    def crop(self, step: int, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Crop ``index`` of the batch of ``step``: image (C, H, W), classes (h, w), weights (h, w)."""
        rng = np.random.default_rng([self.seed, 2, step, index])
        sample = self.samples[rng.choice(len(self.samples), p=self._chances)]
        crop = self.augment(
            sample.image,
            sample.classes,
            sample.weights,
            centre=self._centre(sample, rng),
            input_size=self.input_size,
            output_size=self.output_size,
            rng=rng,
        )
        assert crop.weights is not None
        return torch.from_numpy(crop.image), torch.from_numpy(crop.classes), torch.from_numpy(crop.weights)

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The batch of a step: images (B, C, H, W), classes (B, h, w), weights (B, h, w)."""
        crops = [self.crop(step, index) for index in range(self.batch_size)]
        images, classes, weights = (torch.stack(part) for part in zip(*crops, strict=True))
        return images, classes, weights

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


def made_ahead(make: Callable[[int], T], start: int, ahead: int = 2) -> Iterator[T]:
    """``make(start)``, ``make(start + 1)``, ..., each made in a thread beside the caller, ``ahead`` of them in advance.

    Threads, not processes: the work is done in native code that lets other threads run, nothing is copied between
    processes, and no worker can die alone. A failure is raised where its result would have been.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="crops") as pool:
        waiting = [pool.submit(make, start + i) for i in range(ahead)]
        step = start + ahead
        try:
            while True:
                result = waiting.pop(0).result()
                waiting.append(pool.submit(make, step))
                step += 1
                yield result
        finally:
            for future in waiting:
                future.cancel()
