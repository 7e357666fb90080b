"""The recipe for a newcomer: the best result in a few minutes from 1 to 30 images, on the machine at hand."""

from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate, Scale
from unseam.config import Run, TrainingSettings, WeightMapSettings
from unseam.nets import UNetConfig
from unseam.training.optim import AdamW, Schedule


def default() -> Run:
    """A narrower U-Net, trained with AdamW for five minutes.

    Departs from the paper for time: see ``docs/log.md`` for the trials, with their numbers, that this was chosen by.
    """
    return Run(
        net=UNetConfig(first_width=24, depth=4, dropout=0.2),
        weight_map=WeightMapSettings(w0=10.0, sigma=5.0, balance=0.5),
        augment=Augment(
            elastic=Elastic(grid=3, sigma=10.0),
            rotate=Rotate(),
            mirror=Mirror(),
            scale=Scale(),
            grey=GreyValues(),
        ),
        optimiser=AdamW(learning_rate=1e-3, weight_decay=1e-4),
        schedule=Schedule(warm_up=0.05, decay=True),
        training=TrainingSettings(minutes=5.0, output_size=260, batch_size=1, clip_norm=1.0),
    )
