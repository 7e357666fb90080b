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
from unseam.data.label_evidence import Evidence, are_greys, collect_evidence
from unseam.data.labels import LabelKind, LabelReading, judge_kind, list_values, to_class_map, to_instance_map
from unseam.errors import LabelError
from unseam.evaluation.codings import (
    MOST_FEW,
    check_coding_of_each_side,
    check_has_background,
    check_same_values,
    has_ignore,
)
from unseam.metrics.probability_maps import ROUNDING
from unseam.shapes import IGNORE

_MOST_CLASSES = 255

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

        For objects, and where everything but the background is foreground, the foreground channels are added up. Channels
        after two that already add up to 1 are further maps of a head, such as distances, and no classes.
        """
        if self.is_foreground and len(channels) > 2:
            if np.abs(channels[:2].sum(axis=0) - 1).max(initial=0) <= ROUNDING:
                return channels[:2]
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


class _Joined(Sequence[np.ndarray]):
    """The maps of both sides as one sequence, one in memory at a time."""

    def __init__(self, *sides: LabelMaps) -> None:
        self._sides = sides
        self._places = [(side, index) for side, maps in enumerate(sides) for index in range(len(maps))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]  # slices are not needed
        side, place = self._places[index]
        return self._sides[side][place]


def guess_kind(truths: LabelMaps, predictions: LabelMaps, ignore: int | None = None) -> LabelKind:
    """Guess from the numbers what label maps hold; binary if there are fewer than two values.

    Raises LabelError if the maps of a side are drawings with soft edges or grey pictures.
    """
    sides = [collect_evidence(maps, ignore).values for maps in (truths, predictions)]
    if len({*sides[0], *sides[1]}) < 2:
        return "binary"
    if any(len(values) > 2 and are_greys(values) for values in sides):
        return "classes"  # together with 0, 1, 2 of the other side they would look like numbers of objects
    try:
        return judge_kind(_Joined(truths, predictions), ignore)
    except LabelError:
        # Each side may be sound: numbered objects on one and 255 on the other look like soft edges together.
        both = zip((truths, predictions), sides, strict=True)
        kinds = [judge_kind(maps, ignore) for maps, values in both if len(values) > 1]
    order: tuple[LabelKind, ...] = ("instances", "classes", "binary")
    return next(kind for kind in order if kind in kinds)


def choose_reading(
    truths: LabelMaps,
    predictions: LabelMaps,
    kind: LabelKind,
    *,
    is_given: bool,
    knows_background: bool = False,
    ignore: int | None = None,
) -> ScoringReading:
    """Decide how both sides are read.

    Parameters
    ----------
    truths, predictions
        All planes of both sides, as :func:`unseam.io.read_labels` gives them.
    kind
        What they hold.
    is_given
        Whether the user chose ``kind``. Then "binary" scores everything but 0 as foreground, whatever the numbers.
    knows_background
        Whether 0 is known to be background although it may not occur: so the names of files say, or the type of arrays.
    ignore
        Value of the truths for "not annotated". None: 255 above the classes 0, 1, ... means it if no prediction has it.

    Raises
    ------
    LabelError
        If ``kind`` was guessed, and 0 is on neither side, or the foreground has other values in the truth than in the
        prediction, or 1 in some maps of a side and 255 in others; or if there are too many classes.

    >>> empty, one = np.array([[0, 0]]), np.array([[0, 1]])
    >>> choose_reading([empty], [one], "binary", is_given=False).values
    (0, 1)
    """
    true, predicted = collect_evidence(truths, ignore), collect_evidence(predictions, None)
    of_objects = facts_of_kind(kind).has_objects
    note = "" if is_given or knows_background else check_has_background(true, predicted, of_objects=of_objects)
    if of_objects:
        choice = ", as requested" if is_given else ""
        words = f"Each number is one object{choice}.{note}{_warn_of_pieces(true, predicted)}"
        return ScoringReading(kind, (), 0, ignore, words)
    if not is_given:
        check_coding_of_each_side(true, predicted, ignore)
    if ignore is None and has_ignore(true, predicted):
        ignore, true = IGNORE, collect_evidence(truths, IGNORE)
        note = " 255 above consecutive classes means 'not annotated', because no prediction has it."
    if is_given and facts_of_kind(kind).has_pieces:
        if true.values and 0 not in (*true.values, *predicted.values):
            note += " Beware: no pixel is 0, so everything is foreground."
        return ScoringReading(kind, (), 0, ignore, f"Everything but 0 is foreground, as requested.{note}")
    if not is_given and (words := _only_foreground_on_one_side(true, predicted)):
        return ScoringReading("binary", (), 0, ignore, words + note)
    if not is_given:
        check_same_values(true, predicted)
    return _class_reading(true, predicted, kind if is_given else None, ignore, note, knows_background=knows_background)


def _class_reading(
    true: Evidence, predicted: Evidence, kind: LabelKind | None, ignore: int | None, note: str, *, knows_background: bool
) -> ScoringReading:
    """Return the reading in which each value of both sides is a class; ``kind`` None: binary if there are two of them."""
    values = seen = tuple(sorted({*true.values, *predicted.values}))
    if knows_background or len(values) < 2:  # nothing tells a single value from background but its number
        values = tuple(sorted({0, *values}))
    if len(values) > _MOST_CLASSES:
        raise LabelError(
            f"Annotations and predictions hold {len(values)} values, but there may be at most {_MOST_CLASSES} classes. If each "
            "number is one object, give --masks instances and the _masks files of unseam predict."
        )
    words = f"Annotations and predictions hold {len(seen)} value(s): {list_values(seen)}; {values[0]} is background."
    only_true, only_predicted = {*true.values} - {*predicted.values, 0}, {*predicted.values} - {*true.values, 0}
    if only_true and only_predicted:
        ours, theirs = list_values(sorted(only_true)), list_values(sorted(only_predicted))
        note += f" Beware: only the annotations have {ours}, only the predictions {theirs}; these count as different classes."
    return ScoringReading(kind or ("binary" if len(values) <= 2 else "classes"), values, values[0], ignore, words + note)


def _only_foreground_on_one_side(true: Evidence, predicted: Evidence) -> str:
    """Return a sentence if one side numbers many objects and the other one has a single foreground value; else nothing."""
    sides = (({*true.values} - {0}, "annotations"), ({*predicted.values} - {0}, "predictions"))
    for (many, who), (one, other) in (sides, sides[::-1]):
        if len(many) > MOST_FEW and len(one) <= 1 and 0 in (*true.values, *predicted.values):
            return f"The {who} number {len(many)} objects, the {other} only foreground: foreground is scored."
    return ""


def _warn_of_pieces(true: Evidence, predicted: Evidence) -> str:
    """Return a sentence if all foreground of a side has one number, but several pieces."""
    sides = ((true, "annotations"), (predicted, "predictions"))
    # A map without 0 is one piece.
    found = [(side, who) for side, who in sides if side.values[:1] == (0,) and len(side.values) == 2 and side.whole_share < 1]
    if not found:
        return ""
    whose = " and ".join(who for _, who in found)
    numbers = list_values(sorted({side.values[1] for side, _ in found}))
    return (
        f" Beware: all foreground of the {whose} has the number {numbers} and counts as one object, but it has several pieces. "
        f"Number the objects of the {whose}, or score the foreground with --masks binary."
    )
