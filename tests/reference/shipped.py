"""A folder of networks that ship, for tests: tiny ones, whose weights are set so that they find what is bright."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from unseam.data.grey_facts import SeenImages
from unseam.heads import Objects, RidgeObjects
from unseam.model.model_file import ModelInfo, TrainingRecord, save_model
from unseam.model.release import ImageSet, Release, SetScore
from unseam.nets import UNetConfig

OBJECT_PX = 10.0
CARD = Release(
    purpose="bright discs",
    name="discs",
    object_px=OBJECT_PX,
    licence="BSD-3-Clause",
    sets=(ImageSet("toys", "CC0-1.0", "drawn by the tests", 3),),
    scores=(SetScore("other toys", "F1 at IoU 0.5", 0.875, 2),),
    command="python toys.py",
    commit="0f0f0f0",
    minutes=1.5,
)


def bright_net(config: UNetConfig) -> torch.nn.Module:
    """A network that passes the image through, and takes as object what is above a half."""
    net = config.build()
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        convolutions = [m for m in [*net.contracting[0], *net.expansive[-1]] if isinstance(m, torch.nn.Conv2d)]
        first, second, third, fourth = convolutions
        for convolution, channel in ((first, 0), (second, 0), (third, config.first_width), (fourth, 0)):
            convolution.weight[0, channel, 1, 1] = 1  # the copied half of the features comes second
        net.classify.weight[1, 0], net.classify.bias[1] = 20, -10
    return net.eval()


def bright_info(card: Release | None = CARD, **changes) -> ModelInfo:
    config = UNetConfig(first_width=2, depth=1)
    info = ModelInfo(
        net=config,
        head=RidgeObjects(),
        objects=Objects(min_size=4, grow_px=0.0),
        masks="instances",
        class_names=("background", "object"),
        training=TrainingRecord(
            images=("toys",), steps=3, precision="float32", device="cpu", date="2026-11-30", versions=("unseam",)
        ),
        release=card,
    )
    return replace(info, **changes)


def ship(folder: Path, name: str, info: ModelInfo | None = None, *, half: bool = True) -> Path:
    """Write a network into a folder of networks that ship."""
    info = info or bright_info()
    path = folder / f"{name}.safetensors"
    save_model(path, bright_net(info.net), info, half=half)
    return path


def discs(diameter: float, side: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs of one size on a dark background, in rows, and their instance map."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.int32)
    rows, columns = np.mgrid[:side, :side]
    places = np.arange(diameter, side - diameter * 0.75, diameter * 1.5)
    for number, (row, column) in enumerate([(r, c) for r in places for c in places], 1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 < (diameter / 2) ** 2] = number
    return (rng.normal(20, 2, labels.shape) + 180 * (labels > 0)).clip(0, 255).astype(np.uint8), labels


def seen(object_px: tuple[float, float] | None) -> SeenImages:
    none = (0.0, 1.0)
    return SeenImages(("uint8",), none, none, none, none, none, object_px)
