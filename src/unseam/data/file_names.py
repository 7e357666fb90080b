"""How people name images, masks and the folders that hold them."""

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from unseam.errors import DataError
from unseam.io import SUFFIXES, can_read

MASK_ENDINGS = (
    *("_cp_masks", "_masks", "_mask", "_labels", "_label", "_gt", "_annotations", "_annotation", "_instances", "_classes"),
    *("-masks", "-mask", "-labels", "-label", "-gt", ".masks", ".mask", ".labels", ".label"),
)
"""Endings of the names of masks; the longest match counts."""

IMAGE_ENDINGS = ("_image", "_img", "_raw", "-image", "-img", "-volume", "_volume")
"""Endings that the name of an image may have where its mask has another ending."""

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "raw", "raw_images", "x")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "gt", "ground_truth", "groundtruth"),
    *("segmentations", "instances", "y"),
)
TRAINING_FOLDERS = ("train", "training")
OTHER_FOLDERS = ("val", "valid", "validation", "test", "testing")
_RESULT_ENDINGS = ("_flows", "_outlines", "_cp_output", "_prob", "_overlay", "_seg")  # neither image nor mask
_JUNK = ("thumbs.db", "desktop.ini")


def stem(path: Path) -> str:
    """Return the name without the suffix of its format.

    >>> stem(Path("cells.v2.ome.tif")), stem(Path("a.PNG"))
    ('cells.v2', 'a')
    """
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    return name[: -len(".ome")] if name.lower().endswith(".ome") else name


def without_ending(name: str, endings: Sequence[str]) -> str:
    """Return the name without the longest ending that matches, or unchanged if none matches or nothing would be left.

    >>> without_ending("x_cp_masks", MASK_ENDINGS), without_ending("x", MASK_ENDINGS)
    ('x', 'x')
    """
    for ending in sorted(endings, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def sequence_of(name: str) -> str:
    """Return the prefix that frames of a sequence, or planes of a stack, share; empty for the name of a single image.

    >>> sequence_of("t007"), sequence_of("cell2_t13"), sequence_of("embryo-z004"), sequence_of("cat13"), sequence_of("07")
    ('t', 'cell2_t', 'embryo-z', '', '')
    """
    match = re.fullmatch(r"((?:.*[^a-z0-9])?(?:t|z|time|frame|slice|plane)[_-]?)\d+", name, re.IGNORECASE)
    return match[1] if match else ""


def natural_key(path: Path) -> tuple[object, ...]:
    """Return a key that sorts ``t2`` before ``t10``."""
    parts = re.split(r"(\d+)", path.name.lower())
    numbered = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
    return (str(path.parent), numbered, path.name)


def readable_files(folder: Path) -> list[Path]:
    """List the files of a folder that can be read, in natural order, without hidden files and system files."""
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise DataError(f"{folder}: the folder cannot be read ({error.strerror}). Check its permissions.") from error
    kept = (path for path in files if not path.name.startswith(".") and path.name.lower() not in _JUNK)
    return sorted((path for path in kept if can_read(path)), key=natural_key)


def subfolder(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the subfolder that has one of these names, in upper or lower case; raise DataError if several have."""
    found = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.lower() in names)
    if len(found) > 1:
        names_found = " and ".join(path.name for path in found)
        raise DataError(f"{folder} has the folders {names_found}, and either may be the right one. Keep one of them there.")
    return found[0] if found else None


def group_by_stem(files: Iterable[Path], endings: Sequence[str] = ()) -> dict[str, Path]:
    """Return files by the name that pairs them; raise DataError if two share a name."""
    found: dict[str, Path] = {}
    for path in files:
        key = without_ending(stem(path), endings)
        if key in found:
            raise DataError(
                f"{found[key].parent}: {found[key].name} and {path.name} have the same name except for the ending. Keep "
                "one of them, or rename one."
            )
        found[key] = path
    return found


def split_by_ending(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Separate images from masks by their endings; flows, outlines and other results are neither.

    A file counts as mask or result only if the rest of its name is that of another file: ``my_mask`` alone is an image.
    """
    stems = {stem(path) for path in files}
    bases = stems | {without_ending(name, IMAGE_ENDINGS) for name in stems}
    images: list[Path] = []
    masks: list[Path] = []
    for path in files:
        name = stem(path)
        base = without_ending(name, MASK_ENDINGS)
        if base != name and base in bases:
            masks.append(path)
        elif without_ending(name, _RESULT_ENDINGS) == name or without_ending(name, _RESULT_ENDINGS) not in bases:
            images.append(path)
    return images, masks


def find_images(paths: Sequence[Path | str] | Path | str) -> list[Path]:
    """Find the images in files, folders and patterns; raise DataError if one of them yields no image.

    A folder yields its own images, or those in its folder ``images``, without masks and earlier results. Patterns (``*.tif``)
    are expanded here, because not every shell does it. The result lists each file once, in the order given, naturally sorted
    within a folder.
    """
    found: list[Path] = []
    for given in [paths] if isinstance(paths, Path | str) else paths:
        path = Path(given)
        if path.is_dir():
            images = list_images(path)
            if not images:
                raise DataError(f"{path} holds no image that can be read. Images may end in {', '.join(SUFFIXES)}.")
            found += images
        elif path.exists():
            found.append(path)
        else:
            matches = sorted((Path(match) for match in glob.glob(str(given), recursive=True)), key=natural_key)
            matches = [match for match in matches if match.is_file() and can_read(match)]
            if not matches:
                raise DataError(
                    f"{given}: there is no such file or folder, and as a pattern it matches no image. Check the name; "
                    "put patterns in quotes."
                )
            found += matches
    if not found:
        raise DataError("No image was given. Give files, folders or patterns such as '*.tif'.")
    return list(dict.fromkeys(found))


def list_images(folder: Path) -> list[Path]:
    """List the images of a folder, or of its folder ``images``, without masks and earlier results; may be empty."""
    images, _ = split_by_ending(readable_files(folder))
    inner = subfolder(folder, IMAGE_FOLDERS) if not images else None
    if inner is not None:
        images, _ = split_by_ending(readable_files(inner))
    return images
