"""Masks that lay in the folder before it became a project: what they hold, so that they can be taken over."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from unseam.annotate.project.class_colours import colour_of
from unseam.data.declaration import DeclaredClass, DeclaredKind, none_of
from unseam.data.file_names import MASK_ENDINGS, MASK_FOLDERS, group_by_stem, readable_files, subfolder
from unseam.data.label_reading import LabelReading, to_class_map, to_instance_map
from unseam.data.labels import judge_labels
from unseam.data.mask_colours import settle_masks
from unseam.errors import DataError, ImageReadError, LabelError
from unseam.io import read_labels


@dataclass(frozen=True)
class FoundMasks:
    """Masks by the name of their image, and how they are read (None with a sentence: they cannot be)."""

    masks: Mapping[str, Path]
    reading: LabelReading | None
    message: str

    @property
    def kind(self) -> DeclaredKind:
        return "objects" if self.reading is not None and self.reading.has_objects else "classes"

    @property
    def classes(self) -> tuple[DeclaredClass, ...]:
        names = self.reading.class_names if self.reading is not None else ("background", "foreground")
        return tuple(DeclaredClass(value, name, colour_of(value)) for value, name in enumerate(names))

    def read(self, name: str) -> Integer[np.ndarray, "height width"]:
        """Return a mask in the values of the project. Raises LabelError or ImageReadError if it cannot be used."""
        assert self.reading is not None
        (mask,) = settle_masks([read_labels(self.masks[name])])
        if self.reading.has_objects:
            return to_instance_map(mask.pixels, self.reading).astype(np.int64)
        classes = to_class_map(mask.pixels, self.reading).astype(np.int64)
        return np.where(classes == 255, none_of("classes"), classes)


def find_masks(folder: Path, names: Mapping[str, Path]) -> FoundMasks | None:
    """Find and judge the masks of images, in a folder ``masks`` or of one of the usual names; None if there is none."""
    place = subfolder(folder, MASK_FOLDERS)
    if place is None:
        return None
    found = {name: path for name, path in group_by_stem(readable_files(place), MASK_ENDINGS).items() if name in names}
    if not found:
        return None
    try:
        reading = judge_labels([mask.pixels for mask in settle_masks([read_labels(path) for path in found.values()])],
                               names=[str(path) for path in found.values()])  # fmt: skip
    except (ImageReadError, LabelError, DataError) as error:
        return FoundMasks(found, None, f"{len(found)} mask(s) lie there, but cannot be taken over: {error}")
    return FoundMasks(found, reading, f"{len(found)} mask(s) lie there and will be taken over. {reading.reason}")
