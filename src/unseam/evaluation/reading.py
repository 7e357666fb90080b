"""What the numbers of predicted and true label maps mean.

Training needs masks that hold something to learn. Scoring does not: a truth may be empty, have one object, or lack a class that
was predicted. So the meaning of the numbers comes from the user, from the names of the predictions, or from both sides
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, Integer, UInt8

from unseam.data.kinds import facts_of_kind
from unseam.data.label_evidence import Evidence, collect_evidence
from unseam.data.labels import LabelKind, LabelReading, judge_kind, to_class_map, to_instance_map
from unseam.errors import LabelError
from unseam.shapes import IGNORE

_MOST_CLASSES = 255
_MANY = 16  # with more foreground values in the truth and one in the prediction, the truth numbers objects

LabelMaps = Sequence[Integer[np.ndarray, "_ _"]]


@dataclass(frozen=True)
class ScoringReading:
    """How both sides are read.

    Attributes
    ----------
    values
        Values of the classes, ascending; empty if everything but ``background`` is foreground.
    ignore
        The value of the truth that means "not annotated", besides -1. In a prediction it is an ordinary value.
    reason
        A sentence for the user.
    """

    kind: LabelKind
    values: tuple[int, ...]
    background: int
    ignore: int | None
    reason: str

    @property
    def is_foreground(self) -> bool:
        """Whether all classes but the background count as one."""
        facts = facts_of_kind(self.kind)
        return facts.has_objects or facts.has_pieces

    def truth(
        self, labels: Integer[np.ndarray, "height width"]
    ) -> UInt8[np.ndarray, "height width"] | Int32[np.ndarray, "height width"]:
        """Return the class or instance map of a truth."""
        return self._converted(labels, self.ignore)

    def prediction(
        self, labels: Integer[np.ndarray, "height width"]
    ) -> UInt8[np.ndarray, "height width"] | Int32[np.ndarray, "height width"]:
        """Return the class or instance map of a prediction. All its pixels count."""
        return self._converted(labels, None)

    def probabilities(
        self, channels: Float[np.ndarray, "channel height width"]
    ) -> Float[np.ndarray, "klass height width"] | None:
        """Return the probabilities of the scored classes, background first; None if the channels are other classes.

        For objects, and where everything but the background is foreground, the foreground channels are added up.
        """
        if self.is_foreground and len(channels) > 2:
            return np.stack([channels[0], channels[1:].sum(axis=0)])
        if not self.values or len(self.values) == len(channels):
            return channels
        if max(self.values) >= len(channels):
            return None
        absent = sorted({*range(len(channels))} - {*self.values})  # classes that occur in no map
        return channels[[*self.values, *absent]]

    def _converted(self, labels: np.ndarray, ignore: int | None) -> np.ndarray:
        reading = LabelReading(self.kind, self.values, (), ignore, "")
        if facts_of_kind(self.kind).has_objects:
            return to_instance_map(labels, reading)
        if self.values:
            return to_class_map(labels, reading)
        classes = (labels != self.background).astype(np.uint8)
        classes[(labels == -1) | (labels == ignore if ignore is not None else False)] = IGNORE
        return classes


def guess_kind(maps: LabelMaps, ignore: int | None) -> LabelKind:
    """Guess from the numbers what label maps hold; binary if there are fewer than two values."""
    return "binary" if len(collect_evidence(maps, ignore).values) < 2 else judge_kind(maps, ignore)


def choose_reading(
    truths: LabelMaps, predictions: LabelMaps, kind: LabelKind, *, is_given: bool, ignore: int | None = None
) -> ScoringReading:
    """Decide how both sides are read.

    Parameters
    ----------
    truths, predictions
        All planes of both sides, as :func:`unseam.io.read_labels` gives them.
    kind
        What they hold.
    is_given
        Whether the user chose ``kind``. Then "binary" scores everything but the background as foreground, whatever the numbers.
    ignore
        Value of the truths for "not annotated". None: 255 above the classes 0, 1, ... means it if no prediction has it.

    Raises
    ------
    LabelError
        If the foreground has one value in the truth and another one in the prediction, or there are too many classes.

    >>> empty, one = np.array([[0, 0]]), np.array([[0, 1]])
    >>> choose_reading([empty], [one], "binary", is_given=False).values
    (0, 1)
    """
    true, predicted = collect_evidence(truths, ignore), collect_evidence(predictions, None)
    if facts_of_kind(kind).has_objects:
        choice = ", as requested" if is_given else ""
        return ScoringReading(kind, (), 0, ignore, f"Each number is one object{choice}.{_warn_of_pieces(true)}")
    note = ""
    if ignore is None and _has_ignore(true, predicted):
        ignore, true = IGNORE, collect_evidence(truths, IGNORE)
        note = " 255 above consecutive classes means 'not annotated', because no prediction has it."
    values = tuple(sorted({*true.values, *predicted.values}))
    background = 0 if 0 in values or not values else values[0]
    true_values, predicted_values = set(true.values) - {background}, set(predicted.values) - {background}
    if facts_of_kind(kind).has_pieces and is_given and len(values) > 2:
        return ScoringReading(kind, (), background, ignore, f"Everything but {background} is foreground, as requested.")
    if len(true_values) > _MANY and len(predicted_values) <= 1 and not is_given and background == 0:
        words = f"The annotations number {len(true_values)} objects, the predictions only foreground: foreground is scored."
        return ScoringReading("binary", (), 0, ignore, words)
    if len(true_values) == len(predicted_values) == 1 and true_values != predicted_values and not is_given:
        raise LabelError(
            f"The foreground of the annotations is {_list(true_values)}, that of the predictions {_list(predicted_values)}. If "
            "both mean the same, give --masks binary. If they are different classes, give --masks classes. If "
            f"{max(true_values)} means 'not annotated', give --ignore {max(true_values)}."
        )
    if len(values) > _MOST_CLASSES:
        raise LabelError(
            f"Annotations and predictions hold {len(values)} values, but there may be at most {_MOST_CLASSES} classes. If each "
            "number is one object, give --masks instances and the _masks files of unseam predict."
        )
    kind = kind if is_given else "binary" if len(values) <= 2 else "classes"
    words = f"Annotations and predictions hold {len(values)} value(s): {_list(values)}; {background} is background."
    return ScoringReading(kind, values or (0,), background, ignore, words + note)


def _has_ignore(true: Evidence, predicted: Evidence) -> bool:
    values = tuple(sorted({*true.values, *predicted.values}))
    is_above = values == (*range(len(values) - 1), IGNORE)
    return is_above and len(true.values) >= 3 and len(values) <= _MANY and IGNORE not in predicted.values


def _warn_of_pieces(true: Evidence) -> str:
    if len(true.foreground) != 1 or true.whole_share == 1:
        return ""
    return (
        f" Beware: all foreground of the annotations has the number {true.foreground[0]} and counts as one object, but it "
        "has several pieces. Number the objects of the annotations, or score the foreground with --masks binary."
    )


def _list(values: Sequence[int] | set[int]) -> str:
    shown = sorted(values)
    return ", ".join(map(str, shown if len(shown) <= 8 else [*shown[:5], "...", shown[-1]]))
