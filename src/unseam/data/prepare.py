"""From annotated images, as read, to samples: what the masks hold, normalised grey values, targets of the head, w(x)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from unseam.data.channels import is_grey_saved_as_colour, num_channels
from unseam.data.grey_facts import SeenImages, grey_facts, object_sizes, seen_images
from unseam.data.kinds import MaskChoice
from unseam.data.label_faults import is_copy_of_image
from unseam.data.labels import LabelReading, judge_labels, translate_mask
from unseam.data.normalise import Normalise, check_image
from unseam.data.sample import Sample
from unseam.data.weight_map import WeightMap
from unseam.errors import DataError, LabelError, SettingsError
from unseam.heads import Head, Targets, head_for
from unseam.settings import table_name
from unseam.shapes import IGNORE


@dataclass(frozen=True)
class Annotated:
    """An image and its mask as a person made them: (H, W) or (H, W, C) and (H, W), nothing converted yet.

    Attributes
    ----------
    name
        What the user calls it.
    image, labels
        Of one size.
    spacing_um
        Size of a pixel (row, column), micrometres, if the file says it.
    group
        The file that it is a plane of, or the sequence that it is a frame of; empty: it stands alone.
    mask_file
        Of its mask, for messages; empty: it came as an array.
    stack, plane
        The stack that it is a plane of, and its number there, counted from 0; empty and None: it is no plane.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    spacing_um: tuple[float, float] | None = None
    group: str = ""
    mask_file: str = ""
    stack: str = ""
    plane: int | None = None

    @property
    def mask_name(self) -> str:
        """What messages call its mask."""
        return self.mask_file or self.name


@dataclass(frozen=True)
class Prepared:
    """Samples ready for training, and what they turned out to be.

    Attributes
    ----------
    samples
        One an image.
    reading
        What the masks hold.
    channels
        C, the same for all images.
    head
        What a network learns from them.
    class_weights
        w_c of Eq. 2, for each class of the targets.
    spacing_um
        Pixel size, if all images that name one agree on it.
    seen
        What the images are like, for whoever predicts others by the model.
    """

    samples: tuple[Sample, ...]
    reading: LabelReading
    head: Head
    channels: int
    class_weights: tuple[float, ...]
    spacing_um: tuple[float, float] | None
    seen: SeenImages | None = None

    @property
    def num_logits(self) -> int:
        """How many logits the head needs for a pixel."""
        return len(self.head.logit_names(self.reading.class_names))


def prepare(
    annotated: Sequence[Annotated],
    normalise: Normalise,
    weight_map: WeightMap,
    *,
    masks: MaskChoice = "auto",
    ignore: int | None = None,
    declared: Sequence[tuple[int, str]] = (),
    head: Head | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Judge all masks, then turn each pair into a sample.

    Source: paper, section 3: the weight map is computed beforehand for each truth.

    Departs: the paper does not say what a cell is in a mask of two values: every 4-connected piece of foreground. Masks of
    several classes get w_c alone.

    Parameters
    ----------
    annotated
        At least one.
    normalise
        For the grey values.
    weight_map
        Of Eq. 2. The frequencies behind w_c are counted over all annotated pixels, those that will be held out included:
        what is held out is chosen later. (They are a few numbers for the whole data set; no pixel of them is learnt.)
    masks, ignore
        What the masks hold if that is known, and their value for "not annotated".
    declared
        Value and name of each class, where the data set says so.
    head
        What the network is to learn; None: what fits the masks.
    tell
        Called with one sentence for the user on what was decided.

    Raises
    ------
    DataError
        For images that do not go together: sizes, channels, pixels that are not finite. Names the image.
    LabelError
        For masks that do not say what they mean.
    SettingsError
        If the head needs masks that number objects, and these do not.
    """
    _check_pairs(annotated)
    annotated = _grey_where_all_are(annotated, tell)
    channels = _common_channels(annotated)
    reading = judge_labels(
        [a.labels for a in annotated],
        names=[a.mask_name for a in annotated],
        kind=None if masks == "auto" else masks,
        ignore=ignore,
        declared=declared,
    )
    tell(reading.reason)
    for note in reading.notes:
        tell(note)

    head = _fitting(head, reading)
    targets: list[Targets] = []
    objects: list[np.ndarray | None] = []
    for item in annotated:
        with _naming(item):
            labels = translate_mask(item.labels, reading)
        targets.append(head.targets(labels))
        objects.append(labels.cells if reading.has_objects else None)
    class_weights = weight_map.class_weights(_count_pixels([of_one.classes for of_one in targets], len(reading.class_names)))
    samples = tuple(
        Sample(
            item.name,
            _normalised(item, normalise),
            of_one.classes,
            weight_map(of_one.classes, of_one.cells, class_weights),
            ids,
            item.group,
            of_one.planes,
        )
        for item, of_one, ids in zip(annotated, targets, objects, strict=True)
    )
    spacings = {a.spacing_um for a in annotated if a.spacing_um is not None}
    seen = seen_images([grey_facts(a.image) for a in annotated], object_sizes([ids for ids in objects if ids is not None]))
    return Prepared(samples, reading, head, channels, class_weights, spacings.pop() if len(spacings) == 1 else None, seen)


def _check_pairs(annotated: Sequence[Annotated]) -> None:
    """Refuse what is no image, no map, or a map of another image."""
    if not annotated:
        raise DataError("No annotated image came. Give at least one image with its mask.")
    for item in annotated:
        with _naming(item):
            check_image(item.image)
        if item.labels.ndim != 2:
            raise LabelError(
                f"{item.name}: its mask has the shape {item.labels.shape}; a mask has rows and columns, one number a pixel. "
                "Save it as a grey image, not in colours."
            )
        if item.labels.shape != item.image.shape[:2]:
            raise DataError(
                f"{item.name}: the image has {_size(item.image)} px and its mask {_size(item.labels)}. "
                "Both must have the same rows and columns: check that they belong together."
            )
        if is_copy_of_image(item.labels, item.image):
            raise LabelError(
                f"{item.mask_name}: the mask is a copy of its image; its grey values would be taken for classes or objects. "
                "Put the painted mask there."
            )


def _fitting(head: Head | None, reading: LabelReading) -> Head:
    """The head that was asked for, if the masks hold what it needs; the one that fits them if none was."""
    head = head or head_for(has_objects=reading.has_objects)
    if head.needs_objects and not reading.has_objects:
        raise SettingsError(
            f"head: {table_name(type(head))} was set; it learns from masks that number objects, and these were read as "
            f"{reading.kind}. Set masks to 'instances' if each number is one object, or leave the head out."
        )
    return head


def _normalised(item: Annotated, normalise: Normalise) -> np.ndarray:
    with _naming(item):
        return normalise(item.image)


@contextmanager
def _naming(item: Annotated) -> Iterator[None]:
    """Put the name of the image before the message of whatever is wrong with it."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{item.name}: {error}") from error


def _count_pixels(class_maps: Sequence[np.ndarray], num_classes: int) -> np.ndarray:
    """Annotated pixels of each class in all maps: of the masks' classes, and of further ones that the head makes of them."""
    counts = np.sum([np.bincount(class_map.ravel(), minlength=256) for class_map in class_maps], axis=0)
    return counts[: max(num_classes, int(np.flatnonzero(counts[:IGNORE])[-1]) + 1)]


def _grey_where_all_are(annotated: Sequence[Annotated], tell: Callable[[str], None]) -> Sequence[Annotated]:
    """Take grey images that were saved as colours for grey, if there is no true colour image among them."""
    as_colour = [is_grey_saved_as_colour(item.image) for item in annotated]
    if not any(as_colour) or any(num_channels(a.image) > 1 and not grey for a, grey in zip(annotated, as_colour, strict=True)):
        return annotated
    tell("images with three equal channels are taken as grey")
    return [
        replace(item, image=item.image[..., 0]) if grey else item
        for item, grey in zip(annotated, as_colour, strict=True)
    ]


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
