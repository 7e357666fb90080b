"""Small models of every kind, with drawn weights, and an image."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from unseam.data.grey_facts import SeenImages
from unseam.heads import Classes, RidgeObjects
from unseam.model import Model
from unseam.model.model_info import ModelInfo, TrainingRecord
from unseam.nets import FCNConfig, ReleasedConfig, UNetConfig

SEEN = SeenImages(("uint8",), (10.0, 30.0), (180.0, 220.0), (0.5, 0.5), (0.1, 0.1), (2.0, 2.0))
RECORD = TrainingRecord(images=("a", "b|c"), steps=7, held_out="a strip", score_name="mean IoU", score=0.5, seen=SEEN)


def drawn(info: ModelInfo) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = info.build()
        for bias in (tensor for name, tensor in net.named_parameters() if name.endswith("bias")):
            torch.nn.init.normal_(bias, 0.0, 0.3)  # fresh ones are 0, and a forgotten bias would pass
    return Model(net, info, engine="torch", device="cpu")


def classes_model(average: str = "none", members: int = 0, resolution: str = "half", depth: int = 2) -> Model:
    """Three classes."""
    config = UNetConfig(first_width=2, depth=depth, num_classes=3, resolution=resolution)
    names = ("background", "axon, large", "myelin")
    info = ModelInfo(config, average=average, class_names=names, class_values=(0, 1, 2), training=RECORD)
    return drawn(info if not members else ModelInfo(**{**vars(info), "members": (RECORD,) * members}))


def objects_model() -> Model:
    config = UNetConfig(first_width=2, depth=2, in_channels=2)
    return drawn(
        ModelInfo(
            config,
            head=RidgeObjects(),
            objects=RidgeObjects.objects,
            masks="instances",
            spacing_um=(0.5, 0.25),
            training=RECORD,
            average="flips",
        )
    )


def fcn_model() -> Model:
    return drawn(ModelInfo(FCNConfig(first_width=2, depth=2), head=RidgeObjects(), masks="instances", training=RECORD))


MODELS: dict[str, Callable[[], Model]] = {
    "half": classes_model,
    "full": lambda: classes_model(resolution="full", depth=1),
    "flips": lambda: classes_model("flips"),
    "ensemble": lambda: classes_model("flips", members=2),
    "objects": objects_model,
    "fcn": fcn_model,
    "released": lambda: drawn(ModelInfo(ReleasedConfig(first_width=2), training=RECORD)),
    "paper": lambda: drawn(ModelInfo(UNetConfig(first_width=2), head=Classes(), training=RECORD)),
}


@pytest.fixture(params=MODELS)
def any_model(request) -> Model:
    return MODELS[request.param]()


@pytest.fixture
def image(rng) -> Callable[..., np.ndarray]:
    """Blobs of 8 bits, so that the network has something to see."""

    def draw(height: int, width: int, channels: int = 1) -> np.ndarray:
        coarse = rng.integers(20, 200, (-(-height // 6), -(-width // 6), channels))
        pixels = np.kron(coarse, np.ones((6, 6, 1), int))[:height, :width] + rng.integers(0, 40, (height, width, channels))
        return pixels.astype(np.uint8)[..., 0] if channels == 1 else pixels.astype(np.uint8)

    return draw
