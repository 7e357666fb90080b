"""Table 1 of the paper: membranes in electron micrographs (ISBI 2012)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from unseam.api.reproduce.experiment import (
    OUR_CHOICES,
    ExperimentCall,
    describe_training,
    hold_out_last_block,
    train_experiment,
)
from unseam.api.reproduce.table import PaperRow, PaperTable, format_number
from unseam.data.annotated import read_annotated
from unseam.data.pairs import Pair
from unseam.data.prepare import Annotated, prepare
from unseam.data.read_pair import read_pair
from unseam.data.stack_ranges import ranges_by_stack
from unseam.errors import DataError
from unseam.io import write_image
from unseam.metrics import BestOverThresholds, PixelError, RandError, VInfo, VRand, WarpingError, over_thresholds
from unseam.model import Model
from unseam.report.overlay import to_display

COLUMNS = ("warping error", "Rand error", "pixel error", "V-Rand (not in the paper)", "V-Info (not in the paper)")
PAPER = (
    PaperRow("human (paper, table 1)", (0.000005, 0.0021, 0.0010, None, None)),
    PaperRow("U-Net (paper, table 1)", (0.000353, 0.0382, 0.0611, None, None)),
)
_AT = 0.5


def isbi2012(call: ExperimentCall) -> PaperTable:
    """Train on the first annotated slices, score the last ones, and compare with the paper's row.

    Source: paper, section 4, table 1.

    Departs: the labels of the challenge's test slices are not public, so the last fifth of the training slices is scored.

    Raises DataError if the folder holds neither the challenge's files nor images and masks of two classes, and the errors of
    ``call.check_folder``.
    """
    call.check_folder()
    slices = _slices(call.data, call)
    run = call.run
    prepared = prepare(slices, run.normalise, run.weight_map, masks="binary", tell=call.watch.tell)
    parts = hold_out_last_block(prepared.samples)
    model = train_experiment(prepared, parts, call)
    by_name = {one.name: one for one in slices}
    found = ranges_by_stack([one.image for one in slices], [one.stack for one in slices], run.normalise)
    ranges = dict(zip(by_name, found, strict=True))
    scored = _Scored()
    for part in parts.validation:
        call.watch.tell(f"segmenting and scoring {part.sample.name}")
        name = part.sample.name
        probabilities = model.predict(by_name[name].image, average=call.average, ranges=ranges[name]).probabilities[1]
        scored.add(probabilities, part.sample.classes)
        if part is parts.validation[0]:
            _picture(call.out / "held_out.png", by_name[part.sample.name].image, part.sample.classes, probabilities)
    table = PaperTable(
        "ISBI 2012, electron micrographs (paper, table 1)",
        COLUMNS,
        PAPER,
        scored.rows(),
        describe_training(model, parts, call),
        _differences(call, model, len(slices), len(parts.validation)),
    )
    table.write(call.out)
    return table


class _Scored:
    """Adds up, over the slices, the three errors of the paper and the two scores that the challenge used later."""

    _MEASURES: tuple[Callable[[np.ndarray, np.ndarray], Any], ...] = (
        *(WarpingError(), RandError().from_class_maps),
        *(VRand().from_class_maps, VInfo().from_class_maps),
    )

    def __init__(self) -> None:
        self._best: list[list[BestOverThresholds]] = [[] for _ in self._MEASURES]
        self._at_half: list[list[Any]] = [[] for _ in self._MEASURES]
        self._pixel: list[tuple[float, float]] = []

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Score one slice: the probability of cell and the class of each pixel."""
        decided = (probabilities > _AT).astype(np.uint8)
        for measure, best, at_half in zip(self._MEASURES, self._best, self._at_half, strict=True):
            best.append(over_thresholds(measure, probabilities, truth))
            at_half.append(measure(decided, truth))
        squared = (probabilities.astype(np.float64) - truth)[truth <= 1] ** 2
        self._pixel.append((float(squared.mean()), PixelError()(decided, truth).error))

    def rows(self) -> tuple[PaperRow, ...]:
        """Return two rows: at the best threshold, as the challenge scored, and at one half, as a user gets it."""
        warping, rand, v_rand, v_info = (BestOverThresholds.together(scores).score for scores in self._best)
        squared, wrong = np.mean(self._pixel, axis=0)
        best = (warping.split_merger_error, rand.error, squared, v_rand.score, v_info.score)
        warpings, rands, v_rands, v_infos = self._at_half
        at_half = (
            np.mean([score.split_merger_error for score in warpings]),
            np.mean([score.error for score in rands]),
            wrong,
            type(v_rands[0]).together(v_rands).score,
            type(v_infos[0]).together(v_infos).score,
        )
        return (
            PaperRow("ours, the challenge's way", tuple(map(format_number, best))),
            PaperRow("ours, decided at one half", tuple(map(format_number, at_half))),
        )


def _slices(data: Path, call: ExperimentCall) -> list[Annotated]:
    """Read the slices in order, each with its labels. Other files of the challenge may lie in the same folder."""
    volume, labels = data / "train-volume.tif", data / "train-labels.tif"
    if volume.is_file() and labels.is_file():
        image, mask = read_pair(Pair("train-volume", (volume,), (labels,)))
        planes = enumerate(zip(image.planes(), mask.planes(), strict=True))
        return [
            Annotated(f"slice {index}", plane, truth, None, "train-volume", stack="train-volume")
            for index, (plane, truth) in planes
        ]
    if not data.is_dir():
        raise DataError(f"{data}: there is no such folder. Give the one with train-volume.tif and train-labels.tif.")
    return list(read_annotated(data, call.watch.tell).images)


def _picture(path: Path, image: np.ndarray, truth: np.ndarray, probabilities: np.ndarray) -> None:
    """Write a picture of a slice, its truth and its probabilities, side by side."""
    parts = (to_display(image), 255 * (truth == 1), np.round(255 * probabilities))
    write_image(path, np.ascontiguousarray(np.hstack([part.astype(np.uint8) for part in parts])))


def _differences(call: ExperimentCall, model: Model, slices: int, scored: int) -> tuple[str, ...]:
    record = model.info.training
    last = () if call.average == "rotations" else ("The paper averaged over seven rotations of the input; ours did not.",)
    return (
        *call.departures,
        f"The paper was scored on 30 test slices whose labels only the challenge has. Ours is scored on {scored} of the "
        f"{slices} annotated slices, a block at the end, and trained on all others but one.",
        f"The paper trained for about 10 hours on an NVidia Titan (section 4). Ours trained for {call.minutes:g} minutes on "
        f"{record.device}: {record.steps} steps.",
        OUR_CHOICES,
        "The challenge's way: warping error, Rand error, V-Rand and V-Info each at the one threshold of 0, 0.1, .. 0.9 that is "
        "best on all scored slices, chosen with their truth as the challenge did; pixel error is the mean squared difference "
        "of the probability from the truth. A map that is membrane nearly everywhere has no splits and no mergers: read the "
        "figures together.",
        "Warping error is the share of pixels in splits and mergers. Ours warps the truth until no pixel flips any more; the "
        "challenge's program visits each pixel once, so ours leaves fewer errors.",
        "Rand error is 1 - F of the pairs of pixels within the true cells, as in the challenge's program.",
        "V-Rand and V-Info, for which 1 is best, are not in the paper: the challenge used them later. The borders of the "
        "prediction are thinned to one px first.",
        *last,
    )
