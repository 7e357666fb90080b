"""The rows of the objects of one plane."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseam.measuring.facts import ClassCounts
from unseam.measuring.properties import Property, grey_columns
from unseam.measuring.region_properties import ReadBox, RegionProperty, region_columns
from unseam.measuring.values import ObjectValues
from unseam.tables import Table

Chosen = Sequence[Property | RegionProperty]


@dataclass(frozen=True)
class PlaneOf:
    """Where a plane comes from: the words and numbers that begin each of its rows, by column."""

    image: str
    planes: tuple[tuple[str, int], ...] = ()

    def columns(self, number: int) -> dict[str, np.ndarray]:
        first = {"image": np.full(number, self.image, object)}
        return first | {name: np.full(number, index) for name, index in self.planes}


def object_table(place: PlaneOf, values: ObjectValues, chosen: Chosen, read: ReadBox) -> Table:
    """Return one row for each object, in the order of their numbers.

    ``read`` reads a box of the plane, for properties that are measured one object at a time. The class of an object is that of
    most of its pixels; background, 0, only if it has no other.
    """
    facts = values.facts
    columns = place.columns(len(facts.ids)) | {"id": facts.ids}
    if facts.classes is not None:
        columns["class"] = _classes(facts.classes)
    num_channels = 0 if facts.greys is None else facts.greys.sums.shape[1]
    for one in chosen:
        if isinstance(one, RegionProperty):
            pixel_um = values.spacing_um[0] if values.spacing_um and values.is_square else None
            columns |= region_columns([one], facts.ids, facts.boxes, read, num_channels=num_channels, pixel_um=pixel_um)
        elif one.columns is not None:
            columns |= one.columns(values)
        elif facts.greys is not None and one.greys is not None:
            columns |= grey_columns(one.name, one.greys(facts.greys, values.areas))
    return Table(columns)


def _classes(found: ClassCounts) -> np.ndarray:
    if not len(found.counts):
        return np.zeros(0, np.int64)
    # A pixel counts a little even as background: argmax then finds it where there is nothing else.
    return found.values[np.where(found.values == 0, np.minimum(found.counts, 1), 2 * found.counts).argmax(axis=1)]
