"""A small large image: a plane of a few chunks, a network whose chunks have 16 px, and what a prediction in memory gives."""

from pathlib import Path

import numpy as np
import tifffile
import torch
import zarr
from scipy import ndimage

from unseam.heads.objects import Objects
from unseam.io.large import open_large
from unseam.model import Model
from unseam.model.model_file import ModelInfo
from unseam.nets import UNetConfig
from unseam.scale.executors import LocalExecutor
from unseam.scale.folder import probability_store
from unseam.scale.predict_large import LargeResult, predict_large
from unseam.scale.prediction import LargePrediction, SavedResults

CHUNK = 32
EVERYTHING = SavedResults(objects=True, probabilities="float16")


def smooth(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Blobs of some 10 px, 16 bits."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), (*[0] * (len(shape) - 2), 3, 3))
    return np.rint(1000 + 9000 * (field - field.min()) / np.ptp(field)).astype(np.uint16)


def blob_model(threshold: float = 0.5, min_size: int = 5, channels: int = 1, classes: int = 2) -> Model:
    """Finds what is brighter than the middle, and a little more in every direction: its weights are set so."""
    config = UNetConfig(in_channels=channels, num_classes=classes, first_width=6, depth=2)
    with torch.random.fork_rng():
        torch.manual_seed(8)
        net = config.build()
    # one logit follows the image, so that there are objects; the rest of the drawn weights adds detail
    info = ModelInfo(
        net=config,
        objects=Objects(threshold=threshold, min_size=min_size),
        masks="instances" if classes == 2 else "classes",
        class_names=tuple(f"class {k}" for k in range(classes)),
        class_values=tuple(range(classes)) if classes > 2 else (0, 255),
    )
    return _balanced(Model(net.eval(), info, "cpu", "float32", "torch"))


def _balanced(model: Model) -> Model:
    """Biases such that each class has its share, and the probabilities their spread."""
    image = smooth(np.random.default_rng(3), 120, 120)
    image = np.stack([image] * model.info.net.in_channels, -1) if model.info.net.in_channels > 1 else image
    logits = np.log(model.predict(image).probabilities)
    last = [module for module in model.net.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        scale = 3 / float((logits - logits[:1]).std())
        last.weight *= scale
        last.bias *= scale
        last.bias -= torch.tensor(scale * np.median(logits - logits.mean(0), axis=(1, 2)), dtype=torch.float32)
    return model


def in_chunks(
    model: Model,
    source: Path,
    out: Path,
    saves: SavedResults = EVERYTHING,
    executor=LocalExecutor,
    chunk: int = CHUNK,
    shard: int = 1,
    channels=(),
    **more,
) -> LargeResult:
    options = {"chunk": chunk, "shard": shard, "tile": chunk + 200, "channels": channels}
    work = LargePrediction(str(source), "", saves, **options, device="cpu", engine="torch")
    return predict_large(model, open_large(source), out, work, executor, **more)


def write_npy(path: Path, image: np.ndarray) -> Path:
    np.save(path, image)
    return path


def write_tiff(path: Path, image: np.ndarray) -> Path:
    tifffile.imwrite(path, image, tile=(48, 64), compression="zlib", photometric="minisblack")
    return path


def write_zarr(path: Path, image: np.ndarray, version: int = 3, axes: str = "yx") -> Path:
    """OME-Zarr 0.5 or 0.4, one level."""
    group = zarr.open_group(path, mode="w", zarr_format=version)
    array = group.create_array("full", shape=image.shape, dtype=image.dtype, chunks=(*[1] * (image.ndim - 2), 40, 50))
    array[...] = image
    kinds = {"t": "time", "c": "channel"}
    multiscale = {
        "axes": [{"name": a, "type": kinds.get(a, "space")} | ({"unit": "micrometer"} if a in "yx" else {}) for a in axes],
        "datasets": [
            {
                "path": "full",
                "coordinateTransformations": [{"type": "scale", "scale": [0.25 if a in "yx" else 1.0 for a in axes]}],
            }
        ],
    }
    if version == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    else:
        group.attrs["multiscales"] = [multiscale | {"version": "0.4"}]
    return path


WRITERS = {
    "image.npy": write_npy,
    "image.tif": write_tiff,
    "image.ome.zarr": write_zarr,
    "image04.ome.zarr": lambda path, image: write_zarr(path, image, 2),
}


def read(store: Path, name: str = "", level: int = 0) -> np.ndarray:
    """One level of the classes, of the ``probabilities`` beside them, or of labels such as ``labels/objects``."""
    if name == "probabilities":
        store, name = probability_store(store), ""
    return zarr.open_array(store / name / str(level), mode="r")[...]
