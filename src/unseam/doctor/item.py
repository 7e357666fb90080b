"""One annotated image for the doctor: pixels, mask, their files, and figures that are computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Shaped

from unseam.data.grey_facts import GreyFacts, grey_facts, grey_plane
from unseam.data.label_evidence import whole_numbers
from unseam.data.labels import LabelReading, to_class_map
from unseam.data.prepare import Annotated
from unseam.doctor.finding import Place
from unseam.shapes import IGNORE


@dataclass(frozen=True, eq=False)
class Item:
    """An annotated image, or a plane of a stack, with the names to report: files relative to the folder, or of an array.

    ``plane_number`` is counted from 0; None: not of a stack.
    """

    annotated: Annotated
    image_file: str
    mask_file: str
    plane_number: int | None = None

    @property
    def image(self) -> Shaped[np.ndarray, "height width *channel"]:
        return self.annotated.image

    @property
    def in_image(self) -> Place:
        return Place(self.image_file, plane=self.plane_number)

    @property
    def in_mask(self) -> Place:
        return self.mask_at(None, None)

    @property
    def is_plane(self) -> bool:
        """Whether it is a plane of a stack, where an empty or blank image is normal."""
        return self.plane_number is not None

    def mask_at(self, row: int | None, column: int | None) -> Place:
        """Return the place of a pixel of the mask; None: the whole mask."""
        return Place(self.mask_file, row, column, self.plane_number)

    @cached_property
    def grey(self) -> GreyFacts:
        return grey_facts(self.image)

    @cached_property
    def plane(self) -> Shaped[np.ndarray, "height width"]:
        """Grey values, averaged over channels."""
        return grey_plane(self.image)

    def classes(self, reading: LabelReading) -> Shaped[np.ndarray, "height width"]:
        """Return the class map (H, W), ``IGNORE`` where nothing is annotated."""
        return to_class_map(whole_numbers(self.annotated.labels, str(self.in_mask)), reading)


def one_per_file(items: Sequence[Item]) -> list[Item]:
    """Return all single images, and the plane with the most contrast of each stack."""
    best: dict[str, Item] = {}
    for item in items:
        known = best.get(item.image_file)
        if known is None or item.grey.high - item.grey.low > known.grey.high - known.grey.low:
            best[item.image_file] = item
    return list(best.values())


def unit(items: Sequence[Item]) -> str:
    """Return the word for what is counted: images, or planes if all are of stacks."""
    return "plane" if items and all(item.is_plane for item in items) else "image"


@dataclass(frozen=True, eq=False)
class Labelled:
    """An item whose mask was understood, with its class map."""

    item: Item
    classes: Shaped[np.ndarray, "height width"]

    @cached_property
    def foreground(self) -> Bool[np.ndarray, "height width"]:
        return (self.classes > 0) & (self.classes != IGNORE)

    @cached_property
    def share(self) -> float:
        """Share of foreground in the annotated pixels."""
        annotated = int(np.count_nonzero(self.classes != IGNORE))
        return float(np.count_nonzero(self.foreground) / annotated) if annotated else 0.0

    @cached_property
    def contrast(self) -> float:
        """Foreground minus background, in standard deviations of the image; 0 if one of them is absent."""
        step = max(1, round((self.classes.size / 60_000) ** 0.5))
        grey = self.item.plane[::step, ::step].astype(np.float64)
        inside = self.foreground[::step, ::step]
        outside = self.classes[::step, ::step] == 0
        spread = float(grey.std())
        if spread == 0 or inside.sum() < 8 or outside.sum() < 8:
            return 0.0
        return float((grey[inside].mean() - grey[outside].mean()) / spread)
