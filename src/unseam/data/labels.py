"""What do these masks hold: two kinds of pixels, several classes, or a number for each object?

Nobody should have to say; the masks are looked at, the answer is said aloud, and it can be overruled.

==========  =======================================================  ==========================================
kind        what a value means                                       told by
==========  =======================================================  ==========================================
binary      background or foreground                                 exactly two values over all masks
classes     what the pixel is                                        few values, in several pieces an image
instances   which object the pixel belongs to, 0 is background       many values, or each in one piece
==========  =======================================================  ==========================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int32, Integer, Shaped, UInt8

from unseam.data.label_evidence import Evidence, are_greys, check_edges, look, same_everywhere, whole_numbers
from unseam.errors import LabelError
from unseam.shapes import IGNORE, NOT_ANNOTATED

LabelKind = Literal["binary", "classes", "instances"]

_FEW = 16  # more foreground values than this are objects, unless most of them are in pieces
_MOST_CLASSES = 255  # a class map is 8-bit, and one value says "not annotated"
_HIGHEST = 2**32 - 1  # that a TIFF of whole numbers holds


@dataclass(frozen=True)
class LabelReading:
    """What a set of masks was found, or said, to hold.

    Attributes
    ----------
    kind
        One of the three.
    values
        Of the masks, in the order of the classes, background first; empty for instances.
    class_names
        One for each value; background and object for instances.
    ignore
        Value of the masks that means "not annotated", besides -1.
    reason
        One sentence for the user.
    notes
        More of them, where something was guessed.
    """

    kind: LabelKind
    values: tuple[int, ...]
    class_names: tuple[str, ...]
    ignore: int | None
    reason: str
    notes: tuple[str, ...] = ()


def judge_labels(
    maps: Sequence[Shaped[np.ndarray, "..."]],
    *,
    names: Sequence[str] = (),
    kind: LabelKind | None = None,
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
) -> LabelReading:
    """Decide what all masks of a data set hold.

    Parameters
    ----------
    maps
        All of them, each (H, W), whole numbers; sizes may differ.
    names
        Of the masks, for messages; counted if absent.
    kind
        If it is known; otherwise it is judged.
    ignore
        Value for "not annotated", if there is one besides -1. Where it is not said, 255 above classes 0, 1, 2, ... is
        taken for one, and a note says so.
    declared
        Value and name of each class, if a description of the data gives them. Then each must occur, and no other.

    Raises
    ------
    LabelError
        Nothing annotated, one value only, classes beyond 32 bits, soft edges, fractions, a declared class that never
        occurs, or a kind that the masks contradict.

    Examples
    --------
    >>> stripes = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 4, axis=0)
    >>> reading = judge_labels([stripes])
    >>> reading.kind, reading.values
    ('binary', (0, 255))
    """
    names = names or [f"mask {number}" for number in range(1, len(maps) + 1)]
    checked = [whole_numbers(labels, name) for labels, name in zip(maps, names, strict=True)]
    evidence = look(checked, ignore)
    notes: tuple[str, ...] = ()
    if ignore is None and kind != "instances" and not declared and _has_ignore(evidence.values):
        ignore, evidence = IGNORE, look(checked, IGNORE)
        notes = (
            "255 above consecutive classes is taken for 'not annotated'. Set ignore to another value if it is a class.",
        )
    _check_worth_learning(evidence)
    if declared:
        kind = _check_declared(checked, names, declared, evidence, ignore)
    if kind is None:
        check_edges(evidence)
        kind, reason = _judge(evidence)
    else:
        reason = _said(kind, evidence)
    if kind == "instances":
        return LabelReading(kind, (), ("background", "object"), ignore, reason, notes)
    values, class_names = _classes(kind, evidence, declared)
    return LabelReading(kind, values, class_names, ignore, reason, notes)


def judge_kind(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> LabelKind:
    """Decide as :func:`judge_labels` does, from maps of integers that are held one at a time.

    Raises
    ------
    LabelError
        Nothing annotated, one value only, or soft edges.
    """
    evidence = look(maps, ignore)
    if ignore is None and _has_ignore(evidence.values):
        evidence = look(maps, IGNORE)
    _check_worth_learning(evidence)
    check_edges(evidence)
    return _judge(evidence)[0]


def to_class_map(
    labels: Shaped[np.ndarray, "height width"], reading: LabelReading
) -> UInt8[np.ndarray, "height width"]:
    """Translate a mask into classes 0..K-1, with ``IGNORE`` where nobody annotated.

    Instance maps become background 0 and object 1.

    Raises
    ------
    LabelError
        If a value occurs that the reading does not have; with its first place.
    """
    labels = whole_numbers(labels, "The mask")
    skipped = labels == NOT_ANNOTATED
    if reading.ignore is not None:
        skipped |= labels == reading.ignore
    if reading.kind == "instances":
        classes = (labels > 0).astype(np.uint8)
    else:
        values = np.array(reading.values, dtype=np.int64)
        index = np.minimum(np.searchsorted(values, labels), values.size - 1)
        unseen = (values[index] != labels) & ~skipped
        if unseen.any():
            row, column = (int(i) for i in np.unravel_index(int(np.argmax(unseen)), unseen.shape))
            raise LabelError(
                f"the mask has the value {labels[row, column]} at row {row}, column {column}; known are "
                f"{_list(reading.values)}. Correct that pixel, or give this mask to training too."
            )
        classes = index.astype(np.uint8)
    classes[skipped] = IGNORE
    return classes


def to_instance_map(
    labels: Shaped[np.ndarray, "height width"], reading: LabelReading
) -> Int32[np.ndarray, "height width"]:
    """Translate a mask into an instance map: 0 background, -1 where nobody annotated, object numbers as they are.

    Numbers that 32 bits cannot hold are replaced by 1, 2, ... in their order.

    Raises
    ------
    LabelError
        If the masks hold classes, whose pixels do not say which object they belong to.
    """
    if reading.kind != "instances":
        raise LabelError(
            f"The masks were read as {reading.kind}, which have no object numbers; instance maps have. Set masks to "
            "'instances' if each number is one object."
        )
    labels = whole_numbers(labels, "The mask")
    skipped = labels == NOT_ANNOTATED
    if reading.ignore is not None:
        skipped |= labels == reading.ignore
    if int(labels.max()) > np.iinfo(np.int32).max:
        objects = np.unique(labels[(labels > 0) & ~skipped])
        labels = np.where(labels > 0, np.searchsorted(objects, labels) + 1, 0)
    instances = labels.astype(np.int32)
    instances[skipped] = NOT_ANNOTATED
    return instances


def _has_ignore(values: tuple[int, ...]) -> bool:
    return 3 <= len(values) <= _FEW and values == (*range(len(values) - 1), IGNORE)


def _check_worth_learning(evidence: Evidence) -> None:
    if not evidence.values:
        raise LabelError(
            "No pixel of the masks is annotated. Annotate some, or check which value means 'not annotated'."
        )
    if len(evidence.values) == 1:
        raise LabelError(
            f"All annotated pixels of all masks have the value {evidence.values[0]}: there is nothing to learn. "
            "Masks need at least two values; check that these are the right files and that they were not saved "
            "empty."
        )


def _judge(evidence: Evidence) -> tuple[LabelKind, str]:
    if len(evidence.values) == 2:
        return "binary", _said("binary", evidence)
    number, share = len(evidence.foreground), evidence.whole_share
    values = f"{len(evidence.values)} values ({_list(evidence.values)})"
    if are_greys(evidence.values):
        return "classes", f"The masks hold {values}, spread as greys: classes, {evidence.values[0]} is background."
    if share < (0.8 if number <= _FEW else 0.5) and len(evidence.values) <= 4 * _FEW:
        return "classes", (
            f"The masks hold {values}, most in several pieces an image: classes, {evidence.values[0]} is background. "
            "Set masks to 'instances' if each number is one object."
        )
    if same_everywhere(evidence):
        return "classes", (
            f"The masks hold {values}, the same in most images: classes, {evidence.values[0]} is background. Set "
            "masks to 'instances' if each number is one object."
        )
    most = max(len(values) for values in evidence.sets)
    return "instances", (
        f"The masks hold up to {most} numbers besides {evidence.background} in an image, each in one piece: one "
        "object each. Set masks to 'classes' if the numbers say what a pixel is."
    )


def _said(kind: LabelKind, evidence: Evidence) -> str:
    values = evidence.values
    if kind == "binary":
        if len(values) != 2:
            raise LabelError(
                f"The masks hold {len(values)} values ({_list(values)}); binary masks hold two. Set masks to "
                "'classes' or 'instances', or save the masks with two values."
            )
        return f"The masks hold 2 values ({_list(values)}): {values[0]} is background, {values[1]} is foreground."
    if kind == "classes":
        if len(values) > _MOST_CLASSES:
            raise LabelError(
                f"The masks hold {len(values)} values; there may be {_MOST_CLASSES} classes. Set masks to "
                "'instances' if each number is one object."
            )
        return f"The masks hold {len(values)} classes ({_list(values)}), as was said; {values[0]} is background."
    most = max(len(found) for found in evidence.sets)
    return (
        f"The masks hold up to {most} numbered objects in an image, as was said; {evidence.background} is background."
    )


def _check_declared(
    maps: Sequence[np.ndarray],
    names: Sequence[str],
    declared: Sequence[tuple[int, str]],
    evidence: Evidence,
    ignore: int | None,
) -> LabelKind:
    known = tuple(sorted(value for value, _ in declared))
    reading = LabelReading("classes", known, (), ignore, "")
    for labels, name in zip(maps, names, strict=True):
        try:
            to_class_map(labels, reading)
        except LabelError as error:
            raise LabelError(f"{name}: {error}") from error
    missing = [f"{value} ({name})" for value, name in declared if value not in evidence.values]
    if missing:
        raise LabelError(
            f"No mask has a pixel of the declared class {', '.join(missing)}; it cannot be learnt. Annotate it in "
            "some image, or take it out of the list of classes."
        )
    return "binary" if len(known) == 2 else "classes"


def _classes(
    kind: LabelKind, evidence: Evidence, declared: Sequence[tuple[int, str]]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if evidence.values[-1] > _HIGHEST:
        raise LabelError(
            f"The masks hold the value {evidence.values[-1]}; classes may have 0 to {_HIGHEST}, for larger ones cannot be "
            "written into a result. Give the classes smaller numbers."
        )
    named = dict(declared)
    names = ("background", "foreground") if kind == "binary" else ("background",)
    defaults = [names[i] if i < len(names) else f"class {value}" for i, value in enumerate(evidence.values)]
    return evidence.values, tuple(named.get(v, d) for v, d in zip(evidence.values, defaults, strict=True))


def _list(values: Sequence[int]) -> str:
    if len(values) <= 8:
        return ", ".join(str(value) for value in values)
    return f"{', '.join(str(value) for value in values[:5])}, ... {values[-1]}"
