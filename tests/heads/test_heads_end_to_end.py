"""The heads for touching objects from training to large images: the same objects in memory and chunk by chunk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import unseam
from unseam.heads import BorderAndCore, Distances
from unseam.heads.flood import LIKELY
from unseam.io.result import ChunkFiles, open_level

QUICK = ["net.unet.first_width=2", "net.unet.depth=1", "training.output_size=60", "training.precision=float32"]


def read(store: Path, level_of: tuple[int, int]) -> list[np.ndarray]:
    array = open_level(store, 0, ChunkFiles(is_synced=False))
    whole = tuple(slice(0, length) for length in level_of)
    return [array.read(index, whole) for index in np.ndindex(*array.layout.shape[:-2])]


@pytest.mark.parametrize("head", [Distances(weight=2.0), BorderAndCore(rim_px=1.5)], ids=["distances", "border_and_core"])
def test_from_training_to_large_images(head, tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((12, 12), int)).astype(np.uint16)
    labels[:30, :50], labels[:, 60:63] = 0, 0
    images = [((labels > 0) * 90 + rng.normal(60, 9, labels.shape)).clip(0, 255).astype(np.uint8) for _ in range(2)]
    name, field, value = ("distances", "weight", 2.0) if isinstance(head, Distances) else ("border_and_core", "rim_px", 1.5)
    settings = [*QUICK, f"head.{name}.{field}={value}"]
    unseam.train(images, [labels, labels], out="run", steps=20, settings=settings, device="cpu")
    model = unseam.load("run", device="cpu")
    assert model.info.head == head
    assert (model.info.objects.threshold, model.info.objects.split) in head.ways, "the held-out part chose it"
    assert model.info.objects.grow_px == 0

    image = np.tile(images[0], (9, 9))  # more than one chunk
    # Few steps teach little: this bias makes half of the image foreground, and this threshold takes whatever hills there are.
    background = np.median(model.predict(image).probabilities[0])
    with torch.no_grad():
        model.net.classify.bias[0] -= float(np.log(background / (1 - background)))
    whole = model.predict(image)
    foreground = head.foreground(whole.probabilities)
    threshold = float(np.median(foreground[foreground > LIKELY]))
    objects = replace(model.info.objects, threshold=threshold, min_size=2)
    model = model.with_objects(objects)
    instances = objects(foreground)
    assert instances.max() > 10
    np.save("image.npy", image)
    unseam.predict(model, "image.npy", "large.ome.zarr", save="both", probabilities_as="float16")
    (found,) = read(Path("large.ome.zarr/labels/objects"), image.shape)
    maps = np.stack(read(Path("large-prob.ome.zarr"), image.shape)).astype(np.float32)
    assert np.abs(maps - whole.probabilities).max() < 1e-3
    assert np.mean((found > 0) != (instances > 0)) < 1e-3
    assert abs(int(found.max()) - int(instances.max())) <= 1 + instances.max() // 100
