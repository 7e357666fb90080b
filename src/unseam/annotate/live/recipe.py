"""The recipe of the live network: it must say something useful after seconds, and never swing."""

import math
from dataclasses import dataclass, field

from unseam.augment import Augment, Elastic, GreyValues, Mirror, Rotate, Scale, Sharpness
from unseam.data.weight_map import WeightMap
from unseam.losses import Loss, WeightedCrossEntropy
from unseam.nets import UNetConfig
from unseam.training.optim import AdamW, Optimiser


def _net() -> UNetConfig:
    return UNetConfig(first_width=16, depth=3, dropout=0.1, normalisation="batch", resolution="half")


def _augment() -> Augment:
    return Augment(
        elastic=Elastic(grid=3, sigma=10.0),
        rotate=Rotate(),
        mirror=Mirror(),
        scale=Scale(low=0.6, high=1.8),
        sharpness=Sharpness(),
        grey=GreyValues(brightness=0.15, contrast=0.5, gamma=0.5, noise=0.04),
        still=0.3,
    )


@dataclass(frozen=True)
class LiveRecipe:
    """Settings of the network that learns while the user paints; ``docs/log.md`` records the trials behind them.

    Attributes
    ----------
    start
        The network that ships with whose weights it begins, where objects are learnt. Classes begin with drawn weights, and all
        do if it is empty.
    output_size, crops
        Side of the output for one crop, px, and crops a step, each round a pixel of another class.
    average
        Share of the averaged weights that a step keeps; their average is predicted with, since the last weights swing.
    statistics_fixed, statistics_momentum
        The step from which batch normalisation takes the stored statistics, as prediction does, and the share of each batch
        in them before.
    """

    net: UNetConfig = field(default_factory=_net)
    augment: Augment = field(default_factory=_augment)
    weight_map: WeightMap = field(default_factory=WeightMap)
    energy: Loss = field(default_factory=WeightedCrossEntropy)
    optimiser: Optimiser = field(default_factory=lambda: AdamW(learning_rate=1e-3, weight_decay=0.0))
    start: str = "general"
    output_size: int = 100
    crops: int = 3
    clip_norm: float = 1.0
    average: float = 0.98
    statistics_fixed: int = 100
    statistics_momentum: float = 0.05

    def reach(self, input_size: int) -> int:
        """Return how far from a pixel of its output tile a crop can read, px."""
        scale = 1 / self.augment.scale.low if self.augment.scale is not None else 1.0
        displacement = self.augment.elastic.sigma if self.augment.elastic is not None else 0.0
        return math.ceil(math.sqrt(2) * input_size * scale + 4 * displacement)
