"""The images to segment and what each is called: a file, or a file for each channel, in any layout that training knows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import (
    OTHER_FOLDERS,
    TRAINING_FOLDERS,
    find_images,
    list_images,
    natural_key,
    readable_files,
    stem,
    subfolder,
)
from unseam.data.layout import find_pairs
from unseam.errors import DataError

_NNUNET_FOLDERS = ("imagestr", "imagests", "imagesval")


@dataclass(frozen=True)
class Case:
    """One image to segment: its name, by which results are called, and its file, or a file for each of its channels."""

    name: str
    images: tuple[Path, ...]


def find_cases(given: Sequence[Path | str] | Path | str) -> list[Case]:
    """The images that files, folders and patterns stand for.

    As :func:`~unseam.data.file_names.find_images`; further, files ``case_0000``, ``case_0001``, ... of nnU-Net's folders are
    the channels of one image, and a folder may be a data set in any layout of :mod:`unseam.data.layout`, or hold a folder
    ``id/images/`` for each image.

    Raises
    ------
    DataError
        If one stands for nothing.
    """
    found: list[Case] = []
    for one in [given] if isinstance(given, Path | str) else given:
        place = Path(one)
        found += _cases_in(place) if place.is_dir() and not list_images(place) else _grouped(find_images(one))
    if not found:
        raise DataError("No image was given. Give files, folders or patterns such as '*.tif'.")
    return list(dict.fromkeys(found))


def _grouped(images: Sequence[Path]) -> list[Case]:
    """A case for each image, or for all channels of one."""
    channels: dict[tuple[Path, str], list[Path]] = {}
    for path in images:
        is_channel = path.parent.name.lower() in _NNUNET_FOLDERS
        name = re.sub(r"(?<=.)_\d{4}$", "", stem(path)) if is_channel else stem(path)
        channels.setdefault((path if name == stem(path) else path.parent, name), []).append(path)
    return [Case(name, tuple(sorted(paths, key=natural_key))) for (_, name), paths in channels.items()]


def _cases_in(folder: Path) -> list[Case]:
    """Of a folder that holds no images itself."""
    alone = _folder_an_image(folder)
    if alone:
        return alone
    test_images = subfolder(folder, ("imagests",))
    if test_images is not None and subfolder(folder, ("imagestr",)) is None:
        return _grouped(find_images(test_images))
    if not any(path.is_dir() for path in folder.iterdir()):
        find_images(folder)  # says that there is none
    try:
        pairs = find_pairs(folder).pairs
    except DataError as error:
        raise DataError(f"{folder}: holds no image itself, nor in a folder images. As a data set: {error}") from error
    return [Case(pair.name.replace("/", "_"), pair.images) for pair in pairs]


def _folder_an_image(folder: Path) -> list[Case]:
    """``id/images/id.png`` for each image, with or without masks beside it (Data Science Bowl 2018)."""
    samples = sorted((path for path in folder.iterdir() if (path / "images").is_dir()), key=natural_key)
    images = [readable_files(path / "images") for path in samples]
    if any(path.name.lower() in (*TRAINING_FOLDERS, *OTHER_FOLDERS) for path in samples) or any(len(f) > 1 for f in images):
        return []
    return [Case(path.name, tuple(files)) for path, files in zip(samples, images, strict=True) if len(files) == 1]
