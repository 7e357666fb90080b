"""Collect what the report of a training shows: each held-out prediction with its image, and a seam check of the model."""

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
"""Longest estimated duration of a seam check."""
_SIDES = (12, 8, 6, 4, 3, 2)
"""Sides of the checked part of an image, in phases of the network. The check takes the largest that is fast enough."""


def compare_held_out(model: Model, held_out: HeldOutPredictions, samples: Sequence[Sample], data: str = "") -> Comparisons:
    """Collect what the report needs. Only the seam check predicts anything again.

    The seam check runs the model, or the first network of an ensemble, on the CPU in float64. It takes a held-out image, or the
    first sample if nothing was held out. ``data`` is the folder of the data as the user wrote it.
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
    """Return name and pixels of an image for the seam check."""
    if not images:
        return samples[0].name, samples[0].image
    return images[0].sample.name, images[0].sample.image[(slice(None), *images[0].window.slices)]


def _check_seams(net: nn.Module, head: Head, name: str, image: Float[np.ndarray, "channel height width"]) -> SeamCheck:
    """Check as large a part of an image as a few seconds allow, with tiles of one phase, of two, and of half the part."""
    geometry = geometry_of(net)
    phase = geometry.phase
    pace = _seconds_per_pixel(net, geometry, image.shape[0])
    for phases in _SIDES:
        side = phases * phase
        outputs = sorted({phase, 2 * phase, -(-phases // 2) * phase} - {side})
        tiles = [geometry.input_for_output(length) for length in outputs]
        # Input tiles carry the context of the network, so small tiles read many pixels several times.
        work = geometry.input_for_output(side) ** 2 + sum(
            (-(-phases * phase // length)) ** 2 * tile**2 for length, tile in zip(outputs, tiles, strict=True)
        )
        if pace * work <= _SECONDS:
            part = image[:, :side, :side]
            lines = tuple(compare_tiles(net, head, part, tiles))
            rows, columns = part.shape[1:]
            whole = geometry.input_for_output(max(rows, columns))
            checked = f"{rows} × {columns} px of {name}, in float64: tiles of several sizes, each compared with one pass"
            return SeamCheck(f"{checked} ({whole} × {whole} px).", 1e-12, lines)
    return SeamCheck("The seam check of this network takes more than a few seconds on this machine. Run it with unseam seams.")


def _seconds_per_pixel(net: nn.Module, geometry: Geometry, channels: int) -> float:
    """Estimate the time for one pixel of an input tile in float64, which takes twice as long as float32."""
    size = geometry.input_for_output(geometry.phase)
    engine, tile = TorchEngine(net), np.zeros((channels, size, size), np.float32)
    engine(tile)  # the first pass also allocates and compiles
    took = []
    for _ in range(5):  # the quickest of several: on a busy machine one pass may wait for long, and the check would shrink
        started = time.perf_counter()
        engine(tile)
        took.append(time.perf_counter() - started)
    return 2 * min(took) / size**2
