"""How far a predicted and a true class cover each other: what :class:`IoU` and :class:`Dice` both stand on."""

from collections.abc import Iterable
from dataclasses import dataclass

from unseam.errors import LabelError, SettingsError
from unseam.metrics.contingency import Contingency
from unseam.metrics.score import Figure
from unseam.shapes import IGNORE


@dataclass(frozen=True)
class ClassOverlap:
    """Annotated pixels of each class 0..K-1: in both maps, in the prediction, in the truth."""

    both: tuple[int, ...]
    predicted: tuple[int, ...]
    truth: tuple[int, ...]


def largest_class(table: Contingency) -> int:
    """Highest class in either map (``IGNORE`` in a prediction is none); -1 if the table is empty."""
    classes = [*table.predicted_sizes[0].tolist(), *table.truth_sizes[0].tolist()]
    return max((value for value in classes if value != IGNORE), default=-1)


def class_overlap(table: Contingency, num_classes: int) -> ClassOverlap:
    """Count each class in both maps.

    Raises
    ------
    LabelError
        A map holds a class that ``num_classes`` does not allow.
    """
    highest = largest_class(table)
    if highest >= num_classes:
        raise LabelError(
            f"Class {highest} came, and {num_classes} classes were announced: 0..{num_classes - 1}. "
            f"Say num_classes={highest + 1}, or mend the map."
        )
    predicted = dict(zip(*(part.tolist() for part in table.predicted_sizes), strict=True))
    truth = dict(zip(*(part.tolist() for part in table.truth_sizes), strict=True))
    same = table.predicted == table.truth
    both = dict(zip(table.predicted[same].tolist(), table.count[same].tolist(), strict=True))
    classes = range(num_classes)
    return ClassOverlap(
        both=tuple(both.get(k, 0) for k in classes),
        predicted=tuple(predicted.get(k, 0) for k in classes),
        truth=tuple(truth.get(k, 0) for k in classes),
    )


def check_num_classes(num_classes: int) -> None:
    """Refuse fewer than two classes.

    Raises
    ------
    SettingsError
        That.
    """
    if num_classes < 2:
        raise SettingsError(
            f"num_classes is {num_classes}; it may be 2 or more. Count the background as a class of its own."
        )


def foreground_columns(name: str, mean: float, per_class: tuple[float, ...]) -> dict[str, Figure]:
    """Name the mean over the foreground classes and, where there are several of them, each.

    >>> foreground_columns("iou", 0.5, (0.9, 0.5))
    {'iou': 0.5}
    >>> foreground_columns("iou", 0.5, (0.9, 0.4, 0.6))
    {'iou': 0.5, 'iou_class_1': 0.4, 'iou_class_2': 0.6}
    """
    columns: dict[str, Figure] = {name: mean}
    if len(per_class) > 2:
        columns |= {f"{name}_class_{k}": value for k, value in enumerate(per_class) if k > 0}
    return columns


def add_up(counts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Add the counts of many images, class by class.

    >>> add_up([(1, 2), (10, 20)])
    (11, 22)
    """
    return tuple(sum(of_one_class) for of_one_class in zip(*counts, strict=True))
