"""Judge what the masks hold and how sure that is, and find classes with too few pixels to learn from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseam.data.kinds import LayoutKind, MaskChoice
from unseam.data.label_evidence import collect_evidence, whole_numbers
from unseam.data.label_faults import MasksError, check_not_grey, first_pixel
from unseam.data.labels import LabelReading
from unseam.data.prepare import understand
from unseam.doctor.finding import Finding, FindingKind, Place, shorten_list
from unseam.doctor.item import Item, Labelled, unit
from unseam.errors import DataError, LabelError
from unseam.shapes import IGNORE

_RARE = 0.005  # share of the annotated pixels
_MUCH_MISSING = 0.5


@dataclass(frozen=True)
class Understood:
    """What the masks hold (None: unknown), the same in words, and the findings."""

    reading: LabelReading | None
    words: str
    findings: tuple[Finding, ...] = ()


def understand_masks(
    items: Sequence[Item],
    *,
    masks: MaskChoice | LayoutKind = "auto",
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
) -> Understood:
    """Judge all masks by the function that training calls, so that both refuse the same, and say how sure it is."""
    annotated, names = [item.annotated for item in items], [str(item.in_mask) for item in items]
    try:
        reading = understand(annotated, names=names, masks=masks, ignore=ignore, declared=declared)
    except DataError as error:
        return Understood(None, "", (_refused(items, error),))
    words = " ".join((reading.reason, *reading.notes))
    if reading.certainty != "set":
        words += f" ({reading.certainty})"
    return Understood(reading, words, (_guessed(reading, items),) if reading.doubt else ())


def check_class_values(labelled: Sequence[Labelled], reading: LabelReading) -> list[Finding]:
    """Check the number of pixels of each class, and what is not annotated."""
    counts = np.stack([np.bincount(one.classes.ravel(), minlength=256) for one in labelled])
    found = [_empty(labelled, counts), _not_annotated(labelled, counts)]
    if not reading.has_objects:
        found += [_gaps(labelled, reading), _rare_class(labelled, counts, reading)]
    found.append(_imbalance(labelled, counts, reading))
    return [finding for finding in found if finding is not None]


_MEND: dict[FindingKind, tuple[str, str]] = {
    "mask is the image": (
        "training would read its grey values as object numbers",
        "replace it with the painted mask, under the name of the image",
    ),
    "class missing": (
        "a class that never occurs cannot be learnt, so training refuses the folder",
        "annotate it in some images, or remove it from the list in dataset.json",
    ),
    "two codings": (
        "255 may be foreground or 'not annotated' there, and training does not guess",
        "save all masks with the same values, or give --ignore 255",
    ),
    "mixed numbers": (
        "training would learn classes or objects that nobody painted, so it refuses them",
        "export the masks again: resize with nearest neighbour, without smoothing, and not as JPEG",
    ),
    "background unclear": (
        "training would learn the background as an object or a class, or not at all, so it refuses them",
        "save the masks with 0 for the background",
    ),
    "unreadable file": ("training refuses it", "export the image again, or move it away with its mask"),
    "masks unclear": (
        "training refuses them, because it would learn something other than you mean",
        "save masks with one number per pixel and no soft edges, or give what they hold: --masks classes",
    ),
}


def _refused(items: Sequence[Item], error: DataError) -> Finding:
    """Describe what training refuses, in its words, with all masks that have the fault."""
    kind: FindingKind = "masks unclear"
    places = [item.in_mask for item in items if isinstance(error, LabelError) and str(item.in_mask) == error.where]
    if isinstance(error, MasksError):
        kind, places = error.fault, [items[index].in_mask for index in error.masks]
        places = [Place("dataset.json"), *places[:1]] if kind == "class missing" else places
    elif not isinstance(error, LabelError):
        kind, places = "unreadable file", [items[0].in_image]
    if not places:
        guilty = [item for item in items if not _is_clear(item)] or _with_odd_values(items)
        places = [item.in_mask for item in guilty or items[:1]]
    return Finding(kind, "stops", str(error).rstrip("."), tuple(places), *_MEND[kind])


def _is_clear(item: Item) -> bool:
    try:
        maps = [whole_numbers(item.annotated.labels, str(item.in_mask))]
        check_not_grey(collect_evidence(maps, None), maps, [str(item.in_mask)])
    except LabelError:
        return False
    return True


def _with_odd_values(items: Sequence[Item]) -> list[Item]:
    """Return the masks with the most values that few others have."""
    sets = [set(np.unique(item.annotated.labels).tolist()) for item in items]
    counts = Counter(value for found in sets for value in found)
    odd = [sum(2 * counts[value] <= len(items) for value in found) for found in sets]
    most = max(odd)
    return [item for item, number in zip(items, odd, strict=True) if most > 0 and 2 * number >= most]


def _guessed(reading: LabelReading, items: Sequence[Item]) -> Finding:
    other = "classes" if reading.has_objects else "instances"
    return Finding(
        "masks guessed",
        "note",
        f"the masks seem to hold {reading.kind}, but the decision was close: {reading.doubt}",
        (items[0].in_mask,),
        "a wrong guess teaches the wrong thing: objects merge, or classes become objects",
        f"if the guess is wrong, give --masks {other}; if it is right, give --masks {reading.kind}",
    )


def _part(number: int, labelled: Sequence[Labelled]) -> str:
    return shorten_list(number, len(labelled), unit([one.item for one in labelled]))


def _empty(labelled: Sequence[Labelled], counts: np.ndarray) -> Finding | None:
    annotated = counts[:, :IGNORE].sum(axis=1)
    is_empty = (annotated > 0) & (counts[:, 0] == annotated)
    empty = [one.item for one, is_one in zip(labelled, is_empty, strict=True) if is_one and not one.item.is_plane]
    if not empty:
        return None
    return Finding(
        "empty mask",
        "note",
        f"nothing but background in the mask, {_part(len(empty), labelled)}",
        tuple(item.in_mask for item in empty),
        "this is right if the image shows none of your objects; otherwise the network learns to overlook them",
        "look at these images; if one was never annotated, move image and mask away",
    )


def _not_annotated(labelled: Sequence[Labelled], counts: np.ndarray) -> Finding | None:
    open_ = counts[:, IGNORE] / counts.sum(axis=1)
    if not open_.any():
        return None
    order = [int(i) for i in np.argsort(-open_, kind="stable") if open_[i] > 0]
    total = float(counts[:, IGNORE].sum() / counts.sum())
    nothing = int((open_ == 1).sum())
    return Finding(
        "not annotated",
        "hurts" if total > 0.99 else "note",
        f"{total:.1%} of all pixels are marked 'not annotated', {_part(len(order), labelled)}"
        + (f"; {nothing} of them completely" if nothing else ""),
        tuple(labelled[i].item.in_mask for i in order),
        "they train nothing and are not scored, as the mark intends",
        "if that value is a class or background instead, give another one: --ignore VALUE",
    )


def _gaps(labelled: Sequence[Labelled], reading: LabelReading) -> Finding | None:
    values = reading.values
    if reading.has_cells or values[-1] > 50:
        return None
    absent = sorted(set(range(values[-1])) - set(values))
    if not absent or values[0] != 0:
        return None
    return Finding(
        "class missing",
        "note",
        f"the masks hold the values {', '.join(map(str, values))}, but never {', '.join(map(str, absent))}",
        (labelled[0].item.in_mask,),
        "the network will never predict a class of that number",
        "if the class exists, annotate it in some image",
    )


def _rare_class(labelled: Sequence[Labelled], counts: np.ndarray, reading: LabelReading) -> Finding | None:
    files = len({one.item.image_file for one in labelled if not one.item.is_plane})
    if files < 3:
        return None
    for index, name in enumerate(reading.class_names):
        has = [one for one, c in zip(labelled, counts, strict=True) if c[index] > 0]
        if len(has) == 1:
            row, column = first_pixel(has[0].classes == index)
            return Finding(
                "rare class",
                "hurts",
                f"{name} (value {reading.values[index]}) occurs in only one of {len(labelled)} images",
                (has[0].item.mask_at(row, column),),
                "one image cannot both teach it and score it",
                "annotate it in a few more images, or correct those pixels if they are a mistake",
            )
    return None


def _imbalance(labelled: Sequence[Labelled], counts: np.ndarray, reading: LabelReading) -> Finding | None:
    classes = len(reading.class_names)
    total = counts[:, :classes].sum(axis=0)
    share = total / max(1, total.sum())
    least = int(share.argmin())
    if not 0 < share[least] < _RARE:
        return None
    order = [int(i) for i in np.argsort(-counts[:, least], kind="stable") if counts[i, least] > 0]
    return Finding(
        "imbalance",
        "hurts" if share[least] < _RARE / 10 else "note",
        f"{reading.class_names[least]} is {share[least]:.2%} of the annotated pixels",
        tuple(labelled[i].item.in_mask for i in order),
        "predicting the other class everywhere is nearly right, so the network finds this one late or never",
        "give rare classes more weight: --set weight_map.balance=0.7; or annotate more of this one, less of the rest",
    )
