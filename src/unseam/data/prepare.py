"""Turn annotated images into samples: judge the masks, normalise grey values, compute targets and w(x)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from unseam.data.channels import first_axis_hint, is_grey_saved_as_colour, num_channels
from unseam.data.grey_facts import SeenImages, grey_facts, object_sizes, seen_images
from unseam.data.kinds import LayoutKind, MaskChoice
from unseam.data.label_faults import MasksError, is_copy_of_image
from unseam.data.labels import LabelReading, judge_labels, to_class_map, translate_mask
from unseam.data.normalise import Normalise, Ranges, check_image
from unseam.data.sample import Sample
from unseam.data.stack_ranges import ranges_by_stack, stack_note
from unseam.data.weight_map import WeightMap
from unseam.errors import DataError, LabelError, SettingsError
from unseam.heads import Head, Targets, head_for
from unseam.settings import table_name
from unseam.shapes import IGNORE


@dataclass(frozen=True)
class Annotated:
    """An image and its mask as read, not yet converted."""

    name: str
    image: np.ndarray  # (H, W) or (H, W, C)
    labels: np.ndarray  # (H, W)
    spacing_um: tuple[float, float] | None = None  # size of a pixel (row, column), micrometres, if known
    group: str = ""  # the file whose plane it is, or the sequence whose frame it is; empty for a single image
    mask_file: str = ""  # for messages; empty if the mask was given as an array
    stack: str = ""  # the stack whose plane it is; empty if it is no plane
    plane: int | None = None  # number in the stack, from 0; None if it is no plane
    axis: int | None = None  # of a volume that is seen from three sides: the axis along which it was cut; otherwise None

    @property
    def mask_name(self) -> str:
        return self.mask_file or self.name


@dataclass(frozen=True)
class Prepared:
    """Samples ready for training, and what is known about them."""

    samples: tuple[Sample, ...]  # one per image
    reading: LabelReading
    head: Head
    channels: int  # the same for all images
    class_weights: tuple[float, ...]  # w_c of Eq. 2, for each class of the targets
    spacing_um: tuple[float, float] | None  # pixel size (row, column), micrometres, if all images that state one agree
    seen: SeenImages | None = None  # stored with the model, to warn about images that differ

    @property
    def num_logits(self) -> int:
        return len(self.head.logit_names(self.reading.class_names))


def prepare(
    annotated: Sequence[Annotated],
    normalise: Normalise,
    weight_map: WeightMap,
    *,
    masks: MaskChoice | LayoutKind = "auto",
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
    head: Head | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Judge all masks, then turn each pair into a sample.

    Source: paper, section 3: the weight map is computed in advance for each truth.

    Departs: the paper does not define cells in a mask of two values; here each 4-connected piece of foreground is one. Masks
    of several classes get w_c alone.

    Parameters
    ----------
    annotated
        At least one image.
    weight_map
        Eq. 2. The class frequencies for w_c include pixels that will be held out, because the split comes later. They are a
        few numbers for the whole data set.
    masks, ignore, declared
        As for :func:`unseam.data.labels.judge_labels`.
    head
        What the network learns; None: what fits the masks.
    tell
        Called with sentences for the user on what was decided.

    Raises
    ------
    DataError
        Sizes or channels do not match, or a pixel is not finite; names the image.
    LabelError
        The masks are ambiguous or cannot be learnt.
    SettingsError
        The head needs numbered objects or background, and the masks have none.
    """
    reading = understand(annotated, masks=masks, ignore=ignore, declared=declared, head=head)
    annotated = _grey_where_all_are(annotated, tell)
    channels = _common_channels(annotated)
    tell(reading.reason)
    for note in reading.notes:
        tell(note)

    head = _choose_head(head, reading)
    targets: list[Targets] = []
    objects: list[np.ndarray | None] = []
    for item in annotated:
        with _name_in_errors(item):
            labels = translate_mask(item.labels, reading)
        targets.append(head.targets(labels))
        objects.append(labels.cells if reading.has_objects else None)
    class_weights = weight_map.class_weights(_count_pixels([target.classes for target in targets], len(reading.class_names)))
    samples = []
    ranges = _ranges(annotated, normalise)
    for stack in dict.fromkeys(item.stack for item in annotated if item.stack):
        own_ranges = [own for item, own in zip(annotated, ranges, strict=True) if item.stack == stack]
        for note in stack_note(own_ranges, normalise, "--set normalise.over=stack"):
            tell(f"{stack}: {note}")
    for item, target, ids, own in zip(annotated, targets, objects, ranges, strict=True):
        with _name_in_errors(item):
            image = normalise(item.image, own)
        weights = weight_map(target.classes, target.cells, class_weights)
        place = (item.axis, item.plane) if item.axis is not None and item.plane is not None else None
        samples.append(Sample(item.name, image, target.classes, weights, ids, item.group, target.planes, place))
    spacings = {a.spacing_um for a in annotated if a.spacing_um is not None}
    seen = seen_images(
        [grey_facts(a.image) for a in annotated if not a.axis], object_sizes([ids for ids in objects if ids is not None])
    )
    spacing = spacings.pop() if len(spacings) == 1 else None
    return Prepared(tuple(samples), reading, head, channels, class_weights, spacing, seen)


def _ranges(annotated: Sequence[Annotated], normalise: Normalise) -> list[Ranges]:
    """Return the range of each image. Planes cut along rows and columns of a volume have that of the planes as stored."""
    stored = [item for item in annotated if not item.axis]
    found = ranges_by_stack([item.image for item in stored], [item.stack for item in stored], normalise)
    of_stack = {item.stack: own for item, own in zip(stored, found, strict=True)}
    in_order = iter(found)
    return [of_stack[item.stack] if item.axis else next(in_order) for item in annotated]


def understand(
    annotated: Sequence[Annotated],
    *,
    names: Sequence[str] = (),
    masks: MaskChoice | LayoutKind = "auto",
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
    head: Head | None = None,
) -> LabelReading:
    """Judge all masks, and refuse those that cannot be learnt; training and the doctor both call this, so that they agree.

    ``names`` are those of the masks for messages; absent: their files. For the rest, and for errors, see :func:`prepare`.
    """
    names = names or [item.mask_name for item in annotated]
    _check_pairs(annotated, names)
    maps = [item.labels for item in annotated]
    kind = None if masks == "auto" else masks
    reading = judge_labels(maps, names=names, kind=kind, ignore=ignore, declared=declared)
    if reading.has_objects:
        _check_has_background(maps, names, reading, head)
    return reading


def _check_has_background(maps: Sequence[np.ndarray], names: Sequence[str], reading: LabelReading, head: Head | None) -> None:
    """Raise MasksError if all annotated pixels lie in objects, and no two objects touch, so that no ridge makes background."""
    if any((to_class_map(labels, reading) == 0).any() for labels in maps):
        return
    head = _choose_head(head, reading)
    if _has_background(head, maps, reading):
        return
    if _has_background(head_for(has_objects=True), maps, reading):
        raise SettingsError(
            f"head: {table_name(type(head))} parts objects from background, but the objects of these masks fill all annotated "
            f"pixels. Set head.{table_name(type(head_for(has_objects=True)))}={{}}, which makes background of the ridge "
            "between them, or annotate some background as 0."
        )
    raise MasksError(
        f"{names[0]}: no pixel of the masks is 0 and no two objects touch, so there is no background to learn. If -1 or "
        "another value is the background, save the masks with 0 there (in Python: labels[labels == -1] = 0); otherwise "
        "annotate some background as 0.",
        names[0],
        "background unclear",
        range(len(maps)),
    )


def _has_background(head: Head, maps: Sequence[np.ndarray], reading: LabelReading) -> bool:
    return any((head.targets(translate_mask(labels, reading)).classes == 0).any() for labels in maps)


def _check_pairs(annotated: Sequence[Annotated], names: Sequence[str]) -> None:
    """Refuse arrays that are no image or no mask, and a mask that does not belong to its image."""
    if not annotated:
        raise DataError("Got no annotated image. Give at least one image with its mask.")
    for item in annotated:
        with _name_in_errors(item):
            check_image(item.image)
        if item.labels.ndim != 2:
            raise LabelError(
                f"{item.name}: the mask has the shape {item.labels.shape}; a mask has rows and columns, one number per pixel. "
                "Save it as a grey image, not in colour; of a stack, give each plane with its mask."
            )
        if item.labels.shape != item.image.shape[:2]:
            raise DataError(
                f"{item.name}: the image has {_size(item.image)} px and its mask {_size(item.labels)} px. "
                "Both must have the same rows and columns: check that they belong together." + first_axis_hint(item.image.shape)
            )
    copies = [index for index, item in enumerate(annotated) if is_copy_of_image(item.labels, item.image)]
    if copies:
        name = names[copies[0]]
        raise MasksError(
            f"{name}: the mask is a copy of its image, {len(copies)} of {len(annotated)}; its grey values would be read as "
            "classes or objects. Replace it by the painted mask.",
            name,
            "mask is the image",
            copies,
        )


def _choose_head(head: Head | None, reading: LabelReading) -> Head:
    """Return the head that was set, if the masks hold what it needs; without a setting, the head that fits the masks."""
    head = head or head_for(has_objects=reading.has_objects)
    if head.needs_objects and not reading.has_objects:
        raise SettingsError(
            f"head: {table_name(type(head))} learns from masks that number objects, but these masks were read as "
            f"{reading.kind}. Set masks to 'instances' if each number is one object, or leave out the head, or the start that "
            "has it."
        )
    return head


@contextmanager
def _name_in_errors(item: Annotated) -> Iterator[None]:
    """Put the name of the image in front of the message of a DataError."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{item.name}: {error}") from error


def _count_pixels(class_maps: Sequence[np.ndarray], num_classes: int) -> np.ndarray:
    """Count annotated pixels of each class over all maps, including classes that the head adds to those of the masks."""
    counts = np.sum([np.bincount(class_map.ravel(), minlength=256) for class_map in class_maps], axis=0)
    return counts[: max(num_classes, int(np.flatnonzero(counts[:IGNORE])[-1]) + 1)]


def _grey_where_all_are(annotated: Sequence[Annotated], tell: Callable[[str], None]) -> Sequence[Annotated]:
    """Reduce grey images saved in colour to one channel, unless there is a true colour image among them."""
    as_colour = [is_grey_saved_as_colour(item.image) for item in annotated]
    if not any(as_colour) or any(num_channels(a.image) > 1 and not grey for a, grey in zip(annotated, as_colour, strict=True)):
        return annotated
    tell("images with three equal channels are read as grey")
    return [replace(item, image=item.image[..., 0]) if grey else item for item, grey in zip(annotated, as_colour, strict=True)]


def _common_channels(annotated: Sequence[Annotated]) -> int:
    first = annotated[0]
    for item in annotated[1:]:
        if num_channels(item.image) != num_channels(first.image):
            raise DataError(
                f"{item.name} has {num_channels(item.image)} channel(s), {first.name} has {num_channels(first.image)}. "
                "All images must have the same channels: convert them, or train on one kind at a time."
            )
    return num_channels(first.image)


def _size(array: np.ndarray) -> str:
    return f"{array.shape[0]} x {array.shape[1]}" if array.ndim >= 2 else f"{array.shape}"
