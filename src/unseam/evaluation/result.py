"""The result of scoring: the table, its confidence intervals, and the sentences for the user."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from unseam.data.kinds import facts_of_kind
from unseam.data.labels import LabelKind
from unseam.evaluation.reading import ScoringReading
from unseam.evaluation.scoring import score_maps
from unseam.metrics import (
    Bootstrap,
    CalibrationScore,
    ImagePair,
    Intervals,
    Scores,
    SurfaceDistance,
    ThresholdScanScore,
    every_metric,
)

_TOLERANCE_PX = 2.0


@dataclass(frozen=True)
class Evaluation:
    """The result of scoring.

    Attributes
    ----------
    scores
        One row for each image (or plane of a stack), and one for all.
    kind
        What was scored.
    reason
        How both sides were read, and what was left out.
    intervals
        Confidence intervals of the figures over all images.
    surface
        The unit of the comparison of outlines, and the tolerance.
    calibration
        Calibration of all images together, with its reliability curve; None without probabilities.
    threshold_scan
        Dice of all images together at other thresholds of the probability; None without probabilities.
    """

    scores: Scores
    kind: LabelKind
    reason: str
    intervals: Intervals
    surface: SurfaceDistance
    calibration: CalibrationScore | None
    threshold_scan: ThresholdScanScore | None

    def to_json(self) -> dict[str, object]:
        """Return plain lists, names and numbers for ``json.dump``; ``None`` where nothing could be scored."""
        ends = {name: [_plain(interval.low), _plain(interval.high)] for name, interval in self.intervals.of.items()}
        result: dict[str, object] = {
            "masks": self.kind,
            "reason": self.reason,
            **self.scores.to_json(),
            "intervals": {
                "reason": self.intervals.reason,
                "level": self.intervals.level,
                "images": self.intervals.num_images,
                "resamples": self.intervals.num_resamples,
                "seed": self.intervals.seed,
                "all": ends,
            },
            "tolerance": {"length": self.surface.tolerance, "unit": self.surface.unit},
        }
        if self.calibration is not None:
            result["reliability"] = [one._asdict() for one in self.calibration.curve]
        if self.threshold_scan is not None:
            points = (point._asdict() for point in self.threshold_scan.points)
            result["thresholds"] = [{name: _plain(value) for name, value in point.items()} for point in points]
        return result

    def to_csv(self) -> str:
        """Return one line for each image and metric; lines for all images also have the ends of the interval, if known."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["scope", "image", "metric", "value", "low", "high"])
        for name, figures in self.scores.images():
            table.writerows(["image", name, column, _cell(value), "", ""] for column, value in figures.items())
        for column, value in self.scores.pooled().items():
            ends = self.intervals.of.get(column, ())
            table.writerow(["all", "", column, _cell(value), *([_cell(end) for end in ends] or ["", ""])])
        return text.getvalue()


def score_images(
    images: Iterable[ImagePair], groups: Sequence[int], reading: ScoringReading, surface: SurfaceDistance, reason: str
) -> Evaluation:
    """Score images, which hold maps as ``reading`` returns them, one at a time by all metrics that fit; find the intervals.

    ``groups`` has the number of the file for each image, because planes of one file are not independent.
    """
    scores = score_maps(images, of_objects=facts_of_kind(reading.kind).has_objects, metrics=every_metric(surface))
    calibration = [one for row in scores.per_image for one in row if isinstance(one, CalibrationScore)]
    scan = [one for row in scores.per_image for one in row if isinstance(one, ThresholdScanScore)]
    return Evaluation(
        scores,
        reading.kind,
        reason,
        Bootstrap()(scores, groups),
        surface,
        CalibrationScore.together(calibration) if calibration else None,
        ThresholdScanScore.together(scan) if scan else None,
    )


def surface_for(spacings: Sequence[tuple[float, float] | None], tolerance: float | None) -> SurfaceDistance:
    """Choose how to compare outlines: in um if the pixel size of all images is known, otherwise in px.

    >>> surface_for([(0.5, 0.5), (0.5, 0.5)], None).tolerance, surface_for([(0.5, 0.5), None], None).unit
    (1.0, 'px')
    """
    known = [spacing for spacing in spacings if spacing is not None]
    if len(known) < len(spacings):
        return SurfaceDistance(_TOLERANCE_PX if tolerance is None else tolerance)
    px = float(np.median([math.sqrt(row * column) for row, column in known]))
    return SurfaceDistance(_TOLERANCE_PX * px if tolerance is None else tolerance, "um")


def _plain(value: int | float) -> int | float | None:
    return None if math.isnan(value) else value


def _cell(value: int | float) -> str:
    return "" if math.isnan(value) else repr(value)
