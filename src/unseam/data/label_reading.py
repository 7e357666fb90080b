"""What a set of masks holds, and masks translated by it: class maps and instance maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Shaped, UInt8
from scipy import ndimage

from unseam.data.kinds import KindFacts, LabelKind, facts_of_kind
from unseam.data.label_evidence import whole_numbers
from unseam.errors import LabelError
from unseam.heads import Labels
from unseam.shapes import IGNORE, NOT_ANNOTATED


@dataclass(frozen=True)
class LabelReading:
    """What a set of masks was found, or said, to hold.

    Attributes
    ----------
    kind
        Which of the three; :func:`unseam.data.kinds.facts_of_kind` says what follows from it.
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


    @property
    def class_values(self) -> tuple[int, ...]:
        """The value of each class in a predicted class map: that of the masks; 0 and 1 where they number objects."""
        return self.values or (0, 1)

    @property
    def kind_facts(self) -> KindFacts:
        """What follows from the kind."""
        return facts_of_kind(self.kind)

    @property
    def has_objects(self) -> bool:
        """Whether the masks number objects."""
        return self.kind_facts.has_objects

    @property
    def has_pieces(self) -> bool:
        """Whether the masks hold two values; each piece of foreground then counts as a cell."""
        return self.kind_facts.has_pieces

    @property
    def has_cells(self) -> bool:
        """Whether the masks hold separate cells: numbered objects, or pieces of foreground. If not, classes tile the image."""
        return self.has_objects or self.has_pieces


def translate_mask(labels: Shaped[np.ndarray, "height width"], reading: LabelReading) -> Labels:
    """Translate a mask into what heads make targets from: classes, and separate cells where there are any.

    In a mask of two values each 4-connected piece of foreground is a cell: so the membranes of the paper's EM images get
    their weight. Classes that tile the image (myelin round axon) have no gaps to keep open.

    Raises
    ------
    LabelError
        If a value occurs that the reading does not have; with its first place.
    """
    classes = to_class_map(labels, reading)
    if reading.has_objects:
        return Labels(classes, to_instance_map(labels, reading))
    if reading.has_pieces:
        return Labels(classes, ndimage.label(classes == 1)[0].astype(np.int32))
    return Labels(classes)


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
    if reading.has_objects:
        classes = (labels > 0).astype(np.uint8)
    else:
        values = np.array(reading.values, dtype=np.int64)
        index = np.minimum(np.searchsorted(values, labels), values.size - 1)
        unseen = (values[index] != labels) & ~skipped
        if unseen.any():
            row, column = (int(i) for i in np.unravel_index(int(np.argmax(unseen)), unseen.shape))
            raise LabelError(
                f"the mask has the value {labels[row, column]} at row {row}, column {column}; known are "
                f"{list_values(reading.values)}. Correct that pixel, or give this mask to training too."
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
    if not reading.has_objects:
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


def list_values(values: Sequence[int]) -> str:
    """Values for a message, those in the middle left out where they are many.

    >>> listed((0, 255)), listed(range(100))
    ('0, 255', '0, 1, 2, 3, 4, ... 99')
    """
    if len(values) <= 8:
        return ", ".join(str(value) for value in values)
    return f"{', '.join(str(value) for value in values[:5])}, ... {values[-1]}"
