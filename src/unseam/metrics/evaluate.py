"""Score a set of predictions by every metric that fits them, each pair of maps held only while it is counted."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from unseam.errors import DataError
from unseam.metrics.aggregated_jaccard import AggregatedJaccard
from unseam.metrics.average_precision import AveragePrecision
from unseam.metrics.calibration import CalibrationError
from unseam.metrics.class_overlap import largest_class
from unseam.metrics.contingency import Contingency, contingency_of_class_maps, contingency_of_instance_maps
from unseam.metrics.det import DET
from unseam.metrics.dice import Dice
from unseam.metrics.iou import IoU
from unseam.metrics.object_scores import ObjectScores
from unseam.metrics.panoptic_quality import PanopticQuality
from unseam.metrics.pixel_error import PixelError
from unseam.metrics.precision_recall import PrecisionRecall
from unseam.metrics.rand_error import RandError
from unseam.metrics.score import Score
from unseam.metrics.seg import SEG
from unseam.metrics.surface_distance import SurfaceDistance, SurfaceScore
from unseam.metrics.table import Scores
from unseam.metrics.threshold_scan import ThresholdScan
from unseam.metrics.warping_error import WarpingError
from unseam.shapes import IGNORE, NOT_ANNOTATED


class ImagePair(NamedTuple):
    """One image to be scored.

    Attributes
    ----------
    name
        What the table calls it.
    predicted, truth
        Class maps or instance maps (H, W).
    spacing
        Size of a pixel, row and column, in the unit of the distances.
    probabilities
        (K, H, W), if calibration and other thresholds are to be scored: all images have them, or they are left out.
    """

    name: str
    predicted: np.ndarray
    truth: np.ndarray
    spacing: tuple[float, float] = (1.0, 1.0)
    probabilities: np.ndarray | None = None


Pairs = Iterable[ImagePair | tuple[str, np.ndarray, np.ndarray]]


def evaluate_class_maps(
    pairs: Pairs,
    *,
    cell_class: int = 1,
    surface: SurfaceDistance | None = None,
    warping: WarpingError | None = None,
) -> Scores:
    """Score predicted class maps: pixel error, IoU, Dice, precision, recall, and the Rand error of one class's components.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true class map, and what else :class:`ImagePair` has. May be a
        generator: one pair is held at a time.
    cell_class
        Class whose 4-connected components are the cells of the Rand error.
    surface
        How outlines are compared, with each image's own size of a pixel; None: they are not, which saves most of the time.
    warping
        How mistakes of topology are found; None: they are not, which saves time.

    Returns
    -------
    Scores
        Columns ``pixel_error``, ``iou``, ``dice``, ``pixel_precision``, ``pixel_recall``, ``rand_error``,
        ``rand_precision``, ``rand_recall`` and ``rand_index_error``; with ``surface`` also ``hausdorff95_px`` (or
        ``_um``) and ``surface_dice``; with ``warping`` also ``warping_error``, ``split_merger_error``, ``splits`` and
        ``mergers``; with probabilities ``calibration_error``, ``best_dice`` and ``best_threshold``.
        With three classes or more ``iou_class_1`` and on, and so for all that are of a class.

    Raises
    ------
    DataError
        No pair came, or two maps differ in size; the message names the image.
    LabelError
        A map holds something else than classes; the message names the image.

    Examples
    --------
    >>> table = evaluate_class_maps([("a", np.array([[0, 1, 1]]), np.array([[0, 1, 0]]))])
    >>> round(table.pooled()["pixel_error"], 3), table.pooled()["iou"]
    (0.333, 0.5)
    """
    rand_error = RandError(cell_class)
    names: list[str] = []
    tables: list[Contingency] = []
    others: list[tuple[Score, ...]] = []
    of_probabilities: list[tuple[Score, ...]] = []
    for image in (ImagePair(*pair) for pair in pairs):
        with _naming(image.name):
            tables.append(contingency_of_class_maps(image.predicted, image.truth))
            scores: tuple[Score, ...] = (rand_error.from_class_maps(image.predicted, image.truth),)
            if surface is not None:
                scores += (replace(surface, spacing=image.spacing)(image.predicted, image.truth),)
            if warping is not None:
                scores += (warping(image.predicted, image.truth),)
            others.append(scores)
            of_probabilities.append(_score_probabilities(image.probabilities, image.truth))
        names.append(image.name)
    _check_some(names)
    num_classes = max(2, 1 + max(largest_class(table) for table in tables))
    metrics = (PixelError(), IoU(num_classes), Dice(num_classes), PrecisionRecall(num_classes))
    widened = [
        tuple(score.for_classes(num_classes) if isinstance(score, SurfaceScore) else score for score in scores)
        for scores in others
    ]
    per_image = [
        (*(metric.from_contingency(table) for metric in metrics), *scores)
        for table, scores in zip(tables, widened, strict=True)
    ]
    return _table(names, per_image, of_probabilities)


def evaluate_instance_maps(
    pairs: Pairs, *, threshold: float = 0.5, surface: SurfaceDistance | None = None
) -> Scores:
    """Score predicted instance maps: SEG, objects found and missed, Rand error, and the foreground at large.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true instance map, and what else :class:`ImagePair` has. May be a
        generator: one pair is held at a time.
    threshold
        IoU above which two objects match in ``precision``, ``recall`` and ``f1``, at least 0.5.
    surface
        How outlines are compared, with each image's own size of a pixel; None: they are not, which saves most of the time.

    Returns
    -------
    Scores
        Columns ``seg``; ``det``; ``precision``, ``recall``, ``f1``, ``mean_matched_iou``, ``true_positives``,
        ``false_positives``, ``false_negatives``; ``average_precision``, ``average_precision_50`` and on;
        ``panoptic_quality``, ``segmentation_quality``, ``recognition_quality``; ``aggregated_jaccard``,
        ``aggregated_jaccard_plus``; ``rand_error``, ``rand_precision``, ``rand_recall``, ``rand_index_error``;
        ``pixel_error``, ``iou``, ``dice``, ``pixel_precision``, ``pixel_recall`` (these five of object or background,
        whichever object). With ``surface`` and with probabilities, of object or background, as for class maps.

    Raises
    ------
    DataError
        No pair came, or two maps differ in size; the message names the image.
    LabelError
        A map holds something else than ids; the message names the image.
    SettingsError
        The threshold is out of range.

    Examples
    --------
    >>> table = evaluate_instance_maps([("a", np.array([[7, 7, 0]]), np.array([[1, 1, 1]]))])
    >>> round(table.pooled()["seg"], 3), table.pooled()["f1"]
    (0.667, 1.0)
    """
    of_objects = (
        *(SEG(), DET(), ObjectScores(threshold), AveragePrecision()),
        *(PanopticQuality(), AggregatedJaccard(), RandError()),
    )
    of_foreground = (PixelError(), IoU(), Dice(), PrecisionRecall())
    names: list[str] = []
    per_image: list[tuple[Score, ...]] = []
    of_probabilities: list[tuple[Score, ...]] = []
    for image in (ImagePair(*pair) for pair in pairs):
        with _naming(image.name):
            table = contingency_of_instance_maps(image.predicted, image.truth)
            foreground = table.as_foreground()
            scores: tuple[Score, ...] = (
                *(metric.from_contingency(table) for metric in of_objects),
                *(metric.from_contingency(foreground) for metric in of_foreground),
            )
            if surface is not None:
                scores += (replace(surface, spacing=image.spacing).from_instance_maps(image.predicted, image.truth),)
            of_probabilities.append(_score_foreground(image.probabilities, image.truth))
        names.append(image.name)
        per_image.append(scores)
    _check_some(names)
    return _table(names, per_image, of_probabilities)


def _score_probabilities(probabilities: np.ndarray | None, truth: np.ndarray) -> tuple[Score, ...]:
    if probabilities is None:
        return ()
    return CalibrationError()(probabilities, truth), ThresholdScan()(probabilities, truth)


def _score_foreground(probabilities: np.ndarray | None, truth: np.ndarray) -> tuple[Score, ...]:
    """Which class an object has, an instance map does not tell: what is not background is one class."""
    if probabilities is None:
        return ()
    foreground = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
    if len(probabilities) > 2:
        probabilities = np.stack([probabilities[0], probabilities[1:].sum(axis=0)])
    return _score_probabilities(probabilities, foreground)


def _table(names: list[str], per_image: list[tuple[Score, ...]], of_probabilities: list[tuple[Score, ...]]) -> Scores:
    if all(of_probabilities):  # a column has a figure for each image
        per_image = [(*scores, *more) for scores, more in zip(per_image, of_probabilities, strict=True)]
    return Scores(tuple(names), tuple(per_image))


@contextmanager
def _naming(image: str) -> Iterator[None]:
    """Put the image's name before the message of whatever is wrong with its maps."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{image}: {error}") from error


def _check_some(names: list[str]) -> None:
    if not names:
        raise DataError("No prediction with its truth came; at least one pair is needed. Check that their names match.")
