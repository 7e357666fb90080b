"""Find the images to segment, in any layout that training knows: a file per image, or a file per channel."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import (
    IMAGE_FOLDERS,
    OTHER_FOLDERS,
    TRAINING_FOLDERS,
    find_images,
    list_images,
    name_key,
    natural_key,
    readable_files,
    stem,
    subfolder,
    subfolders,
)
from unseam.data.layout import find_pairs
from unseam.data.left_out import LeftOut, advice_on_unread, find_left_out
from unseam.errors import DataError
from unseam.io import SUFFIXES

_NNUNET_FOLDERS = ("imagestr", "imagests", "imagesval")


@dataclass(frozen=True)
class Case:
    """One image to segment: its name, which its results get too, and its file, or a file per channel."""

    name: str
    images: tuple[Path, ...]


def find_cases(given: Sequence[Path | str] | Path | str) -> list[Case]:
    """Find the images in files, folders and patterns; raise DataError if one of them yields no image.

    Like :func:`~unseam.data.file_names.find_images`. In addition, files ``case_0000``, ``case_0001``, ... in nnU-Net's folders
    are the channels of one image, and a folder may be a data set in any layout of :mod:`unseam.data.layout`, or hold a folder
    ``id/images/`` per image.
    """
    found: list[Case] = []
    for one in [given] if isinstance(given, Path | str) else given:
        path = Path(one)
        found += _cases_in(path) if os.path.isdir(path) and not list_images(path) else _group_channels(find_images(one))
    if not found:
        raise DataError("No image was given. Give files, folders or patterns such as '*.tif'.")
    return list(dict.fromkeys(found))


def find_images_left_out(given: Sequence[Path | str] | Path | str) -> list[LeftOut]:
    """Find what looks like an image and is not read in the folders among what :func:`find_cases` was given."""
    found: list[LeftOut] = []
    for folder in [Path(one) for one in ([given] if isinstance(given, Path | str) else given)]:
        if os.path.isdir(folder):
            used = [path for case in find_cases(folder) for path in case.images]
            found += find_left_out(folder, used, images_only=True)
    return found


def _group_channels(images: Sequence[Path]) -> list[Case]:
    channels: dict[tuple[Path, str], list[Path]] = {}
    for path in images:
        is_channel = path.parent.name.lower() in _NNUNET_FOLDERS
        name = re.sub(r"(?<=.)_\d{4}$", "", name_key(path)) if is_channel else stem(path)
        channels.setdefault((path if name in (stem(path), name_key(path)) else path.parent, name), []).append(path)
    return [Case(name, tuple(sorted(paths, key=natural_key))) for (_, name), paths in channels.items()]


def _cases_in(folder: Path) -> list[Case]:
    """Find the images below a folder that holds none itself."""
    cases = _folder_per_image(folder)
    if cases:
        return cases
    test_images = subfolder(folder, ("imagests",))
    if test_images is not None and subfolder(folder, ("imagestr",)) is None:
        return _group_channels(find_images(test_images))
    advice = advice_on_unread(subfolder(folder, IMAGE_FOLDERS) or folder)
    if not subfolders(folder):
        raise DataError(f"{folder} holds no image that can be read. Images may end in {', '.join(SUFFIXES)}.{advice}")
    try:
        pairs = find_pairs(folder).pairs
    except DataError as error:
        said = "" if advice in str(error) else advice
        words = f"{folder} holds no image, and neither does a folder images in it.{said} As a data set: {error}"
        raise DataError(words) from error
    return [Case(pair.name.replace("/", "_"), pair.images) for pair in pairs]


def _folder_per_image(folder: Path) -> list[Case]:
    """Find ``id/images/id.png`` for each image, with or without a folder ``id/masks`` (Data Science Bowl 2018)."""
    samples = [path for path in subfolders(folder) if (path / "images").is_dir()]
    images = [readable_files(path / "images", with_broken_links=True) for path in samples]
    if any(path.name.lower() in (*TRAINING_FOLDERS, *OTHER_FOLDERS) for path in samples) or any(len(f) > 1 for f in images):
        return []
    return [Case(path.name, tuple(files)) for path, files in zip(samples, images, strict=True) if len(files) == 1]
