"""Score a set of predictions by every metric that fits them, each pair of maps held only while it is counted."""

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


def every_metric(*given: "Metric") -> tuple["Metric", ...]:
    """Return one of each metric of the closed list, in its order: a given one instead of the one with default settings."""
    from unseam.metrics import Metric  # the list stands in the file that imports this one

    by_type = {type(metric): metric for metric in given}
    return tuple(by_type.get(kind) or kind() for kind in get_args(Metric))


def quick_metrics(*given: "Metric") -> tuple["Metric", ...]:
    """Return those of :func:`every_metric` that a validation during training can afford."""
    return tuple(metric for metric in every_metric(*given) if metric.reads.is_quick)


def evaluate_class_maps(pairs: Pairs, *, metrics: Sequence["Metric"] | None = None) -> Scores:
    """Score predicted class maps.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true class map, and what else :class:`ImagePair` has. May be a
        generator: one pair is held at a time.
    metrics
        What to compute, by default :func:`quick_metrics`. Those of instance maps are left out, and those that some image has
        no score for: without probabilities; thin borders in more than two classes or ``MOST_THINNED_PX`` px.

    Returns
    -------
    Scores
        With three classes or more also a column for each class (``iou_class_1`` and on).

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
    return _evaluate(pairs, quick_metrics() if metrics is None else metrics, _ClassMaps)


def evaluate_instance_maps(pairs: Pairs, *, metrics: Sequence["Metric"] | None = None) -> Scores:
    """Score predicted instance maps: their objects, and then object or background pixel by pixel.

    Parameters
    ----------
    pairs
        Of each image its name, the predicted and the true instance map, and what else :class:`ImagePair` has. May be a
        generator: one pair is held at a time.
    metrics
        What to compute, by default :func:`quick_metrics`. Those of class maps alone are left out, and those of probabilities
        if an image has none. ``evaluate_instance_maps(pairs, metrics=[PanopticQuality()])`` computes nothing else.

    Raises
    ------
    DataError
        No pair came, or two maps differ in size; the message names the image.
    LabelError
        A map holds something else than ids; the message names the image.

    Examples
    --------
    >>> table = evaluate_instance_maps([("a", np.array([[7, 7, 0]]), np.array([[1, 1, 1]]))])
    >>> round(table.pooled()["seg"], 3), table.pooled()["f1"]
    (0.667, 1.0)
    """
    return _evaluate(pairs, quick_metrics() if metrics is None else metrics, _InstanceMaps)


class _ClassMaps:
    """A pair of class maps; each table is counted once, when the first metric reads it."""

    order = (
        *((Reads.PIXELS, Reads.CELLS), (Reads.OUTLINES,), (Reads.CLASSES,)),
        *((Reads.THIN_CELLS,), (Reads.PROBABILITIES,)),
    )

    def __init__(self, image: ImagePair) -> None:
        self.image = image
        self.pixels = contingency_of_class_maps(image.predicted, image.truth)
        self._cells: dict[tuple[int, bool], Contingency] = {}

    def score(self, metric: Any) -> Score | None:
        """Score by one metric; None if these maps have nothing that it could read."""
        image = self.image
        score: Score
        match metric.reads:
            case Reads.PIXELS:
                score = metric.from_contingency(self.pixels)
            case Reads.CELLS | Reads.THIN_CELLS:
                is_slow = metric.reads is Reads.THIN_CELLS
                if is_slow and (image.truth.size > MOST_THINNED_PX or self._has_more_classes()):
                    return None
                score = metric.from_contingency(self._counted_cells(metric.cell_class, metric.is_thinned))
            case Reads.OUTLINES:
                score = replace(metric, spacing=image.spacing)(image.predicted, image.truth)
            case Reads.CLASSES:
                score = metric(image.predicted, image.truth)
            case _:
                if image.probabilities is None:
                    return None
                score = metric(image.probabilities, image.truth)
        return score

    def _counted_cells(self, cell_class: int, is_thin: bool) -> Contingency:
        if (cell_class, is_thin) not in self._cells:
            predicted, truth = cells_of_class_maps(self.image.predicted, self.image.truth, cell_class)
            if is_thin:
                predicted = thin_borders(predicted, truth != NOT_ANNOTATED)
            self._cells[cell_class, is_thin] = contingency_of_instance_maps(predicted, truth)
        return self._cells[cell_class, is_thin]

    def _has_more_classes(self) -> bool:
        return any(1 < k < IGNORE for ids in (self.pixels.predicted, self.pixels.truth) for k in ids.tolist())


class _InstanceMaps:
    """A pair of instance maps, with the same promise."""

    order = ((Reads.OBJECTS, Reads.CELLS), (Reads.PIXELS,), (Reads.OUTLINES,), (Reads.PROBABILITIES,))

    def __init__(self, image: ImagePair) -> None:
        self.image = image
        self.objects = contingency_of_instance_maps(image.predicted, image.truth)

    @cached_property
    def pixels(self) -> Contingency:
        return self.objects.as_foreground()

    def score(self, metric: Any) -> Score | None:
        """Score by one metric; None if these maps have nothing that it could read."""
        image = self.image
        score: Score
        match metric.reads:
            case Reads.OBJECTS | Reads.CELLS:
                score = metric.from_contingency(self.objects)
            case Reads.PIXELS:
                score = metric.from_contingency(self.pixels)
            case Reads.OUTLINES:
                score = replace(metric, spacing=image.spacing).from_instance_maps(image.predicted, image.truth)
            case _:
                if image.probabilities is None:
                    return None
                score = metric(*_foreground(image.probabilities, image.truth))
        return score


def _foreground(probabilities: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add up the classes of objects: an instance map does not say which class an object has."""
    foreground = np.where(truth == NOT_ANNOTATED, IGNORE, truth > 0).astype(np.uint8)
    if len(probabilities) > 2:
        probabilities = np.stack([probabilities[0], probabilities[1:].sum(axis=0)])
    return probabilities, foreground


def _evaluate(pairs: Pairs, metrics: Sequence["Metric"], kind: type[_ClassMaps] | type[_InstanceMaps]) -> Scores:
    kept = [metric for group in kind.order for metric in metrics if metric.reads in group]
    names: list[str] = []
    found: list[list[Score | None]] = []
    for image in (ImagePair(*pair) for pair in pairs):
        with _naming(image.name):
            maps = kind(image)
            # what one image has no score for stands in no table, so the next images need not compute it
            wanted = [not found or found[-1][index] is not None for index in range(len(kept))]
            found.append([maps.score(m) if is_wanted else None for m, is_wanted in zip(kept, wanted, strict=True)])
        names.append(image.name)
    if not names:
        raise DataError("No prediction with its truth came; at least one pair is needed. Check that their names match.")
    complete = [index for index in range(len(kept)) if found[-1][index] is not None]
    per_image = [tuple(score for index in complete if (score := row[index]) is not None) for row in found]
    by_metric = (_for_the_same_classes(column) for column in zip(*per_image, strict=True))
    return Scores(tuple(names), tuple(zip(*by_metric, strict=True)), is_of_objects=kind is _InstanceMaps)


def _for_the_same_classes(scores: Sequence[Any]) -> list[Score]:
    """Give each image as many classes as the image with the most, so that all have the same columns."""
    if not hasattr(scores[0], "for_classes"):
        return list(scores)
    num_classes = max(score.num_classes for score in scores)
    return [score.for_classes(num_classes) for score in scores]


@contextmanager
def _naming(image: str) -> Iterator[None]:
    """Put the image's name before the message of whatever is wrong with its maps."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{image}: {error}") from error
