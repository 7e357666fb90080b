"""Masks and outlines that lay in the folder before it became a project: what they hold, so that they can be taken over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Integer
from scipy import ndimage

from unseam.annotate.project.class_colours import colour_of
from unseam.annotate.project.mask_files import check_mask_size
from unseam.data.declaration import DeclaredClass, DeclaredKind, declares_objects, none_of
from unseam.data.file_names import (
    MASK_ENDINGS,
    MASK_FOLDERS,
    group_by_stem,
    normal_form,
    readable_files,
    subfolder,
    visible_files,
)
from unseam.data.label_reading import LabelReading, to_class_map, to_instance_map
from unseam.data.labels import judge_labels
from unseam.data.mask_colours import settle_masks
from unseam.errors import DataError, ImageReadError, LabelError
from unseam.io import read_labels
from unseam.outlines.files import OUTLINE_SUFFIXES, read_outline_file
from unseam.outlines.fill import fill_outlines
from unseam.outlines.outline import Outline

_RIM_PX = 3
_OF_ROIS = ("_rois", "_roiset", "-rois", "_outlines")


@dataclass(frozen=True)
class FoundMasks:
    """Masks by the name of their image, and how they are read (None with a sentence: they cannot be)."""

    masks: Mapping[str, Path]
    reading: LabelReading | None
    message: str
    is_complete: ClassVar[bool] = True

    @property
    def can_be_used(self) -> bool:
        return self.reading is not None

    @property
    def kind(self) -> DeclaredKind:
        return "objects" if self.reading is not None and self.reading.has_objects else "classes"

    @property
    def classes(self) -> tuple[DeclaredClass, ...]:
        names = self.reading.class_names if self.reading is not None else ("background", "foreground")
        return tuple(DeclaredClass(value, name, colour_of(value)) for value, name in enumerate(names))

    def read(self, name: str, height: int, width: int) -> Integer[np.ndarray, "height width"]:
        """Return a mask in the values of the project. Raises LabelError or ImageReadError if it cannot be used."""
        assert self.reading is not None
        (mask,) = settle_masks([read_labels(self.masks[name])])
        check_mask_size(self.masks[name], mask.pixels.shape, height, width)
        if self.reading.has_objects:
            return to_instance_map(mask.pixels, self.reading).astype(np.int64)
        classes = to_class_map(mask.pixels, self.reading).astype(np.int64)
        return np.where(classes == 255, none_of("classes"), classes)


@dataclass(frozen=True)
class FoundOutlines:
    """Files with outlines, by the name of their image (``message`` says why not, if they cannot be used).

    If they name several classes, their pixels are those classes; otherwise each outline is an object with a rim of background.
    All other pixels are not annotated: a file does not tell whether everything was outlined.
    """

    masks: Mapping[str, Path]
    outlines: Mapping[str, Sequence[Outline]]
    message: str
    is_complete: ClassVar[bool] = False

    @property
    def can_be_used(self) -> bool:
        return bool(self.outlines)

    @property
    def kind(self) -> DeclaredKind:
        return "classes" if len(self._names) > 1 else "objects"

    @property
    def classes(self) -> tuple[DeclaredClass, ...]:
        names = ("background", *(self._names or ("object",)))
        return tuple(DeclaredClass(value, name, colour_of(value)) for value, name in enumerate(names))

    @property
    def _names(self) -> tuple[str, ...]:
        found = {one.class_name for outlines in self.outlines.values() for one in outlines}
        return tuple(sorted(found - {"", "background"}))

    def read(self, name: str, height: int, width: int) -> Integer[np.ndarray, "height width"]:
        """Return a mask in the values of the project."""
        outlines = self.outlines[name]
        if not declares_objects(self.kind):
            value = {one.name: one.value for one in self.classes}
            outlines = [replace(one, number=value[one.class_name] + 1) for one in outlines if one.class_name in value]
            drawn, _ = fill_outlines(outlines, height, width)
            return np.where(drawn > 0, drawn.astype(np.int64) - 1, none_of("classes"))
        drawn, _ = fill_outlines(outlines, height, width)
        is_rim = ndimage.binary_dilation(drawn > 0, np.ones((3, 3), bool), iterations=_RIM_PX)
        return np.where(drawn > 0, drawn.astype(np.int64), np.where(is_rim, 0, none_of("objects")))


def find_masks(folder: Path, names: Mapping[str, Path]) -> FoundMasks | FoundOutlines | None:
    """Find the masks of images in the folder ``masks`` (or one of the usual names) and judge them; None without any.

    Outlines of ImageJ and QuPath are taken if no mask is an image.
    """
    place = subfolder(folder, MASK_FOLDERS)
    if place is None:
        return None
    found = {name: path for name, path in group_by_stem(readable_files(place), MASK_ENDINGS).items() if name in names}
    if not found:
        return _find_outlines(place, names)
    try:
        reading = judge_labels([mask.pixels for mask in settle_masks([read_labels(path) for path in found.values()])],
                               names=[str(path) for path in found.values()])  # fmt: skip
    except (ImageReadError, LabelError, DataError) as error:
        return FoundMasks(found, None, f"{len(found)} mask(s) lie there, but cannot be taken over: {error}")
    return FoundMasks(found, reading, f"{len(found)} mask(s) lie there and will be taken over. {reading.reason}")


def _find_outlines(place: Path, names: Mapping[str, Path]) -> FoundOutlines | None:
    files = [path for path in visible_files(place) if path.suffix.lower() in OUTLINE_SUFFIXES]
    grouped = group_by_stem(files, (*MASK_ENDINGS, *_OF_ROIS), lambda path: normal_form(path.stem))
    found = {name: path for name, path in grouped.items() if name in names}
    if not found:
        return None
    try:
        outlines = {name: read_outline_file(path) for name, path in found.items()}
    except DataError as error:
        return FoundOutlines(found, {}, f"{len(found)} file(s) with outlines lie there, but cannot be taken over: {error}")
    read = FoundOutlines(found, outlines, "")
    held = "one object each, with a rim of background" if declares_objects(read.kind) else "the classes that they name"
    number = sum(map(len, outlines.values()))
    told = f"{number} outline(s) of {len(found)} image(s) lie there and will be taken over: {held}; the rest is not annotated."
    return replace(read, message=told)
