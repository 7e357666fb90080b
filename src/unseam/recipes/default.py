"""The recipe for newcomers: the best result in a few minutes, from 1 to 30 images, on an ordinary computer."""

from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate, Scale
from unseam.nets import UNetConfig
from unseam.recipes.run import Run, TrainingSettings, WeightMap
from unseam.training.optim import AdamW, Cosine


def default() -> Run:
    """Train a narrower U-Net with AdamW for five minutes.

    Departs: a quarter of the paper's width (a sixteenth of its arithmetic), so that two laptop cores process about a
    thousand crops in that time; AdamW and a falling learning rate, which need fewer steps than momentum 0.99; a milder
    class balance; objects also vary in size. ``docs/log.md`` records the trials behind these choices, with numbers.
    """
    return Run(
        net=UNetConfig(first_width=16, depth=4, dropout=0.1),
        weight_map=WeightMap(w0=10.0, sigma=5.0, balance=0.25),
        augment=Augment(
            elastic=Elastic(grid=3, sigma=10.0),
            rotate=Rotate(),
            mirror=Mirror(),
            scale=Scale(low=0.75, high=1.33),
            grey=GreyValues(brightness=0.1, contrast=0.3, gamma=0.3, noise=0.02),
        ),
        optimiser=AdamW(learning_rate=1e-3, weight_decay=1e-4),
        schedule=Cosine(warm_up=0.05, decay=True),
        training=TrainingSettings(minutes=5.0, output_size=260, batch_size=1, clip_norm=1.0),
    )
