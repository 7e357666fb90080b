"""Decide what masks hold: two kinds of pixels, several classes, or a number per object.

Users need not say. The masks decide, the result is reported, and a setting overrules it.

==========  =======================================================  ==========================================
kind        a value means                                            recognised by
==========  =======================================================  ==========================================
binary      background or foreground                                 exactly two values over all masks
classes     the class of the pixel                                   few values, in several pieces per image
instances   the object that the pixel belongs to; 0 is background    many values, or each in one piece
==========  =======================================================  ==========================================
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer, Shaped

from unseam.data.kinds import LabelKind, LayoutKind, facts_of_kind
from unseam.data.label_background import check_background
from unseam.data.label_evidence import Evidence, are_apart, are_greys, collect_evidence, same_everywhere, whole_numbers
from unseam.data.label_faults import (
    MasksError,
    check_not_grey,
    check_not_mixed,
    check_one_coding,
    check_worth_learning,
    first_pixel,
)
from unseam.data.label_reading import Certainty, LabelReading, list_values, to_class_map, to_instance_map, translate_mask
from unseam.data.label_rims import Rims, find_rims
from unseam.errors import LabelError
from unseam.shapes import IGNORE

__all__ = ["LabelKind", "LabelReading", "judge_kind", "judge_labels", "translate_mask", "to_class_map", "to_instance_map"]

_FEW = 16  # more foreground values than this are objects, unless most of them are in pieces
_MOST_CLASSES = 255  # a class map is 8-bit, and one value means "not annotated"
_CLOSE = 0.1  # distance of the share of whole pieces from the share that decides
_HIGHEST = 2**32 - 1  # the largest integer that a TIFF holds


def judge_labels(
    maps: Sequence[Shaped[np.ndarray, "..."]],
    *,
    names: Sequence[str] = (),
    kind: LabelKind | LayoutKind | None = None,
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
) -> LabelReading:
    """Decide what all masks of a data set hold.

    Parameters
    ----------
    maps
        All masks, each (H, W), whole numbers; sizes may differ.
    names
        Names of the masks for messages; numbers if absent.
    kind
        The kind if the user or the layout of the folder says it; None: decide from the masks.
    ignore
        Value for "not annotated", if there is one besides -1. If None, 255 above classes 0, 1, 2, ... counts as such a
        value, and a note reports it.
    declared
        Value and name of each class, if the data set declares them. Then each must occur, and no other.

    Raises
    ------
    LabelError
        Nothing annotated, one value only, classes beyond 32 bits, soft edges, a grey picture, fractions, numbers that resizing
        or JPEG made, 255 that may or may not mean "not annotated", a background in doubt, a declared class that never occurs,
        or a kind that the masks contradict.

    Examples
    --------
    >>> stripes = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 4, axis=0)
    >>> reading = judge_labels([stripes])
    >>> reading.kind, reading.values
    ('binary', (0, 255))
    """
    names = names or [f"mask {number}" for number in range(1, len(maps) + 1)]
    checked = [whole_numbers(labels, name) for labels, name in zip(maps, names, strict=True)]
    layout, kind = (kind, kind.kind) if isinstance(kind, LayoutKind) else (None, kind)
    evidence = collect_evidence(checked, ignore)
    notes: tuple[str, ...] = ()
    ignore_is_set = ignore is not None
    if ignore is None and kind != "instances" and not declared and _has_ignore(evidence.values):
        check_one_coding(evidence, checked, names)
        ignore, evidence = IGNORE, collect_evidence(checked, IGNORE)
        notes = ("255 above consecutive classes counts as 'not annotated'. Set ignore to another value if 255 is a class.",)
    check_worth_learning(evidence, checked, names)
    is_set = kind is not None or bool(declared)
    if declared:
        kind = _check_declared(checked, names, declared, evidence, ignore)
    if not is_set:
        check_not_grey(evidence, checked, names)
    rims = find_rims(checked, ignore) if len(evidence.values) > 2 else []
    check_not_mixed(rims, names)
    certainty: Certainty = "set"
    doubt = ""
    if kind is None:
        kind, reason, doubt = _judge(evidence)
        certainty = "a guess" if doubt else "sure" if facts_of_kind(kind).has_pieces and not notes else "likely"
    else:
        reason = _check_kind(kind, evidence, layout)
    check_background(kind, evidence, checked, names, is_set=is_set, ignore_is_set=ignore_is_set)
    notes += _note_lines(rims, evidence, names)
    if kind == "instances":
        return LabelReading(kind, (), ("background", "object"), ignore, reason, notes, certainty, doubt)
    _check_not_too_high(evidence, checked, names)
    values, class_names = _classes(kind, evidence, declared)
    return LabelReading(kind, values, class_names, ignore, reason, notes, certainty, doubt)


def _note_lines(rims: Sequence[Rims], evidence: Evidence, names: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence if one number forms the lines around another in many masks."""
    filled = sum(len(values) > 1 for values in evidence.sets)
    if not rims or 5 * len(rims) < filled:
        return ()
    first = rims[0]
    return (
        f"{names[first.index]}: {first}, as one of {first.num_pixels:,} px in lines of one or two pixels. That is right for "
        "outlines that were painted, and wrong if the masks were resized with interpolation: resize with nearest neighbour.",
    )


def judge_kind(maps: Sequence[Integer[np.ndarray, "_ _"]], ignore: int | None) -> LabelKind:
    """Decide like :func:`judge_labels`, from maps of integers of which only one is in memory at a time.

    Raises LabelError if nothing is annotated or there is one value only, and for soft edges and grey pictures.
    """
    evidence = collect_evidence(maps, ignore)
    if ignore is None and _has_ignore(evidence.values):
        evidence = collect_evidence(maps, IGNORE)
    names = [f"mask {number}" for number in range(1, len(maps) + 1)]
    check_worth_learning(evidence, maps, names)
    check_not_grey(evidence, maps, names)
    return _judge(evidence)[0]


def _has_ignore(values: tuple[int, ...]) -> bool:
    return 3 <= len(values) <= _FEW and values == (*range(len(values) - 1), IGNORE)


def _judge(evidence: Evidence) -> tuple[LabelKind, str, str]:
    """Return the kind, a sentence, and what makes it a guess (empty: nothing does)."""
    if len(evidence.values) == 2:
        return "binary", _check_kind("binary", evidence), ""
    number, share = len(evidence.foreground), evidence.whole_share
    enough = 0.8 if number <= _FEW else 0.5
    close = f"{share:.0%} of their values are in one piece" if abs(share - enough) < _CLOSE else ""
    background = f"{evidence.background} is background"
    values = f"{len(evidence.values)} values ({list_values(evidence.values)})"
    if are_greys(evidence.values):
        return "classes", f"The masks hold {values}, spaced like greys: classes, {background}.", close
    if share < enough and len(evidence.values) <= 4 * _FEW:
        return (
            "classes",
            (
                f"The masks hold {values}, most in several pieces per image: classes, {background}. "
                "Set masks to 'instances' if each number is one object."
            ),
            close,
        )
    if same_everywhere(evidence):
        if not are_apart(evidence):
            return (
                "classes",
                (
                    f"The masks hold {values}, the same in most images: classes, {background}. Set "
                    "masks to 'instances' if each number is one object."
                ),
                close,
            )
        close = "most images hold the same few numbers, as with classes, but their pieces lie apart and are alike in size"
    return (
        "instances",
        (
            f"The masks hold up to {_count_objects(evidence)} per image, each in one piece: one object each. "
            "Set masks to 'classes' if the numbers are classes of pixels."
        ),
        close,
    )


def _count_objects(evidence: Evidence) -> str:
    number = evidence.most_objects
    return f"{number} numbers besides 0" if 0 in evidence.values else f"{number} numbers and no background (0)"


def _check_kind(kind: LabelKind, evidence: Evidence, layout: LayoutKind | None = None) -> str:
    """Refuse masks that cannot be of a kind; return a sentence on what they hold."""
    values = evidence.values
    if kind == "binary":
        if len(values) != 2:
            raise LabelError(
                f"The masks hold {len(values)} values ({list_values(values)}), but binary masks hold two. Set masks to "
                "'classes' or 'instances', or save the masks with two values."
            )
        return f"The masks hold 2 values ({list_values(values)}): {values[0]} is background, {values[1]} is foreground."
    if kind == "classes":
        if len(values) > _MOST_CLASSES:
            raise LabelError(
                f"The masks hold {len(values)} values; there may be {_MOST_CLASSES} classes. Set masks to "
                "'instances' if each number is one object."
            )
        return f"The masks hold {len(values)} classes ({list_values(values)}), as set; {values[0]} is background."
    objects = _count_objects(evidence)
    if layout is not None:
        return f"The masks hold up to {objects} per image: one object each, as always in the layout {layout.layout}."
    return f"The masks hold up to {objects} per image, one object each, as set."


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
        raise MasksError(
            f"No mask has a pixel of the declared class {', '.join(missing)}, so it cannot be learnt. Annotate it in "
            "some image, or remove it from the list of classes.",
            "",
            "class missing",
            range(len(maps)),
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
        f"have 0 to {_HIGHEST}, because a result cannot hold larger values. Give the classes smaller numbers.",
        names[number],
    )
