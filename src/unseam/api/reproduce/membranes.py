"""Table 1 of the paper: membranes in electron micrographs (ISBI 2012)."""

from pathlib import Path

import numpy as np

from unseam.api.reproduce.experiment import Asked, last_block, made, trained
from unseam.api.reproduce.table import PaperTable, Row, number
from unseam.data.annotated import read_annotated
from unseam.data.pairs import Pair
from unseam.data.prepare import Annotated, prepare
from unseam.data.read_pair import read_pair
from unseam.errors import DataError
from unseam.io import write_image
from unseam.metrics import BestOverThresholds, PixelError, RandError, WarpingError
from unseam.model import Model
from unseam.report.overlay import to_look_at

COLUMNS = ("warping error", "Rand error", "pixel error")
PAPER = (
    Row("human (paper, table 1)", (0.000005, 0.0021, 0.0010)),
    Row("U-Net (paper, table 1)", (0.000353, 0.0382, 0.0611)),
)
_AT = 0.5


def isbi2012(asked: Asked) -> PaperTable:
    """Train on the first of the annotated slices, score the last ones, and put the paper's row beside ours.

    Source: paper, section 4, table 1.

    Departs: the labels of the challenge's test slices are not public, so the last fifth of the training slices is scored.

    Raises
    ------
    DataError
        If the folder holds neither the challenge's files nor images and masks of two classes.
    OutputError
        If there is a run in the folder for results already, and it is not to go on.
    SettingsError
        If a run is to go on that was begun with other settings.
    """
    asked.check_folder()
    slices = _slices(asked.data, asked)
    run = asked.run
    prepared = prepare(slices, run.normalise, run.weight_map, masks="binary", tell=asked.watch.tell)
    parts = last_block(prepared.samples)
    model = trained(prepared, parts, asked)
    by_name = {one.name: one for one in slices}
    scored = _Scored()
    for part in parts.validation:
        asked.watch.tell(f"segmenting and scoring {part.sample.name}")
        probabilities = model.predict(by_name[part.sample.name].image, average=asked.average).probabilities[1]
        scored.add(probabilities, part.sample.classes)
        if part is parts.validation[0]:
            _picture(asked.out / "held_out.png", by_name[part.sample.name].image, part.sample.classes, probabilities)
    table = PaperTable(
        "ISBI 2012, electron micrographs (paper, table 1)",
        COLUMNS,
        PAPER,
        scored.rows(),
        made(model, parts, asked),
        _differences(asked, model, len(slices), len(parts.validation)),
    )
    table.write(asked.out)
    return table


class _Scored:
    """The three errors, added up over the slices."""

    def __init__(self) -> None:
        self._warping: list[BestOverThresholds] = []
        self._rand: list[BestOverThresholds] = []
        self._pixel: list[tuple[float, float]] = []
        self._at: list[tuple[float, float]] = []

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Score one slice: P(cell) of each pixel, and its class."""
        decided = (probabilities > _AT).astype(np.uint8)
        self._warping.append(WarpingError().over_thresholds(probabilities, truth))
        self._rand.append(RandError().over_thresholds(probabilities, truth))
        squared = (probabilities.astype(np.float64) - truth)[truth <= 1] ** 2
        self._pixel.append((float(squared.mean()), PixelError()(decided, truth).error))
        warping, rand = WarpingError()(decided, truth), RandError().from_class_maps(decided, truth)
        self._at.append((warping.split_merger_error, rand.error))

    def rows(self) -> tuple[Row, ...]:
        """As the challenge scored, with the best threshold; and as a user gets it, at one half."""
        warping, rand = (BestOverThresholds.together(scores).score for scores in (self._warping, self._rand))
        squared, wrong = np.mean(self._pixel, axis=0)
        at_half = np.mean(self._at, axis=0)
        best = (warping.split_merger_error, rand.error, squared)
        return (
            Row("ours, the challenge's way", tuple(map(number, best))),
            Row("ours, decided at one half", (number(at_half[0]), number(at_half[1]), number(wrong))),
        )


def _slices(data: Path, asked: Asked) -> list[Annotated]:
    """The slices in order, each with its labels; other files of the challenge (its test images) may lie beside."""
    volume, labels = data / "train-volume.tif", data / "train-labels.tif"
    if volume.is_file() and labels.is_file():
        image, mask = read_pair(Pair("train-volume", (volume,), (labels,)))
        planes = enumerate(zip(image.planes(), mask.planes(), strict=True))
        return [Annotated(f"slice {index}", plane, truth, None, "train-volume") for index, (plane, truth) in planes]
    if not data.is_dir():
        raise DataError(f"{data}: there is no such folder. Give the one with train-volume.tif and train-labels.tif.")
    return list(read_annotated(data, asked.watch.tell).images)


def _picture(path: Path, image: np.ndarray, truth: np.ndarray, probabilities: np.ndarray) -> None:
    """A slice, its truth and what was made of it, side by side, to look at."""
    parts = (to_look_at(image), 255 * (truth == 1), np.round(255 * probabilities))
    write_image(path, np.ascontiguousarray(np.hstack([part.astype(np.uint8) for part in parts])))


def _differences(asked: Asked, model: Model, slices: int, scored: int) -> tuple[str, ...]:
    record = model.info.training
    last = () if asked.average == "rotations" else ("The paper averaged over seven rotations of the input; ours did not.",)
    return (
        *asked.departures,
        f"The paper was scored on 30 test slices whose labels only the challenge has. Ours is scored on {scored} of the "
        f"{slices} annotated slices, a block at the end that trained nothing, and trained on the others but one.",
        f"The paper trained for about 10 hours on an NVidia Titan (section 4). Ours had {asked.minutes:g} minutes on "
        f"{record.device}, which made {record.steps} steps.",
        "Learning rate, number of steps and ranges of the grey values are ours, since the paper gives none.",
        "The challenge's way: warping and Rand error each at the one threshold of 0, 0.1, .. 0.9 that does best on all slices "
        "that are scored, chosen by their truth as the challenge did; pixel error is the mean squared distance of the "
        "probability. A map that is membrane nearly everywhere has no splits and no mergers: read the three figures together.",
        "Warping error is the share of pixels in splits and mergers; ours bends the truth until nothing flips, where the "
        "challenge's program visits each pixel once, so it leaves less.",
        "Rand error is 1 - F of the pairs of pixels within the true cells, as in the challenge's program.",
        *last,
    )
