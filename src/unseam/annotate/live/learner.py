"""The live network: its crops, its steps, and the average of its weights."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from unseam.annotate.live.images import LiveImages
from unseam.annotate.live.recipe import LiveRecipe
from unseam.annotate.live.stock import StrokeStock
from unseam.augment import DrawnGeometry
from unseam.data.declaration import declares_objects
from unseam.engines import geometry_of
from unseam.heads import Head, head_for
from unseam.model.model_file import load_model
from unseam.nets import Net, carry_over, differing_settings, fast_on_cpu, set_fixed, set_momentum
from unseam.networks import find_model, reading_shipped
from unseam.training import Batch, Budget, Plan, TrainState, train_network
from unseam.training.average import AveragedWeights
from unseam.training.optim import Cosine
from unseam.training.ranks import keep_random_state

_TRIES = 20  # places in the output tile to try before the drawn pixel becomes the middle of the crop
_UNLIKELY = -3.0  # logit of a class that nobody has painted yet
_ENDLESS = Budget(steps=10**9)
_CPU = torch.device("cpu")


class Learner:
    """A network that learns from a stock of strokes, a few steps at a time.

    Parameters
    ----------
    num_classes
        With the background.

    Attributes
    ----------
    state
        Network, optimiser, averaged weights and number of steps.
    """

    def __init__(self, recipe: LiveRecipe, stock: StrokeStock, images: LiveImages, num_classes: int, seed: int) -> None:
        self.recipe, self.stock, self.images, self.seed = recipe, stock, images, seed
        self.head: Head = head_for(has_objects=declares_objects(stock.kind))
        self.state = self._fresh_state(num_classes)
        geometry = geometry_of(self.state.net)
        self.input_size = geometry.input_for_output(recipe.output_size)
        self.output_size = geometry.output_for(self.input_size)

    @property
    def step(self) -> int:
        return self.state.step

    @property
    def averaged(self) -> nn.Module:
        """The network of the averaged weights; the next steps change it."""
        return self.state.judged

    @property
    def can_learn(self) -> bool:
        """Whether two classes are painted."""
        return len(self.stock.classes) > 1

    def grow(self, num_classes: int) -> None:
        """Take more classes; what is known of the others stays."""
        before = self.state
        self.state = self._fresh_state(num_classes)
        self.state.step = before.step
        for net, old in ((self.state.net, before.net), (self.averaged, before.judged)):
            _copy_with_new_classes(old, net)

    def take_over(self, net: Mapping[str, Tensor], averaged: Mapping[str, Tensor], step: int) -> None:
        """Go on from weights of the same network."""
        self.state.net.load_state_dict(net)
        self.averaged.load_state_dict(averaged)
        self.state.step = step

    def learn(self, steps: int) -> None:
        """Take some steps. Raises TrainingError if the energy is not finite for many steps in a row."""
        end = self.step + steps
        plan = Plan(
            budget=_ENDLESS,
            schedule=Cosine(warm_up=0.0, decay=False),
            learning_rate=self.recipe.optimiser.learning_rate,
            clip_norm=self.recipe.clip_norm,
            device=_CPU,
            seed=self.seed,
            classes_of=self.head.likeliest,
            before_step=lambda _: set_fixed(self.state.net, is_fixed=self.step >= self.recipe.statistics_fixed),
        )
        with fast_on_cpu(self.state.net):
            energy_of = self.head.energy_of(self.recipe.energy)
            train_network(self.state, self._batches(), energy_of, plan, stop=lambda state, _: state.step >= end)

    def batch(self, step: int) -> Batch:
        """Cut the crops of a step: each round a pixel of another class, the classes in turn."""
        rng = np.random.default_rng([self.seed, 3, step])
        classes = self.stock.classes
        crops = [self._crop(classes[(step + number) % len(classes)], rng) for number in range(self.recipe.crops)]
        images, maps, weights = (torch.stack(part) for part in zip(*crops, strict=True))
        return Batch(images, maps, weights)

    def _fresh_state(self, num_classes: int) -> TrainState:
        channels = self.images.num_channels
        assert channels is not None, "an image was opened before anything was painted on it"
        config = replace(self.recipe.net, in_channels=channels, num_classes=num_classes)
        with keep_random_state(_CPU):
            torch.manual_seed(self.seed)
            net: Net = config.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.recipe.start and declares_objects(self.stock.kind):
            begin_with(net, self.recipe.start)
        set_momentum(net, self.recipe.statistics_momentum)
        return TrainState(net, self.recipe.optimiser.build(net), averaged=AveragedWeights(net, self.recipe.average))

    def _batches(self) -> Iterator[Batch]:
        while True:
            yield self.batch(self.step)

    def _crop(self, klass: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        image, row, column = self.stock.draw(klass, rng)
        targets = self.stock.targets[image]
        # All that a crop can read, however it is turned and scaled; of a large image nothing else is read.
        reach = self.recipe.reach(self.input_size)
        size = targets.classes.height, targets.classes.width
        rows, columns = (
            slice(max(0, at - reach), min(length, at + reach + 1)) for at, length in zip((row, column), size, strict=True)
        )
        maps, weights = targets.window(rows, columns)

        def centre(geometry: DrawnGeometry) -> tuple[float, float]:
            """Choose the middle of the crop so that the pixel lies anywhere in the output tile, and the middle in the image."""
            context = (self.input_size - self.output_size) // 2
            places = [rng.integers(context, context + self.output_size, 2) for _ in range(_TRIES)]
            for at in (*places, np.array([self.input_size // 2] * 2)):
                down, across = geometry.offset(int(at[0]), int(at[1]))
                middle = row - down, column - across
                if all(-0.5 <= m <= length - 0.5 for m, length in zip(middle, size, strict=True)):
                    break
            return middle[0] - rows.start, middle[1] - columns.start

        pixels = self.images.window(image, rows, columns)
        crop = self.recipe.augment(
            pixels, maps, weights, centre=centre, input_size=self.input_size, output_size=self.output_size, rng=rng
        )
        assert crop.weights is not None
        return crop.image, crop.classes, crop.weights


def begin_with(net: Net, name: str) -> None:
    """Copy the weights of a network of objects that ships, if it has the same architecture.

    Raises ModelFileError if its file is damaged.
    """
    with reading_shipped(name):
        start, _ = load_model(find_model(name))
    if isinstance(start, Net) and not differing_settings(start.config, net.config):
        carry_over(start, net, range(net.config.num_classes))


@torch.no_grad()
def _copy_with_new_classes(old: nn.Module, net: nn.Module) -> None:
    """Copy all weights; those of the new classes, the last ones, begin as unlikely everywhere."""
    known = old.state_dict()
    for name, weight in net.state_dict().items():
        before = known[name]
        if weight.shape == before.shape:
            weight.copy_(before)
            continue
        weight[: len(before)] = before
        weight[len(before) :] = _UNLIKELY if weight.dim() == 1 else 0.0
