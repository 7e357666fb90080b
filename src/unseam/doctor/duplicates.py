"""The same image twice, above all where one copy trains and the other judges; one mask under two images."""

import hashlib
from collections.abc import Sequence

import numpy as np

from unseam.data.labels import LabelReading, to_instance_map
from unseam.data.sample import Sample
from unseam.data.split import split
from unseam.doctor.finding import Finding
from unseam.doctor.item import Item, Labelled

_SEED = 0


def check_duplicates(
    items: Sequence[Item], labelled: Sequence[Labelled], reading: LabelReading | None, fraction: float
) -> list[Finding]:
    """Findings on copies.

    Parameters
    ----------
    items
        All of them.
    labelled, reading
        Those whose masks were understood, to see what would be held out.
    fraction
        Share that training holds out.
    """
    found = []
    twins = _same([(item, item.plane) for item in items if not item.grey.is_blank])
    if twins:
        held = _held_out(labelled, reading, fraction) if reading is not None else set()
        found.append(_duplicate(twins, held))
    copied = {id(item) for group in twins for item in group}
    masks = [(item, item.annotated.labels) for item in items if id(item) not in copied and _says_something(item)]
    same = _same(masks)
    if same:
        found.append(_same_mask(same))
    return found


def _says_something(item: Item) -> bool:
    labels = item.annotated.labels
    return not item.is_plane and int(labels.min()) != int(labels.max())


def _same(items: Sequence[tuple[Item, np.ndarray]]) -> list[list[Item]]:
    """Groups of items whose arrays are equal and of one number type."""
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item, values in items:
        key = values.shape, values.dtype, hashlib.blake2b(np.ascontiguousarray(values).data).digest()
        groups.setdefault(key, []).append(item)
    return [group for group in groups.values() if len(group) > 1]


def _held_out(labelled: Sequence[Labelled], reading: LabelReading, fraction: float) -> set[str]:
    """Names of the images that training would hold out whole; the same choice, made on annotations alone."""
    samples = []
    for one in labelled:
        nothing = np.broadcast_to(np.float32(0), one.classes.shape)
        is_objects = reading.kind == "instances"
        instances = to_instance_map(one.item.annotated.labels, reading) if is_objects else None
        annotated = one.item.annotated
        samples.append(Sample(annotated.name, nothing[None], one.classes, nothing, instances, annotated.group))
    parts = split(samples, fraction, _SEED).validation
    return {part.sample.name for part in parts if part.window == part.sample.window}


def _duplicate(twins: Sequence[Sequence[Item]], held: set[str]) -> Finding:
    across = [group for group in twins if 0 < sum(item.annotated.name in held for item in group) < len(group)]
    first = (across or twins)[0]
    extra = sum(len(group) - 1 for group in twins)
    words = f"{first[0].image_file} and {first[1].image_file}"
    split_words = f"; {len(across)} of them would train with one copy and be judged by the other" if across else ""
    return Finding(
        "duplicate image",
        "hurts" if across else "note",
        f"{extra} image(s) are copies of another, e.g. {words}{split_words}",
        tuple(item.in_image for group in twins for item in group),
        "the validation score is too good, for it is that of an image already seen"
        if across
        else "such an image counts twice; if copies get into training and test, scores are too good",
        "keep one of each, with its mask",
    )


def _same_mask(same: Sequence[Sequence[Item]]) -> Finding:
    return Finding(
        "same mask twice",
        "hurts",
        f"different images have the very same mask: {same[0][0].mask_file} and {same[0][1].mask_file}"
        + (f", and {len(same) - 1} more such group(s)" if len(same) > 1 else ""),
        tuple(item.in_mask for group in same for item in group),
        "at least one of them is wrong, and teaches what is not there",
        "put the right mask under each image's name",
    )
