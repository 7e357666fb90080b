"""What the report of a training shows, gathered at its end: the held-out parts predicted once more with the best weights."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import nn

from unseam.data.fingerprint import fingerprint
from unseam.data.sample import Sample
from unseam.data.split import HeldOut
from unseam.engines import TorchEngine, geometry_of
from unseam.geometry import Geometry
from unseam.inference.predict import Predictor
from unseam.inference.seams import compare_tiles
from unseam.metrics import CalibrationError, CalibrationScore
from unseam.model.model_file import ModelInfo
from unseam.report.evidence import Compared, Evidence, Facts, SeamCheck, SeamLine
from unseam.report.overlay import to_look_at

_SECONDS = 3.0
"""What a seam check may cost, by estimate."""
_SIDES = (12, 8, 6, 4, 3, 2)
"""Of the part of an image that it is made on, in phases of the network; the largest that is not too dear."""


@dataclass(frozen=True)
class Judged:
    """A network and what was held out from it."""

    net: nn.Module
    held_out: Sequence[HeldOut]


def gather(info: ModelInfo, judged: Sequence[Judged], samples: Sequence[Sample], device: str, data: str = "") -> Evidence:
    """Predict what was held out, and compare; see to the seams.

    Parameters
    ----------
    info
        Of the model.
    judged
        Each network with what was held out from it (the folds of a cross-validation are several); they are left on the CPU.
    samples
        All that was annotated; the first is looked at for seams where nothing was held out.
    device
        Where to predict. The seam check is made on the CPU, in float64.
    data
        Folder of the data, as the user gave it.
    """
    compared: list[Compared] = []
    calibration: list[CalibrationScore] = []
    calibrate = CalibrationError()
    for one in judged:
        predictor = Predictor(TorchEngine(one.net, device))
        for part in one.held_out:
            probabilities = predictor.probabilities(part.sample.image, part.window.slices)
            calibration.append(calibrate(probabilities, part.sample.classes[part.window.slices]))
            compared.append(_compared(part, probabilities, info))
    held_out = [part for one in judged for part in one.held_out]
    facts = Facts(
        masks=info.masks,
        class_names=info.class_names,
        calibration=CalibrationScore.together(calibration) if calibration else None,
        seams=_seams(judged[0].net.cpu(), *_example(samples, held_out)),
        trained_on=fingerprint(samples, held_out),
        data=data,
    )
    return Evidence(facts, tuple(compared))


def _compared(part: HeldOut, probabilities: Float[np.ndarray, "klass height width"], info: ModelInfo) -> Compared:
    window, sample = part.window.slices, part.sample
    if info.masks == "instances":
        predicted, truth = info.objects(probabilities), sample.instances
    else:
        predicted, truth = probabilities.argmax(axis=0).astype(np.uint8), sample.classes
    assert truth is not None
    picture = to_look_at(sample.image.transpose(1, 2, 0))[window]
    return Compared(sample.name, truth[window], predicted, picture, (part.window.top, part.window.left))


def _example(
    samples: Sequence[Sample], held_out: Sequence[HeldOut]
) -> tuple[str, Float[np.ndarray, "channel height width"]]:
    """An image to check seams on, by name: one that was held out, if there is one."""
    if not held_out:
        return samples[0].name, samples[0].image
    part = held_out[0]
    return part.sample.name, part.sample.image[(slice(None), *part.window.slices)]


def _seams(net: nn.Module, name: str, image: Float[np.ndarray, "channel height width"]) -> SeamCheck:
    """The check on as large a part of an image as a few seconds allow, by tiles of one phase and of two, and by half of it."""
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
            lines = [
                SeamLine(c.input_tile, c.num_tiles, c.difference, c.num_changed)
                for c in compare_tiles(net, part, tiles)
            ]
            rows, columns = part.shape[1:]
            whole = geometry.input_for_output(max(rows, columns))
            said = f"{rows} × {columns} px of {name}, in float64, by tiles of several sizes, each against one pass"
            return SeamCheck(f"{said} ({whole} × {whole} px).", 1e-12, tuple(lines))
    return SeamCheck("The seam check of this network takes longer than a few seconds on this machine: unseam seams makes it.")


def _seconds_a_pixel(net: nn.Module, geometry: Geometry, channels: int) -> float:
    """How long a pixel of an input tile takes, by the smallest tile; float64 is twice the work of float32."""
    size = geometry.input_for_output(geometry.phase)
    engine, tile = TorchEngine(net), np.zeros((channels, size, size), np.float32)
    engine(tile)  # the first pass prepares
    started = time.perf_counter()
    engine(tile)
    return 2 * (time.perf_counter() - started) / size**2
