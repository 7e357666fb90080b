"""What a set of masks holds, and the class maps and instance maps that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int32, Shaped, UInt8
from scipy import ndimage

from unseam.data.kinds import KindFacts, LabelKind, facts_of_kind
from unseam.data.label_evidence import whole_numbers
from unseam.errors import LabelError
from unseam.heads import Labels
from unseam.shapes import IGNORE, NOT_ANNOTATED

Certainty = Literal["set", "sure", "likely", "a guess"]
"""How sure it is what masks hold; ``set``: the user, the layout or the data set says so."""


@dataclass(frozen=True)
class LabelReading:
    """What a set of masks holds, as judged from the masks or set by the user."""

    kind: LabelKind
    values: tuple[int, ...]  # mask value of each class, background first; empty for instances
    class_names: tuple[str, ...]  # one per value; background and object for instances
    ignore: int | None  # value that means "not annotated", besides -1
    reason: str  # a sentence for the user
    notes: tuple[str, ...] = ()  # further sentences, where something was guessed
    certainty: Certainty = "set"
    doubt: str = ""  # what makes it a guess

    @property
    def class_values(self) -> tuple[int, ...]:
        """The value of each class in a predicted class map: as in the masks, or 0 and 1 where they number objects."""
        return self.values or (0, 1)

    @property
    def kind_facts(self) -> KindFacts:
        return facts_of_kind(self.kind)

    @property
    def has_objects(self) -> bool:
        return self.kind_facts.has_objects

    @property
    def has_pieces(self) -> bool:
        return self.kind_facts.has_pieces

    @property
    def has_cells(self) -> bool:
        """Whether the masks hold separate cells: numbered objects or pieces of foreground. Otherwise classes tile the image."""
        return self.has_objects or self.has_pieces


def translate_mask(labels: Shaped[np.ndarray, "height width"], reading: LabelReading) -> Labels:
    """Translate a mask into the labels of which heads make targets: classes, and separate cells if there are any.

    In a mask of two values each 4-connected piece of foreground is a cell; this gives the membranes of the paper's EM images
    their weight. Classes that tile the image (myelin around axons) have no gaps to keep open.
    """
    classes = to_class_map(labels, reading)
    if reading.has_objects:
        return Labels(classes, to_instance_map(labels, reading))
    if reading.has_pieces:
        return Labels(classes, ndimage.label(classes == 1)[0].astype(np.int32))
    return Labels(classes)


def to_class_map(labels: Shaped[np.ndarray, "height width"], reading: LabelReading) -> UInt8[np.ndarray, "height width"]:
    """Translate a mask into classes 0..K-1, with ``IGNORE`` where not annotated; numbered objects become class 1.

    Raises
    ------
    LabelError
        The mask has a value that is not in the reading; names its first pixel.
    """
    labels, skipped = _find_skipped(labels, reading)
    if reading.has_objects:
        classes = (labels > 0).astype(np.uint8)
    else:
        values = np.array(reading.values, dtype=np.int64)
        index = np.minimum(np.searchsorted(values, labels), values.size - 1)
        unseen = (values[index] != labels) & ~skipped
        if unseen.any():
            row, column = (int(i) for i in np.unravel_index(int(np.argmax(unseen)), unseen.shape))
            raise LabelError(
                f"the mask has the value {labels[row, column]} at row {row}, column {column}; the known values are "
                f"{list_values(reading.values)}. Correct that pixel, or train with this mask too."
            )
        classes = index.astype(np.uint8)
    classes[skipped] = IGNORE
    return classes


def to_instance_map(labels: Shaped[np.ndarray, "height width"], reading: LabelReading) -> Int32[np.ndarray, "height width"]:
    """Translate a mask into an instance map: 0 background, -1 not annotated, object numbers unchanged.

    If 32 bits cannot hold the numbers, the objects are numbered 1, 2, ... in ascending order. Raises LabelError if the masks
    do not number objects.
    """
    if not reading.has_objects:
        raise LabelError(
            f"The masks were read as {reading.kind}, which have no object numbers; an instance map needs them. Set masks to "
            "'instances' if each number is one object."
        )
    labels, skipped = _find_skipped(labels, reading)
    if int(labels.max()) > np.iinfo(np.int32).max:
        objects = np.unique(labels[(labels > 0) & ~skipped])
        labels = np.where(labels > 0, np.searchsorted(objects, labels) + 1, 0)
    instances = labels.astype(np.int32)
    instances[skipped] = NOT_ANNOTATED
    return instances


def _find_skipped(labels: np.ndarray, reading: LabelReading) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask as integers, and where it is not annotated."""
    labels = whole_numbers(labels, "The mask")
    skipped = labels == NOT_ANNOTATED
    return labels, skipped if reading.ignore is None else skipped | (labels == reading.ignore)


def list_values(values: Sequence[int]) -> str:
    """List values for a message; of many values, leave out those in the middle.

    >>> list_values((0, 255)), list_values(range(100))
    ('0, 255', '0, 1, 2, 3, 4, ... 99')
    """
    if len(values) <= 8:
        return ", ".join(str(value) for value in values)
    return f"{', '.join(str(value) for value in values[:5])}, ... {values[-1]}"
