"""A toy to train on: tell bright pixels from dark ones, with the smallest U-Net there is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unseam.heads import Classes
from unseam.losses import WeightedCrossEntropy
from unseam.nets import UNetConfig
from unseam.training import SGD, AdamW, Batch, Budget, Cosine, Plan, TrainState
from unseam.training.average import AveragedWeights
from unseam.training.observers import Validate

CONFIG = UNetConfig(first_width=2, depth=1, dropout=0.3)
SMALL = (
    *("net.unet.first_width=2", "net.unet.depth=1", "net.unet.resolution=full"),
    *("training.output_size=24", "training.validations=3"),
    *("training.precision=float32", "normalise.low_percent=0", "normalise.high_percent=100", "average=none"),
)
"""Settings with which a run takes milliseconds a step."""

ENERGY = WeightedCrossEntropy()


def fresh(optimiser: SGD | AdamW, config: UNetConfig = CONFIG, average: float | None = None) -> TrainState:
    """A state before the first step, laid out in memory as a run lays it out."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = config.build().to(memory_format=torch.channels_last)
    averaged = AveragedWeights(net, average) if average is not None else None
    return TrainState(net, optimiser.build(net), averaged=averaged)


def batches(start: int = 0) -> Iterator[Batch]:
    """Batch after batch, each a function of its step."""
    geometry = CONFIG.build().geometry
    size = geometry.input_for_output(24)
    middle = slice(geometry.context, size - geometry.context)
    step = start
    while True:
        images = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(step))
        classes = (images[:, 0, middle, middle] > 0.5).to(torch.uint8)
        yield Batch(images, classes, torch.ones(classes.shape))
        step += 1


def plan(steps: int, learning_rate: float = 1e-2, clip_norm: float | None = 1.0, seed: int = 0, **schedule) -> Plan:
    settings = {"warm_up": 0.0, "decay": False} | schedule
    budget, device = Budget(steps, None), torch.device("cpu")
    return Plan(budget, Cosine(**settings), learning_rate, clip_norm, device, seed, Classes().likeliest)


def checked(validate: Validate) -> Callable[[TrainState, float], bool]:
    """Lets training end by an error when it no longer learns, as a run does."""

    def stop(state: TrainState, progress: float) -> bool:
        validate.check_learning(state, progress)
        return False

    return stop


def weights_of(net: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: w.detach().numpy().copy() for name, w in net.state_dict().items()}


def spots(rng: np.random.Generator, height: int = 60, width: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """A noisy image with three bright discs, and their instance map; the discs lie apart, and in both halves."""
    rows, cols = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.uint8)
    for number, (row, col) in enumerate([(0.25, 0.2), (0.7, 0.45), (0.35, 0.8)], start=1):
        at = (row * height + rng.uniform(-2, 2), col * width + rng.uniform(-2, 2))
        labels[(rows - at[0]) ** 2 + (cols - at[1]) ** 2 < (0.13 * min(height, width)) ** 2] = number
    image = rng.normal(60, 8, labels.shape) + 120 * (labels > 0)
    return image.clip(0, 255).astype(np.uint8), labels


def spots_folder(folder: Path, rng: np.random.Generator, names: str) -> Path:
    """A folder of such images and their binary masks (0 and 255), one for each letter."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for name in names:
        image, labels = spots(rng)
        Image.fromarray(image).save(folder / f"images/{name}.png")
        Image.fromarray((labels > 0).astype(np.uint8) * 255).save(folder / f"masks/{name}.png")
    return folder
