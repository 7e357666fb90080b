"""Score a set of predictions by every metric that fits them, each pair of maps held only while it is counted."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from unseam.errors import DataError
from unseam.metrics.class_overlap import largest_class
from unseam.metrics.contingency import Contingency, contingency_of_class_maps, contingency_of_instance_maps
from unseam.metrics.dice import Dice
from unseam.metrics.iou import IoU
from unseam.metrics.object_scores import ObjectScores
from unseam.metrics.pixel_error import PixelError
from unseam.metrics.rand_error import RandError, RandScore
from unseam.metrics.score import Score
from unseam.metrics.seg import SEG
from unseam.metrics.table import Scores


def evaluate_class_maps(pairs: Iterable[tuple[str, np.ndarray, np.ndarray]], *, cell_class: int = 1) -> Scores:
    """Score predicted class maps: pixel error, IoU, Dice, and the Rand error of the components of one class.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true class map. May be a generator: one pair is held
        at a time.
    cell_class
        Class whose 4-connected components are the cells of the Rand error.

    Returns
    -------
    Scores
        Columns ``pixel_error``, ``iou``, ``dice``, ``rand_error``, ``rand_precision``, ``rand_recall`` and
        ``rand_index_error``; with three classes or more also ``iou_class_1`` and on, ``dice_class_1`` and on.

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
    rand_scores: list[RandScore] = []
    for name, predicted, truth in pairs:
        with _naming(name):
            tables.append(contingency_of_class_maps(predicted, truth))
            rand_scores.append(rand_error.from_class_maps(predicted, truth))
        names.append(name)
    _check_some(names)
    num_classes = max(2, 1 + max(largest_class(table) for table in tables))
    metrics = (PixelError(), IoU(num_classes), Dice(num_classes))
    per_image: list[tuple[Score, ...]] = [
        (*(metric.from_contingency(table) for metric in metrics), rand_score)
        for table, rand_score in zip(tables, rand_scores, strict=True)
    ]
    return Scores(tuple(names), tuple(per_image))


def evaluate_instance_maps(pairs: Iterable[tuple[str, np.ndarray, np.ndarray]], *, threshold: float = 0.5) -> Scores:
    """Score predicted instance maps: SEG, objects found and missed, Rand error, and the foreground at large.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true instance map. May be a generator: one pair is
        held at a time.
    threshold
        IoU above which two objects match, at least 0.5.

    Returns
    -------
    Scores
        Columns ``seg``; ``precision``, ``recall``, ``f1``, ``mean_matched_iou``, ``true_positives``,
        ``false_positives``, ``false_negatives``; ``rand_error``, ``rand_precision``, ``rand_recall``,
        ``rand_index_error``; ``pixel_error``, ``iou``, ``dice`` (these three of object or background,
        whichever object).

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
    of_objects = (SEG(), ObjectScores(threshold), RandError())
    of_foreground = (PixelError(), IoU(), Dice())
    names: list[str] = []
    per_image: list[tuple[Score, ...]] = []
    for name, predicted, truth in pairs:
        with _naming(name):
            table = contingency_of_instance_maps(predicted, truth)
        foreground = table.as_foreground()
        scores = (metric.from_contingency(table) for metric in of_objects)
        names.append(name)
        per_image.append((*scores, *(metric.from_contingency(foreground) for metric in of_foreground)))
    _check_some(names)
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
