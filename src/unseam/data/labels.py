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

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.data.kinds import LabelKind
from unseam.data.label_evidence import Evidence, are_greys, collect_evidence, same_everywhere, whole_numbers
from unseam.data.label_faults import check_not_grey, check_one_coding, check_worth_learning, first_pixel
from unseam.data.label_reading import LabelReading, list_values, to_class_map, to_instance_map, translate_mask
from unseam.errors import LabelError
from unseam.shapes import IGNORE

__all__ = ["LabelKind", "LabelReading", "judge_kind", "judge_labels", "translate_mask", "to_class_map", "to_instance_map"]

_FEW = 16  # more foreground values than this are objects, unless most of them are in pieces
_MOST_CLASSES = 255  # a class map is 8-bit, and one value says "not annotated"
_HIGHEST = 2**32 - 1  # that a TIFF of whole numbers holds


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
        Nothing annotated, one value only, classes beyond 32 bits, soft edges, a grey picture, fractions, 255 that may or may
        not mean "not annotated", a declared class that never occurs, or a kind that the masks contradict.

    Examples
    --------
    >>> stripes = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 4, axis=0)
    >>> reading = judge_labels([stripes])
    >>> reading.kind, reading.values
    ('binary', (0, 255))
    """
    names = names or [f"mask {number}" for number in range(1, len(maps) + 1)]
    checked = [whole_numbers(labels, name) for labels, name in zip(maps, names, strict=True)]
    evidence = collect_evidence(checked, ignore)
    notes: tuple[str, ...] = ()
    if ignore is None and kind != "instances" and not declared and _has_ignore(evidence.values):
        check_one_coding(evidence, checked, names)
        ignore, evidence = IGNORE, collect_evidence(checked, IGNORE)
        notes = (
            "255 above consecutive classes is taken for 'not annotated'. Set ignore to another value if it is a class.",
        )
    check_worth_learning(evidence, names)
    if declared:
        kind = _check_declared(checked, names, declared, evidence, ignore)
    if kind is None:
        check_not_grey(evidence, checked, names)
        kind, reason = _judge(evidence)
    else:
        reason = _said(kind, evidence)
    if kind == "instances":
        return LabelReading(kind, (), ("background", "object"), ignore, reason, notes)
    _check_not_too_high(evidence, checked, names)
    values, class_names = _classes(kind, evidence, declared)
    return LabelReading(kind, values, class_names, ignore, reason, notes)


def judge_kind(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> LabelKind:
    """Decide as :func:`judge_labels` does, from maps of integers that are held one at a time.

    Raises
    ------
    LabelError
        Nothing annotated, one value only, soft edges, or a grey picture.
    """
    evidence = collect_evidence(maps, ignore)
    if ignore is None and _has_ignore(evidence.values):
        evidence = collect_evidence(maps, IGNORE)
    names = [f"mask {number}" for number in range(1, len(maps) + 1)]
    check_worth_learning(evidence, names)
    check_not_grey(evidence, maps, names)
    return _judge(evidence)[0]


def _has_ignore(values: tuple[int, ...]) -> bool:
    return 3 <= len(values) <= _FEW and values == (*range(len(values) - 1), IGNORE)


def _judge(evidence: Evidence) -> tuple[LabelKind, str]:
    if len(evidence.values) == 2:
        return "binary", _said("binary", evidence)
    number, share = len(evidence.foreground), evidence.whole_share
    values = f"{len(evidence.values)} values ({list_values(evidence.values)})"
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
                f"The masks hold {len(values)} values ({list_values(values)}); binary masks hold two. Set masks to "
                "'classes' or 'instances', or save the masks with two values."
            )
        return f"The masks hold 2 values ({list_values(values)}): {values[0]} is background, {values[1]} is foreground."
    if kind == "classes":
        if len(values) > _MOST_CLASSES:
            raise LabelError(
                f"The masks hold {len(values)} values; there may be {_MOST_CLASSES} classes. Set masks to "
                "'instances' if each number is one object."
            )
        return f"The masks hold {len(values)} classes ({list_values(values)}), as was said; {values[0]} is background."
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
            raise LabelError(f"{name}: {error}", name) from error
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
    named = dict(declared)
    names = ("background", "foreground") if kind == "binary" else ("background",)
    defaults = [names[i] if i < len(names) else f"class {value}" for i, value in enumerate(evidence.values)]
    return evidence.values, tuple(named.get(v, d) for v, d in zip(evidence.values, defaults, strict=True))


def _check_not_too_high(evidence: Evidence, maps: Sequence[np.ndarray], names: Sequence[str]) -> None:
    if evidence.values[-1] <= _HIGHEST:
        return
    number = next(i for i, labels in enumerate(maps) if int(labels.max()) > _HIGHEST)
    row, column = first_pixel(maps[number] > _HIGHEST)
    raise LabelError(
        f"{names[number]}: the mask holds the value {maps[number][row, column]} at row {row}, column {column}; classes may "
        f"have 0 to {_HIGHEST}, for larger ones cannot be written into a result. Give the classes smaller numbers.",
        names[number],
    )
