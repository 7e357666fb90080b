"""Find copies of an image, especially if one trains and the other validates, and copies of a mask under two images."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from unseam.data.cases import find_cases
from unseam.data.file_names import OTHER_FOLDERS, TRAINING_FOLDERS, subfolder, subfolders
from unseam.data.grey_facts import grey_plane
from unseam.data.labels import LabelReading, to_instance_map
from unseam.data.read_pair import read_case
from unseam.data.sample import Sample
from unseam.data.split import split
from unseam.doctor.finding import Finding, Place
from unseam.doctor.item import Item, Labelled
from unseam.errors import DataError, ImageReadError

_SEED = 0


def check_duplicates(
    items: Sequence[Item], labelled: Sequence[Labelled], reading: LabelReading | None, fraction: float
) -> list[Finding]:
    """Find copies; ``labelled`` and ``fraction``, the share that training holds out, tell which copies would validate."""
    found = []
    twins = _same([(item, item.plane) for item in items if not item.grey.is_blank])
    if twins:
        held = _held_out(labelled, reading, fraction) if reading is not None else set()
        found.append(_duplicate(twins, held))
    copied = {id(item) for group in twins for item in group}  # their masks should be equal
    same = _same([(item, item.annotated.labels) for item in items if id(item) not in copied and _is_drawn(item)])
    if same:
        found.append(_same_mask(same))
    return found


def _is_drawn(item: Item) -> bool:
    labels = item.annotated.labels
    return not item.is_plane and int(labels.min()) != int(labels.max())


def _same(items: Sequence[tuple[Item, np.ndarray]]) -> list[list[Item]]:
    """Group items whose arrays have equal values and the same number type."""
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item, values in items:
        groups.setdefault(_key(values), []).append(item)
    return [group for group in groups.values() if len(group) > 1]


def _key(values: np.ndarray) -> tuple[object, ...]:
    return values.shape, values.dtype, hashlib.blake2b(np.ascontiguousarray(values).data).digest()


def check_left_aside(folder: Path, items: Sequence[Item]) -> list[Finding]:
    """Find training images that are also in a folder ``val`` or ``test`` next to ``train``."""
    if not folder.is_dir() or subfolder(folder, TRAINING_FOLDERS) is None:
        return []
    known = {_key(item.plane): item for item in items if not item.grey.is_blank}
    twins: list[tuple[Item, str]] = []
    for place in [path for path in subfolders(folder) if path.name.lower() in OTHER_FOLDERS]:
        with suppress(DataError):  # a folder without images
            for case in find_cases(place):
                with suppress(ImageReadError, DataError):  # an unreadable image is no copy, and training does not use it
                    planes = read_case(case.images).planes()
                    same = [known[key] for plane in planes if (key := _key(grey_plane(plane))) in known]
                    twins += [(item, case.images[0].relative_to(folder).as_posix()) for item in same[:1]]
    if not twins:
        return []
    item, other = twins[0]
    return [
        Finding(
            "duplicate image",
            "hurts",
            f"{len(twins)} training image(s) are also in a folder for validation or test: {item.in_image} is {other}",
            tuple(place for twin, path in twins for place in (twin.in_image, Place(path))),
            "scores on those images are too good, because training has seen them",
            "remove them from one of the two folders",
        )
    ]


def _held_out(labelled: Sequence[Labelled], reading: LabelReading, fraction: float) -> set[str]:
    """Return the names of the images that training would hold out whole. That choice depends on annotations alone."""
    samples = []
    for one in labelled:
        annotated = one.item.annotated
        pixels = np.broadcast_to(np.float32(0), one.classes.shape)  # the split does not look at them
        instances = to_instance_map(annotated.labels, reading) if reading.has_objects else None
        samples.append(Sample(annotated.name, pixels[None], one.classes, pixels, instances, annotated.group))
    parts = split(samples, fraction, _SEED).validation
    return {part.sample.name for part in parts if part.window == part.sample.window}


def _duplicate(twins: Sequence[Sequence[Item]], held: set[str]) -> Finding:
    across = [group for group in twins if 0 < sum(item.annotated.name in held for item in group) < len(group)]
    first = (across or twins)[0]
    extra = sum(len(group) - 1 for group in twins)
    split_words = f"; {len(across)} of them would train with one copy and validate with the other" if across else ""
    return Finding(
        "duplicate image",
        "hurts" if across else "note",
        f"{extra} image(s) are copies of others, e.g. {first[0].in_image} and {first[1].in_image}{split_words}",
        tuple(item.in_image for group in twins for item in group),
        "the validation score is too good, because training has seen the image"
        if across
        else "such an image counts twice; with copies in both training and test, scores are too good",
        "keep one of each, with its mask",
    )


def _same_mask(same: Sequence[Sequence[Item]]) -> Finding:
    return Finding(
        "same mask twice",
        "hurts",
        f"different images have exactly the same mask: {same[0][0].in_mask} and {same[0][1].in_mask}"
        + (f", and {len(same) - 1} more such group(s)" if len(same) > 1 else ""),
        tuple(item.in_mask for group in same for item in group),
        "at least one of them is wrong, and teaches the network wrong objects",
        "give each image its own mask",
    )
