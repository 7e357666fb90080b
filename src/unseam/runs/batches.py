"""The crops of a run: those of its steps, and others that no step meets."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unseam.data.crops import Crops, make_ahead
from unseam.data.split import Split
from unseam.engines import geometry_of
from unseam.recipes.run import Run
from unseam.training import Batch
from unseam.training.ranks import ALONE, Ranks

_AFTER_TRAINING = 10**9
"""The first step that no budget reaches (:class:`unseam.training.Budget`)."""


def training_batches(run: Run, parts: Split, net: nn.Module, step: int, ranks: Ranks) -> Iterator[Batch]:
    """Yield the batch of each step from ``step`` on, made in a second thread; with several ranks this rank's part of it."""
    made = make_ahead(_crops(run, parts, net, ranks).batch, step)
    return (Batch(images, classes, weights, tuple(planes)) for images, classes, weights, *planes in made)


def unseen_images(run: Run, parts: Split, net: nn.Module, number: int) -> Iterator[Float[Tensor, "batch channel height width"]]:
    """Yield the images of at least ``number`` crops that no step meets, in batches as large as those of training."""
    crops = _crops(run, parts, net, ALONE)
    for index in range(-(-number // run.training.batch_size)):
        images, *_ = crops.batch(_AFTER_TRAINING + index)
        yield images.contiguous(memory_format=torch.channels_last)


def _crops(run: Run, parts: Split, net: nn.Module, ranks: Ranks) -> Crops:
    settings, device = run.training, next(net.parameters()).device
    geometry, size = geometry_of(net), settings.output_size
    return Crops(parts.training, run.augment, geometry, size, settings.batch_size, settings.seed, device, ranks.rank)
