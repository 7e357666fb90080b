"""The kinds of masks, and the facts that follow from each: the only such table.

:func:`unseam.data.labels.judge_labels` decides the kind.
"""

from dataclasses import dataclass
from typing import Literal

LabelKind = Literal["binary", "classes", "instances"]
"""A mask tells background from foreground; or gives the class of a pixel; or the object that it belongs to."""

MaskChoice = Literal["auto", "binary", "classes", "instances"]
"""A user's setting; ``auto``: decide from the masks and report it."""


@dataclass(frozen=True)
class LayoutKind:
    """The kind of masks that a layout of folders always holds, and the layout in words."""

    kind: LabelKind
    layout: str


def choose_masks(choice: MaskChoice, layout: LayoutKind | None) -> MaskChoice | LayoutKind:
    """Return what the layout of the folder settles, unless the user chose."""
    return layout if layout is not None and choice == "auto" else choice


def holds_instances(choice: MaskChoice, layout: LayoutKind | None) -> bool:
    """Whether each number is one object by the word of the user, or else of the layout."""
    chosen = choose_masks(choice, layout)
    return (chosen.kind if isinstance(chosen, LayoutKind) else chosen) == "instances"


@dataclass(frozen=True)
class KindFacts:
    """The facts that follow from a kind of masks."""

    has_objects: bool  # each number is one object
    has_pieces: bool  # there are two values, and each piece of foreground counts as a cell
    segments: str  # what a model trained on such masks finds
    foreground: str  # name of the foreground where masks name no classes
    score_name: str  # the score that chooses the best weights
    suffix: str  # ending of the name of a predicted map


_FACTS: dict[LabelKind, KindFacts] = {
    "binary": KindFacts(False, True, "foreground", "foreground", "IoU", "_classes"),
    "classes": KindFacts(False, False, "classes", "foreground", "mean IoU", "_classes"),
    "instances": KindFacts(True, False, "objects", "object", "panoptic quality", "_masks"),
}


def facts_of_kind(kind: LabelKind) -> KindFacts:
    """Look up the facts of a kind of masks."""
    return _FACTS[kind]
