"""The plan of a large prediction: everything that its result depends on, written at the start and compared on resuming."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unseam._version import __version__
from unseam.data.channels import is_grey_saved_as_colour, planes_hint, reading_hint
from unseam.errors import DataError
from unseam.io.large import LargeImage
from unseam.io.large.bands import read_bands
from unseam.model.model_file import model_bytes
from unseam.scale.folder import digest_of
from unseam.scale.prediction import LargePrediction
from unseam.scale.worker import ChunkWorker
from unseam.settings import encode

_FREE = ("source", "folder", "max_bytes", "device")  # may change while work is stopped: the result does not depend on them


def plan_of(worker: ChunkWorker, out: Path) -> dict[str, Any]:
    """Return everything that the result depends on, as JSON values."""
    settings = {name: value for name, value in encode(worker.work).items() if name not in _FREE}
    model = worker.model
    return {
        "unseam": __version__,
        "out": out.name,
        "layout of the result": 3,  # 2 had one level of objects, 1 the probabilities within the store of the classes
        "work": settings,
        "computed with": str(model.engine).rsplit(",", 1)[0],
        "model": hashlib.sha256(model_bytes(model.net, model.info)).hexdigest(),
        "image": [_facts_of(image) for image in worker.images],
        "file": _file_facts(worker.work),
    }


def find_stacks(images: Sequence[LargeImage], in_channels: int) -> tuple[int, ...]:
    """Return the numbers of the images whose channels are planes for a model, as in memory (``data.read_pair``)."""
    return tuple(
        number
        for number, image in enumerate(images)
        if in_channels == 1 and image.axes == "CYX" and not all(map(is_grey_saved_as_colour, read_bands(image)))
    )


def check_channels(worker: ChunkWorker, image: LargeImage | None = None, *, is_grey: bool = True) -> None:
    """Raise DataError if images have other channels than the model; ``is_grey``: three channels are, or may be, equal."""
    wanted = worker.model.info.net.in_channels
    for one in (image,) if image is not None else worker.images:
        if one.num_channels != wanted and not (wanted == 1 and one.num_channels == 3 and is_grey):
            raise DataError(
                f"{one.path}: the image has {one.num_channels} channel(s); this model was trained on {wanted}. Choose "
                "channels with --channel, give images with these channels, or train a model on images like this one."
                + (planes_hint(one.num_planes) if one.num_planes == wanted > 1 == one.num_channels else "")
                + reading_hint(one.notes)
            )


def _facts_of(image: LargeImage) -> dict[str, Any]:
    return {
        "position": image.position,
        "planes": list(image.plane_shape),
        "size": [image.height, image.width, image.num_channels],
        "type": str(image.dtype),
    }


def _file_facts(work: LargePrediction) -> list[Any]:
    """Return name and size of a file, or check sums of a store's metadata: a check sum of the pixels could take hours."""
    path = Path(work.source)
    if path.is_file():
        return [path.name, path.stat().st_size]
    metadata = sorted(one for pattern in ("zarr.json", ".zattrs", ".zarray") for one in path.glob(pattern))
    return [path.name, *(digest_of(one) for one in metadata)]
