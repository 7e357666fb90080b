"""What the report of a training shows: the held-out predictions with a picture each, and a seam check of the model."""

import time
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import nn

from unseam.data.fingerprint import fingerprint
from unseam.data.sample import Sample
from unseam.engines import TorchEngine, geometry_of
from unseam.evaluation.held_out import HeldOutImage, HeldOutPredictions
from unseam.geometry import Geometry
from unseam.heads import Head
from unseam.inference.seams import compare_tiles
from unseam.model import Model
from unseam.nets import members_of
from unseam.report.comparison import Comparison, Comparisons, ReportFacts, SeamCheck
from unseam.report.overlay import to_display

_SECONDS = 3.0
"""What a seam check may cost, by estimate."""
_SIDES = (12, 8, 6, 4, 3, 2)
"""Of the part of an image that it is made on, in phases of the network; the largest that is not too dear."""


def compare_held_out(
    model: Model, held_out: HeldOutPredictions, samples: Sequence[Sample], data: str = ""
) -> Comparisons:
    """Put together what the report needs; nothing is predicted again but for the seam check.

    Parameters
    ----------
    model
        The seam check is made on it, or on the first network of an ensemble, on the CPU in float64.
    held_out
        Of the model, or of its folds.
    samples
        All that was annotated; the seam check takes the first if nothing was held out.
    data
        Folder of the data, as the user gave it.
    """
    facts = ReportFacts(
        masks=model.info.masks,
        class_names=model.info.class_names,
        calibration=held_out.calibration,
        seams=_check_seams(members_of(model.net)[0].cpu(), model.info.head, *_example(samples, held_out.images)),
        trained_on=fingerprint(samples, held_out.parts),
        data=data,
    )
    return Comparisons(facts, tuple(map(_compare, held_out.images)))


def _compare(image: HeldOutImage) -> Comparison:
    sample, window = image.sample, image.window
    picture = to_display(sample.image.transpose(1, 2, 0))[window.slices]
    return Comparison(sample.name, image.truth, image.predicted, picture, (window.top, window.left), sample.group)


def _example(
    samples: Sequence[Sample], images: Sequence[HeldOutImage]
) -> tuple[str, Float[np.ndarray, "channel height width"]]:
    """An image to check seams on, by name: one that was held out if there is one."""
    if not images:
        return samples[0].name, samples[0].image
    return images[0].sample.name, images[0].sample.image[(slice(None), *images[0].window.slices)]


def _check_seams(net: nn.Module, head: Head, name: str, image: Float[np.ndarray, "channel height width"]) -> SeamCheck:
    """Check as large a part of an image as a few seconds allow, by tiles of one phase and of two, and by half of it."""
    geometry = geometry_of(net)
    phase = geometry.phase
    pace = _seconds_a_pixel(net, geometry, image.shape[0])
    for phases in _SIDES:
        side = phases * phase
        outputs = sorted({phase, 2 * phase, -(-phases // 2) * phase} - {side})
        tiles = [geometry.input_for_output(length) for length in outputs]
        work = geometry.input_for_output(side) ** 2 + sum(
            (-(-phases * phase // length)) ** 2 * tile**2 for length, tile in zip(outputs, tiles, strict=True)
        )
        if pace * work <= _SECONDS:
            part = image[:, :side, :side]
            lines = tuple(compare_tiles(net, head, part, tiles))
            rows, columns = part.shape[1:]
            whole = geometry.input_for_output(max(rows, columns))
            said = f"{rows} × {columns} px of {name}, in float64, by tiles of several sizes, each against one pass"
            return SeamCheck(f"{said} ({whole} × {whole} px).", 1e-12, lines)
    return SeamCheck("The seam check of this network takes longer than a few seconds on this machine: unseam seams makes it.")


def _seconds_a_pixel(net: nn.Module, geometry: Geometry, channels: int) -> float:
    """How long a pixel of an input tile takes, by the smallest tile; float64 is twice the work of float32."""
    size = geometry.input_for_output(geometry.phase)
    engine, tile = TorchEngine(net), np.zeros((channels, size, size), np.float32)
    engine(tile)  # the first pass prepares
    started = time.perf_counter()
    engine(tile)
    return 2 * (time.perf_counter() - started) / size**2
