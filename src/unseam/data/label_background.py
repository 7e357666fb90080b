"""Refuse masks whose background is in doubt: another number than 0 covers most of a mask and lies beside most others."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from unseam.data.kinds import LabelKind, facts_of_kind
from unseam.data.label_evidence import Evidence
from unseam.data.label_faults import Maps, MasksError, first_pixel
from unseam.data.label_pieces import Pieces

_MOST, _MOST_OF_CLASSES = 0.5, 0.6  # share of the pixels; two classes of tissue may well be 50 to 50
_LEAST = 0.15  # share of the pixels that are 0, if 0 is background and not a line around each object
_BESIDE = 0.6  # share of the other numbers that lie beside it; tissue of touching cells has 0.5
_BESIDE_ALONE, _FEWEST = 0.8, 3  # where only one mask says so, which must have this many other numbers
_ALIKE = 4.0  # how much the area of 0 may differ from that of the objects, if it is one of them


def check_background(
    kind: LabelKind, evidence: Evidence, maps: Maps, names: Sequence[str], *, is_set: bool, ignore_is_set: bool
) -> None:
    """Raise MasksError if a number looks like the background and does not count as such.

    Parameters
    ----------
    kind
        What the masks hold. Among numbered objects only 0 is background; among classes the lowest value.
    is_set
        Whether the user chose the kind. Then only objects without any background are refused.
    ignore_is_set
        Whether the user, or the data set, said which value means "not annotated".
    """
    given = {evidence.ignore} if ignore_is_set else set()
    if not facts_of_kind(kind).has_objects:
        if not is_set and 0 not in evidence.values:
            _check_classes(evidence, maps, names, given)
    elif not is_set or 0 not in evidence.values:
        _check_objects(evidence, maps, names, given, is_set=is_set)


def _check_classes(evidence: Evidence, maps: Maps, names: Sequence[str], given: set[int | None]) -> None:
    areas: Counter[int] = Counter()
    for _, pieces in evidence.pieces:
        areas.update(dict(zip(pieces.values.tolist(), pieces.areas.tolist(), strict=True)))
    value, area = areas.most_common(1)[0]
    if value == evidence.background or value in given or area <= _MOST_OF_CLASSES * areas.total():
        return
    index = next(index for index, pieces in evidence.pieces if value in pieces.values)
    row, column = first_pixel(maps[index] == value)
    lowest, choice = evidence.background, "binary" if len(evidence.values) == 2 else "classes"
    meaning = " and means 'not annotated'" if value in evidence.skipped else ""
    raise MasksError(
        f"{names[index]}: {value} (first at row {row}, column {column}) covers {area / areas.total():.0%} of the masks"
        f"{meaning}; no pixel is 0, and so {lowest} would count as background. Save the masks with 0 for the background (in "
        f"Python: labels[labels == {value}] = 0). If {lowest} is the background, set masks to '{choice}'.",
        names[index],
        "background unclear",
        [index],
    )


def _check_objects(evidence: Evidence, maps: Maps, names: Sequence[str], given: set[int | None], *, is_set: bool) -> None:
    votes: list[tuple[int, int]] = []
    num_voters = 0
    for index, pieces in evidence.pieces:
        value = int(pieces.values[int(pieces.areas.argmax())])
        others = pieces.others({value, 0, *evidence.skipped})
        num_voters += bool(others)
        if value in given or not others or not _looks_like_background(value, others, pieces, evidence):
            continue
        votes.append((value, index))
        if len(others) >= _FEWEST and pieces.share_beside(value, others) >= _BESIDE_ALONE:
            num_voters = 0  # this mask alone is proof
            break
    if not votes:
        return
    (value, number), *_ = Counter(value for value, _ in votes).most_common(1)
    if num_voters == 0:
        value, number = votes[-1][0], 1
    if 2 * number > num_voters:
        index = next(index for one, index in reversed(votes) if one == value)
        _refuse(value, index, evidence, maps, names, is_set=is_set)


def _looks_like_background(value: int, others: list[int], pieces: Pieces, evidence: Evidence) -> bool:
    if value == 0 or pieces.share(value) <= _MOST or pieces.share_beside(value, others) < _BESIDE:
        return False
    if pieces.share(0) >= _LEAST and 2 * pieces.share_beside(0, others) >= 1:
        return False
    if value not in evidence.skipped:
        return True
    # Not annotated may be most of a mask, if the rest shows where objects end: at 0, or at each other.
    num_touching = sum(any((min(a, b), max(a, b)) in pieces.touching for b in others if a != b) for a in others)
    return 2 * num_touching < len(others) and (0 not in pieces.values or _is_object(others, pieces))


def _is_object(others: list[int], pieces: Pieces) -> bool:
    """Return whether 0 is one piece, as large as an object."""
    at = int(np.flatnonzero(pieces.values == 0)[0])
    usual = float(np.median(pieces.areas[np.isin(pieces.values, others)]))
    return bool(pieces.is_whole[at]) and usual / _ALIKE <= float(pieces.areas[at]) <= usual * _ALIKE


def _refuse(value: int, index: int, evidence: Evidence, maps: Maps, names: Sequence[str], *, is_set: bool) -> None:
    pieces = dict(evidence.pieces)[index]
    others = pieces.others({value, 0, *evidence.skipped})
    near = round(pieces.share_beside(value, others) * len(others))
    row, column = first_pixel(maps[index] == value)
    meaning = ", but means 'not annotated'" if value in evidence.skipped else ", but would count as an object"
    free = " Give the object that has 0 another number first." if 0 in pieces.values and _is_object(others, pieces) else ""
    instead = (
        "mark at least one pixel of background by 0" if is_set or value in evidence.skipped else "set masks to 'instances'"
    )
    raise MasksError(
        f"{names[index]}: {value} (first at row {row}, column {column}) covers {pieces.share(value):.0%} of the mask and lies "
        f"beside {near} of {len(others)} other number(s), as background does{meaning}: where each number is one object, only 0 "
        f"is background. Save the masks with 0 there (in Python: labels[labels == {value}] = 0).{free} If it is right as it "
        f"is, {instead}.",
        names[index],
        "background unclear",
        [index],
    )
