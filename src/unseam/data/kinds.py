"""What masks may hold, and what follows from it: the one table. :func:`unseam.data.labels.judge_labels` decides the kind."""

from dataclasses import dataclass
from typing import Literal

LabelKind = Literal["binary", "classes", "instances"]
"""Background and foreground; what a pixel is; which object it belongs to."""

MaskChoice = Literal["auto", "binary", "classes", "instances"]
"""What a user may say that masks hold; ``auto``: look at them and say what was found."""


@dataclass(frozen=True)
class KindFacts:
    """What follows from a kind of masks.

    Attributes
    ----------
    has_objects
        Each number is one object.
    has_pieces
        There are two values, and each piece of foreground counts as a cell.
    segments
        What a model trained on such masks finds.
    foreground
        Name of the foreground where masks name no classes.
    score_name
        The score that chooses the best weights.
    suffix
        How the name of a predicted map ends.
    """

    has_objects: bool
    has_pieces: bool
    segments: str
    foreground: str
    score_name: str
    suffix: str


_FACTS: dict[LabelKind, KindFacts] = {
    "binary": KindFacts(False, True, "foreground", "foreground", "IoU", "_classes"),
    "classes": KindFacts(False, False, "classes", "foreground", "mean IoU", "_classes"),
    "instances": KindFacts(True, False, "objects", "object", "panoptic quality", "_masks"),
}


def facts_of_kind(kind: LabelKind) -> KindFacts:
    """Look up what follows from a kind of masks."""
    return _FACTS[kind]
