"""Annotations to score against, found by name in any layout that training knows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unseam.data.challenge_layouts import check_no_plane
from unseam.data.file_names import (
    IMAGE_ENDINGS,
    MASK_ENDINGS,
    name_key,
    readable_files,
    split_by_ending,
    subfolders,
    without_ending,
)
from unseam.data.layout import find_pairs
from unseam.data.left_out import LeftOut, advice_on_unread, find_left_out, holds_images_and_masks
from unseam.errors import DataError

_FRAME = re.compile(r"man_seg_?(\d+)")


@dataclass(frozen=True)
class Truths:
    """Annotations to score against.

    Attributes
    ----------
    masks
        The mask files by name. Several files hold one object each.
    other_names
        Maps other names of a prediction to the name of its annotation.
    ignore
        The value for "not annotated", if a file of the data set declares it.
    is_partial
        Whether the layout usually leaves some images without annotation.
    left_out
        What looks like annotations and is not read.
    """

    masks: Mapping[str, tuple[Path, ...]]
    other_names: Mapping[str, str]
    ignore: int | None = None
    is_partial: bool = False
    left_out: tuple[LeftOut, ...] = ()

    def name_for(self, prediction: str) -> str | None:
        """Return the name of the annotation of a prediction with this :func:`name_of`; None if it has no annotation."""
        case = re.sub(r"_\d{4}$", "", prediction)
        for name in (prediction, without_ending(prediction, IMAGE_ENDINGS), case, _frame(prediction)):
            if name in self.masks:
                return name
            if name in self.other_names:
                return self.other_names[name]
        return None


def name_of(path: Path) -> str:
    """Return the name that pairs a prediction with its annotation: ``x`` of ``x_masks.tif`` and of ``x.png``."""
    return without_ending(name_key(path), MASK_ENDINGS)


def find_truths(place: Path) -> Truths:
    """Find the annotations in a file, a folder of them, or a folder of images and masks in any layout that training knows.

    Raises DataError if there is nothing, if two files have the same name, or if a file annotates one plane of a volume.
    """
    if not place.exists():
        raise DataError(f"{place}: no such file or folder. Check the name.")
    if not place.is_dir():
        return Truths({name_of(place): (place,)}, {})
    files = readable_files(place)
    if files and holds_images_and_masks(place):
        files = []  # as for training: the files of these two folders are the data, not those beside them
    if not files and (place / "SEG").is_dir():  # 01_GT of the Cell Tracking Challenge
        files = readable_files(place / "SEG")
    if files:
        return replace(_truths_in(split_by_ending(files)[1] or files), left_out=find_left_out(place, files))
    if not subfolders(place):
        raise DataError(
            f"{place}: this folder holds no label map that can be read (TIFF, PNG, NumPy).{advice_on_unread(place)}"
        )
    found = find_pairs(place)
    other_names: dict[str, str] = {}
    ambiguous: set[str] = set()
    for pair in found.pairs:
        image = name_key(pair.image)
        for other in {pair.name.replace("/", "_"), image, without_ending(image, IMAGE_ENDINGS)} - {pair.name}:
            if other_names.setdefault(other, pair.name) != pair.name:
                ambiguous.add(other)
    unique = {other: name for other, name in other_names.items() if other not in ambiguous}
    return Truths(
        {pair.name: pair.masks for pair in found.pairs},
        unique,
        found.ignore,
        is_partial=found.is_partial,
        left_out=found.left_out,
    )


def _truths_in(files: Sequence[Path]) -> Truths:
    masks: dict[str, tuple[Path, ...]] = {}
    for path in files:
        check_no_plane(path)
        name = name_of(path)
        if name in masks:
            raise DataError(f"{masks[name][0]} and {path} have the same name. Give one annotation for each image.")
        masks[name] = (path,)
    frames = {f"frame {int(match[1])}": name for name in masks if (match := _FRAME.fullmatch(name))}
    return Truths(masks, frames, is_partial=len(frames) == len(masks))


def _frame(name: str) -> str:
    numbers = re.findall(r"\d+", name)
    return f"frame {int(numbers[0])}" if len(numbers) == 1 else name
