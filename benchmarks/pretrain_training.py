"""The training of ``pretrain.py``: one trunk, and a last layer for each set or for all together.

The network is the U-Net of the default recipe, whose last layer is replaced by several. A step takes a crop of one set, and
computes the layers of that set only. All else is the product's own training.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from unseam.data.crops import Crops, make_ahead
from unseam.data.prepare import Prepared
from unseam.data.sample import Sample
from unseam.engines import settle_precision
from unseam.machine.kept_memory import keep_freed_memory
from unseam.nets import UNet, UNetConfig, fast_on_cpu, set_momentum
from unseam.recipes.run import Run
from unseam.runs.batches import fixes_statistics
from unseam.training import Batch, Budget, Plan, TrainState, train_network
from unseam.training.average import AveragedWeights
from unseam.training.ranks import ALONE

ALL_OBJECTS = "objects"
"""The layer that all sets of objects share: the one that is kept in the model file."""

INVERTED = 1 / 3
"""Share of the crops whose grey values are inverted, so that bright and dark backgrounds are all the same to the network."""


class OneOf(nn.Module):
    """Several last layers, of which those in ``chosen`` are computed, one after the other along the channels."""

    def __init__(self, layers: Mapping[str, nn.Conv2d]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.chosen: tuple[str, ...] = tuple(layers)[:1]

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([self.layers[name](features) for name in self.chosen], dim=1)


@dataclass(frozen=True)
class Part:
    """A set in training: its crops, one source an image, the layers that learn from it, and how often it is drawn."""

    crops: tuple[Crops, ...]
    layers: tuple[str, ...]
    energy: Callable[..., Tensor]
    weight: float


def several_layers(config: UNetConfig, num_classes: Mapping[str, int]) -> UNet:
    """The network with a drawn last layer of as many classes for each name."""
    net = config.build()
    layers = {name: replace(config, num_classes=number).build().classify for name, number in num_classes.items()}
    net.classify = OneOf(layers)  # type: ignore[assignment]
    return net


def with_one_layer(net: UNet, name: str) -> UNet:
    """A plain network: the trunk, with one of its last layers."""
    several = net.classify
    assert isinstance(several, OneOf)
    layer = several.layers[name]
    plain = replace(net.config, num_classes=layer.out_channels // net.pixels_at_once).build()
    trunk = {key: value for key, value in net.state_dict().items() if not key.startswith("classify.")}
    plain.load_state_dict(trunk | {f"classify.{key}": value for key, value in layer.state_dict().items()})
    return plain.eval()


def inverted(sample: Sample) -> Sample:
    return replace(sample, image=1 - sample.image)


def part_of(prepared: Prepared, run: Run, net: UNet, layers: tuple[str, ...], weight: float) -> Part:
    settings = run.training
    sizes = (net.geometry, settings.output_size, settings.batch_size, settings.seed)
    crops = tuple(Crops([sample], run.augment, *sizes) for sample in prepared.samples)
    return Part(crops, layers, prepared.head.energy_of(run.energy), weight)


def make_batch(parts: Sequence[Part], seed: int, step: int) -> tuple[int, Batch]:
    """The set and the batch of a step, a function of seed and step alone: a set, then one of its images, then a crop."""
    rng = np.random.default_rng([seed, 3, step])
    chances = np.array([part.weight for part in parts])
    number = int(rng.choice(len(parts), p=chances / chances.sum()))
    crops = parts[number].crops[rng.integers(len(parts[number].crops))]
    image, classes, weights, *planes = crops.batch(step)
    if rng.random() < INVERTED:
        image = 1 - image
    return number, Batch(image, classes, weights, tuple(planes))


def train(parts: Sequence[Part], net: UNet, run: Run, steps: int, tell: Callable[[str], None]) -> TrainState:
    """Train for a number of steps; ``state.judged`` is the network that is kept."""
    keep_freed_memory()
    several, device, seed = net.classify, torch.device("cpu"), run.training.seed
    assert isinstance(several, OneOf)
    net = net.to(memory_format=torch.channels_last)
    set_momentum(net, run.training.statistics_momentum)
    average = AveragedWeights(net, run.training.average or 0.999)
    state = TrainState(net, run.optimiser.build(net), precision=settle_precision("auto", device), averaged=average)
    current = parts[0]

    def batches() -> Iterator[Batch]:
        nonlocal current
        for number, batch in make_ahead(lambda step: make_batch(parts, seed, step), 0):
            current = parts[number]
            several.chosen = current.layers
            yield batch

    def energy_of(logits: Tensor, *targets: Tensor) -> Tensor:
        each = [current.energy(one, *targets) for one in logits.chunk(len(current.layers), dim=1)]
        return torch.stack(each).mean()

    def report(state: TrainState, progress: float) -> None:
        energies.append(state.energy)
        if state.step % 500 == 0:
            mean = float(np.mean(energies[-500:]))
            tell(f"step {state.step} of {steps}: energy {mean:.3f}, {state.seconds:.0f} s, {state.precision}")

    energies: list[float] = []
    plan = Plan(
        Budget(steps=steps), run.schedule, run.optimiser.learning_rate, run.training.clip_norm, device, seed,
        classes_of=lambda logits: logits[:, :2].argmax(dim=1),
        before_step=fixes_statistics(net, run.training.statistics_fixed, ALONE),
    )  # fmt: skip
    with fast_on_cpu(net):
        train_network(state, batches(), energy_of, plan, [report])
    return state
