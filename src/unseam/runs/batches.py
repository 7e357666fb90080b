"""The training crops of a run, from its settings."""

from collections.abc import Callable, Iterator, Sequence

from unseam.data.copy_paste import PastedSamples, targets_from_objects
from unseam.data.crop_stock import Stock
from unseam.data.crops import Crops, make_ahead
from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.engines import geometry_of
from unseam.recipes.run import Run
from unseam.training import Batch, TrainState
from unseam.training.ranks import Ranks


def make_batches(
    run: Run, prepared: Prepared, samples: Sequence[Sample], state: TrainState, ranks: Ranks, tell: Callable[[str], None]
) -> Iterator[Batch]:
    """Yield the batches of training samples, from the step that a run has reached.

    Raises SettingsError if objects are to be pasted and the masks number none.
    """
    settings, device = run.training, next(state.net.parameters()).device

    def with_targets(sample: Sample) -> Sample:
        return targets_from_objects(sample, prepared.head, run.weight_map, prepared.class_weights)

    pasted = PastedSamples(samples, run.paste, with_targets, settings.seed) if run.paste is not None else None
    if pasted is not None:
        tell(pasted.reason)
    stock, geometry = Stock(samples, settings.crops, pasted), geometry_of(state.net)
    crops = Crops(stock, run.augment, geometry, settings.output_size, settings.batch_size, settings.seed, device, ranks.rank)
    made = make_ahead(crops.batch, state.step)
    return (Batch(images, classes, weights, tuple(planes)) for images, classes, weights, *planes in made)
