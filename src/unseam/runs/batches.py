"""The crops of a run: those of its steps, and others that no step meets."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from unseam.data.copy_paste import PastedSamples, targets_from_objects
from unseam.data.crop_stock import Stock
from unseam.data.crops import Crops, make_ahead
from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.engines import geometry_of
from unseam.nets import normalisations, recompute_statistics, set_fixed
from unseam.recipes.run import Run
from unseam.training import Batch
from unseam.training.ranks import Ranks

_AFTER_TRAINING = 10**9
"""The first step that no budget reaches (:class:`unseam.training.Budget`)."""


def make_crops(
    run: Run, prepared: Prepared, samples: Sequence[Sample], net: nn.Module, ranks: Ranks, tell: Callable[[str], None]
) -> Crops:
    """Make the source of training crops. Raises SettingsError if objects are to be pasted and the masks number none."""
    settings, device = run.training, next(net.parameters()).device

    def with_targets(sample: Sample) -> Sample:
        return targets_from_objects(sample, prepared.head, run.weight_map, prepared.class_weights)

    pasted = PastedSamples(samples, run.paste, with_targets, settings.seed) if run.paste is not None else None
    if pasted is not None:
        tell(pasted.reason)
    stock, geometry = Stock(samples, settings.crops, pasted), geometry_of(net)
    return Crops(stock, run.augment, geometry, settings.output_size, settings.batch_size, settings.seed, device, ranks.rank)


def training_batches(crops: Crops, step: int) -> Iterator[Batch]:
    """Yield the batch of each step from ``step`` on, made in a second thread; with several ranks this rank's part of it."""
    made = make_ahead(crops.batch, step)
    return (Batch(images, classes, weights, tuple(planes)) for images, classes, weights, *planes in made)


def renew_statistics(net: nn.Module, crops: Crops, number: int) -> None:
    """Compute the statistics of the kept weights anew, in float32, from at least ``number`` crops that no step has met.

    Statistics that are fixed stay: the weights have learnt with them.
    """
    if number and any(not layer.is_fixed for layer in normalisations(net)):
        device = next(net.parameters()).device
        steps = range(_AFTER_TRAINING, _AFTER_TRAINING - (-number // crops.batch_size))
        images = (crops.batch(step)[0].contiguous(memory_format=torch.channels_last) for step in steps)
        recompute_statistics(net, (image.to(device) for image in images))


def fixes_statistics(net: torch.nn.Module, share: float, ranks: Ranks) -> Callable[[float], None]:
    """Return a function that fixes the statistics of a network from a share of the run on."""

    def before_step(progress: float) -> None:
        is_fixed = progress >= share
        if is_fixed and any(not layer.is_fixed for layer in normalisations(net)):
            ranks.same_weights(net)  # each rank has stored its own, and a resumed run has those of rank 0
        set_fixed(net, is_fixed=is_fixed)

    return before_step
