"""Annotations to score against, found by name in any of the layouts that training knows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.challenge_layouts import check_no_plane
from unseam.data.file_names import IMAGE_ENDINGS, MASK_ENDINGS, readable_files, split_by_ending, stem, without_ending
from unseam.data.layout import find_pairs
from unseam.errors import DataError

_FRAME = re.compile(r"man_seg_?(\d+)")


@dataclass(frozen=True)
class Truths:
    """Annotations to score against.

    Attributes
    ----------
    masks
        The mask files by name; several files hold one object each.
    other_names
        Other names that a prediction may have, and the name of its annotation.
    ignore
        Value for "not annotated", where a file of the data set declares it.
    is_partial
        Whether the layout leaves some images without annotation as a rule.
    """

    masks: Mapping[str, tuple[Path, ...]]
    other_names: Mapping[str, str]
    ignore: int | None = None
    is_partial: bool = False

    def name_for(self, prediction: str) -> str | None:
        """The name of the annotation of a prediction, which is given by its :func:`name_of`; None if there is none."""
        case = re.sub(r"_\d{4}$", "", prediction)
        for name in (prediction, without_ending(prediction, IMAGE_ENDINGS), case, _frame(prediction)):
            if name in self.masks:
                return name
            if name in self.other_names:
                return self.other_names[name]
        return None


def name_of(path: Path) -> str:
    """The name that pairs a prediction with its annotation: ``x`` of ``x_masks.tif`` and of ``x.png``."""
    return without_ending(stem(path), MASK_ENDINGS)


def find_truths(place: Path) -> Truths:
    """The annotations in a file, a folder of them, or a folder of images and masks in any layout that training knows.

    Raises
    ------
    DataError
        There is nothing, two files have one name, or a file annotates a single plane of a volume.
    """
    if not place.exists():
        raise DataError(f"{place}: there is no such file or folder. Check the name.")
    if not place.is_dir():
        return Truths({name_of(place): (place,)}, {})
    files = readable_files(place)
    if not files and (place / "SEG").is_dir():  # 01_GT of the Cell Tracking Challenge
        files = readable_files(place / "SEG")
    if files:
        return _of_files(split_by_ending(files)[1] or files)
    if not any(path.is_dir() for path in place.iterdir()):
        raise DataError(f"{place}: this folder holds no label map that can be read (TIFF, PNG, NumPy).")
    found = find_pairs(place)
    other_names: dict[str, str] = {}
    twice: set[str] = set()
    for pair in found.pairs:
        image = stem(pair.image)
        for other in {pair.name.replace("/", "_"), image, without_ending(image, IMAGE_ENDINGS)} - {pair.name}:
            if other_names.setdefault(other, pair.name) != pair.name:
                twice.add(other)
    once = {other: name for other, name in other_names.items() if other not in twice}
    masks = {pair.name: pair.masks for pair in found.pairs}
    return Truths(masks, once, found.ignore, is_partial=found.is_partial)


def _of_files(files: Sequence[Path]) -> Truths:
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
