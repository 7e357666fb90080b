"""Score a set of predictions by every metric that fits them. Only one pair of maps is in memory at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from unseam.errors import DataError
from unseam.metrics.components import cells_of_class_maps
from unseam.metrics.contingency import Contingency, contingency_of_class_maps, contingency_of_instance_maps
from unseam.metrics.score import Reads, Score
from unseam.metrics.table import Scores
from unseam.metrics.thin_borders import thin_borders
from unseam.shapes import IGNORE, NOT_ANNOTATED

if TYPE_CHECKING:
    from unseam.metrics import Metric

MOST_THINNED_PX = 2**21
"""Larger images get no V-Rand and V-Info in a table: thinning borders takes about a third of a second per million px."""


class ImagePair(NamedTuple):
    """One image to score.

    Attributes
    ----------
    name
        Name of its row in the table.
    predicted, truth
        Class maps or instance maps (H, W).
    spacing
        Size of a pixel, row and column, in the unit of the distances.
    probabilities
        (K, H, W), for calibration and other thresholds. If one image lacks them, the table has neither.
    """

    name: str
    predicted: np.ndarray
    truth: np.ndarray
    spacing: tuple[float, float] = (1.0, 1.0)
    probabilities: np.ndarray | None = None


Pairs = Iterable[ImagePair | tuple[str, np.ndarray, np.ndarray]]


def every_metric(*given: "Metric") -> tuple["Metric", ...]:
    """Return one metric of each type, in the order of the closed list. A given metric replaces the default one of its type."""
    from unseam.metrics import Metric  # the module of the list imports this one

    by_type = {type(metric): metric for metric in given}
    return tuple(by_type.get(kind) or kind() for kind in get_args(Metric))


def quick_metrics(*given: "Metric") -> tuple["Metric", ...]:
    """Return those of :func:`every_metric` that are fast enough for validation during training."""
    return tuple(metric for metric in every_metric(*given) if metric.reads.is_quick)


def evaluate_class_maps(pairs: Pairs, *, metrics: Sequence["Metric"] | None = None) -> Scores:
    """Score predicted class maps.

    Parameters
    ----------
    pairs
        The name, the predicted and the true map of each image, and the other fields of :class:`ImagePair`. May be a
        generator: only one pair is in memory at a time.
    metrics
        Metrics to compute, by default :func:`quick_metrics`. The table leaves out metrics of instance maps, and metrics that
        cannot score one of the images: without probabilities, or thin borders in more than two classes or in more than
        ``MOST_THINNED_PX`` px.

    Returns
    -------
    Scores
        With three classes or more also a column for each class (``iou_class_1``, ``iou_class_2``, ...).

    Raises
    ------
    DataError
        There is no pair, or two maps differ in size; the message names the image.
    LabelError
        A map holds a value that is not a class; the message names the image.

    Examples
    --------
    >>> table = evaluate_class_maps([("a", np.array([[0, 1, 1]]), np.array([[0, 1, 0]]))])
    >>> round(table.pooled()["pixel_error"], 3), table.pooled()["iou"]
    (0.333, 0.5)
    """
    return _evaluate(pairs, metrics, _ClassMaps)


def evaluate_instance_maps(pairs: Pairs, *, metrics: Sequence["Metric"] | None = None) -> Scores:
    """Score predicted instance maps: their objects, and then object or background pixel by pixel.

    Parameters and errors are those of :func:`evaluate_class_maps`; here the table leaves out metrics that only read class
    maps. ``evaluate_instance_maps(pairs, metrics=[PanopticQuality()])`` computes nothing else.

    Examples
    --------
    >>> table = evaluate_instance_maps([("a", np.array([[7, 7, 0]]), np.array([[1, 1, 1]]))])
    >>> round(table.pooled()["seg"], 3), table.pooled()["f1"]
    (0.667, 1.0)
    """
    return _evaluate(pairs, metrics, _InstanceMaps)


class _ClassMaps:
    """A pair of class maps. It counts each table once, for all metrics that read it."""

    order = ((Reads.PIXELS, Reads.CELLS), (Reads.OUTLINES,), (Reads.CLASSES,), (Reads.THIN_CELLS,), (Reads.PROBABILITIES,))

    def __init__(self, image: ImagePair) -> None:
        self.image = image
        self.pixels = contingency_of_class_maps(image.predicted, image.truth)
        self._cell_tables: dict[tuple[int, bool], Contingency] = {}

    def score(self, metric: Any) -> Score | None:
        """Score by one metric; None if these maps hold nothing that it reads."""
        image = self.image
        match metric.reads:
            case Reads.PIXELS:
                return metric.from_contingency(self.pixels)
            case Reads.THIN_CELLS if image.truth.size > MOST_THINNED_PX or self._has_more_classes():
                return None
            case Reads.CELLS | Reads.THIN_CELLS:
                return metric.from_contingency(self._cells(metric.cell_class, metric.is_thinned))
            case Reads.OUTLINES:
                return replace(metric, spacing=image.spacing)(image.predicted, image.truth)
            case Reads.CLASSES:
                return metric(image.predicted, image.truth)
            case _:
                return None if image.probabilities is None else metric(image.probabilities, image.truth)

    def _cells(self, cell_class: int, is_thin: bool) -> Contingency:
        if (cell_class, is_thin) not in self._cell_tables:
            predicted, truth = cells_of_class_maps(self.image.predicted, self.image.truth, cell_class)
            if is_thin:
                predicted = thin_borders(predicted, truth != NOT_ANNOTATED)
            self._cell_tables[cell_class, is_thin] = contingency_of_instance_maps(predicted, truth)
        return self._cell_tables[cell_class, is_thin]

    def _has_more_classes(self) -> bool:
        return any(1 < k < IGNORE for ids in (self.pixels.predicted, self.pixels.truth) for k in ids.tolist())


class _InstanceMaps:
    """A pair of instance maps. It counts each table once, for all metrics that read it."""

    order = ((Reads.OBJECTS, Reads.CELLS), (Reads.PIXELS,), (Reads.OUTLINES,), (Reads.PROBABILITIES,))

    def __init__(self, image: ImagePair) -> None:
        self.image = image
        self.objects = contingency_of_instance_maps(image.predicted, image.truth)

    @cached_property
    def pixels(self) -> Contingency:
        return self.objects.as_foreground()

    def score(self, metric: Any) -> Score | None:
        """Score by one metric; None if these maps hold nothing that it reads."""
        image = self.image
        match metric.reads:
            case Reads.OBJECTS | Reads.CELLS:
                return metric.from_contingency(self.objects)
            case Reads.PIXELS:
                return metric.from_contingency(self.pixels)
            case Reads.OUTLINES:
                return replace(metric, spacing=image.spacing).from_instance_maps(image.predicted, image.truth)
            case _ if image.probabilities is None:
                return None
            case _:
                return metric(*_foreground(image.probabilities, image.truth))


def _foreground(probabilities: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add up the classes of objects: an instance map does not hold the class of an object."""
    foreground = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
    if len(probabilities) > 2:
        probabilities = np.stack([probabilities[0], probabilities[1:].sum(axis=0)])
    return probabilities, foreground


def _evaluate(pairs: Pairs, metrics: Sequence["Metric"] | None, maps_type: type[_ClassMaps | _InstanceMaps]) -> Scores:
    given = quick_metrics() if metrics is None else metrics
    chosen = [metric for group in maps_type.order for metric in given if metric.reads in group]
    names: list[str] = []
    rows: list[list[Score | None]] = []
    for image in (ImagePair(*pair) for pair in pairs):
        with _naming(image.name):
            maps = maps_type(image)
            # A metric that cannot score one image gets no column, so the following images skip it. The last row therefore
            # shows which columns are complete.
            is_scored = [score is not None for score in rows[-1]] if rows else [True] * len(chosen)
            rows.append([maps.score(metric) if use else None for metric, use in zip(chosen, is_scored, strict=True)])
        names.append(image.name)
    if not names:
        raise DataError("Got no pair of prediction and truth; at least one pair is needed. Check that their names match.")
    complete = [index for index, score in enumerate(rows[-1]) if score is not None]
    per_image = [tuple(score for index in complete if (score := row[index]) is not None) for row in rows]
    by_metric = (_for_the_same_classes(column) for column in zip(*per_image, strict=True))
    return Scores(tuple(names), tuple(zip(*by_metric, strict=True)), is_of_objects=maps_type is _InstanceMaps)


def _for_the_same_classes(scores: Sequence[Any]) -> list[Score]:
    """Give every image as many classes as the image with the most, so that all have the same columns."""
    if not hasattr(scores[0], "for_classes"):
        return list(scores)
    num_classes = max(score.num_classes for score in scores)
    return [score.for_classes(num_classes) for score in scores]


@contextmanager
def _naming(image: str) -> Iterator[None]:
    """Put the name of the image in front of the message of an error in its maps."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{image}: {error}") from error
