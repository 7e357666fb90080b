"""How people name images, masks and the folders that hold them."""

import glob
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
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
OTHER_FOLDERS = ("val", "valid", "validation", "test", "testing", "held-out", "held_out", "heldout", "holdout")
_RESULT_ENDINGS = ("_flows", "_outlines", "_cp_output", "_prob", "_overlay", "_seg")  # neither image nor mask
_JUNK = (
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found", "system volume information", "$recycle.bin"),
    *("__macosx", "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "__pycache__"),
)


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


def name_key(path: Path) -> str:
    """Return the :func:`stem` in the form in which names are compared (:func:`normal_form`).

    macOS may store a letter with an accent as two characters (NFD) and other systems as one; both look the same.

    >>> name_key(Path("u\\u0308ber.tif")) == name_key(Path("\\u00fcber.png"))
    True
    """
    return normal_form(stem(path))


def normal_form(name: str) -> str:
    """Return a name in Unicode NFC, one micro sign and one kind of space, without invisible signs.

    >>> normal_form("10\u00b5M\u202fa\u200b") == normal_form("10\u03bcM a")
    True
    """
    letters = (
        (letter, unicodedata.category(letter)) for letter in unicodedata.normalize("NFC", name.replace("\u00b5", "\u03bc"))
    )
    return "".join(" " if kind == "Zs" else letter for letter, kind in letters if kind != "Cf")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name belongs to a system, a backup or an open program, and holds no data.

    ``.x.tif.icloud`` stands for data that is not downloaded, and is not hidden here.

    >>> [is_hidden(name) for name in (".x.tif", "~$x.tif", "__MACOSX", "@eaDir", "Thumbs.db", "x.tif")]
    [True, True, True, True, True, False]
    """
    return (name.startswith((".", "~$")) and not name.endswith(".icloud")) or name.lower() in _JUNK


def is_broken_link(path: Path) -> bool:
    """Return whether a link leads nowhere: its disk is not mounted, or its content is not fetched (git-annex, DVC)."""
    return path.is_symlink() and not path.exists()


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


def visible_files(folder: Path) -> list[Path]:
    """List the files and broken links of a folder in natural order, without hidden ones; DataError if it cannot be read."""
    return _visible(folder, lambda path: path.is_file() or is_broken_link(path))


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder in natural order, without hidden ones; DataError if it cannot be read."""
    return _visible(folder, Path.is_dir)


def _visible(folder: Path, is_wanted: Callable[[Path], bool]) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not is_hidden(path.name) and is_wanted(path)]
    except OSError as error:
        raise DataError(f"{folder}: the folder cannot be read ({error.strerror}). Check its permissions.") from error
    return sorted(found, key=natural_key)


def readable_files(folder: Path, *, with_broken_links: bool = False) -> list[Path]:
    """List the visible files of a folder whose names say that they can be read, in natural order."""
    files = (path for path in visible_files(folder) if can_read(path))
    return [path for path in files if with_broken_links or not is_broken_link(path)]


def subfolder(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the subfolder that has one of these names, in upper or lower case; raise DataError if several have.

    Raises DataError also if the only such name is that of a link that leads nowhere.
    """
    found = [path for path in subfolders(folder) if path.name.lower() in names]
    if len(found) > 1:
        names_found = " and ".join(sorted(path.name for path in found))
        raise DataError(f"{folder} has the folders {names_found}, and either may be the right one. Keep one of them there.")
    if not found and (broken := [path for path in folder.iterdir() if path.name.lower() in names and is_broken_link(path)]):
        raise DataError(f"{broken[0]} is a link that leads nowhere. Mount its disk, or replace the link by the folder.")
    return found[0] if found else None


def group_by_stem(
    files: Iterable[Path], endings: Sequence[str] = (), key_of: Callable[[Path], str] = name_key
) -> dict[str, Path]:
    """Return files by the name that pairs them; raise DataError if two share a name."""
    found: dict[str, Path] = {}
    for path in files:
        key = without_ending(key_of(path), endings)
        if key in found:
            looks_same = normal_form(found[key].name) == normal_form(path.name)
            how = (
                "the same name, with letters or spaces stored in two ways (Unicode)"
                if looks_same
                else "the same name except for the ending"
            )
            raise DataError(
                f"{found[key].parent}: {found[key].name} and {path.name} have {how}. Keep one of them, or rename one."
            )
        found[key] = path
    return found


def split_by_ending(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Separate images from masks by their endings; flows, outlines and other results are neither.

    A file counts as mask or result only if the rest of its name is that of another file: ``my_mask`` alone is an image.
    """
    stems = {name_key(path) for path in files}
    bases = stems | {without_ending(name, IMAGE_ENDINGS) for name in stems}
    images: list[Path] = []
    masks: list[Path] = []
    for path in files:
        name = name_key(path)
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
        if os.path.isdir(path):
            images = list_images(path)
            if not images:
                raise DataError(f"{path} holds no image that can be read. Images may end in {', '.join(SUFFIXES)}.")
            found += images
        elif os.path.lexists(path):  # a link that leads nowhere fails alone when it is read
            found.append(path)
        else:
            matches = sorted((Path(match) for match in glob.glob(str(given), recursive=True)), key=natural_key)
            matches = [match for match in matches if can_read(match) and not match.is_dir() and not _is_set_aside(match, path)]
            if not matches:
                raise DataError(
                    f"{given}: there is no such file or folder, and as a pattern it matches no image. Check the name; "
                    "put patterns in quotes."
                )
            found += matches
    if not found:
        raise DataError("No image was given. Give files, folders or patterns such as '*.tif'.")
    return list(dict.fromkeys(found))


def _is_set_aside(match: Path, pattern: Path) -> bool:
    """Return whether a match lies in a hidden file or folder that the pattern does not name."""
    return any(is_hidden(part) for part in match.parts if part not in pattern.parts and part not in ("..", "."))


def list_images(folder: Path) -> list[Path]:
    """List the images of a folder, or of its folder ``images``, without masks and earlier results; may be empty.

    A link that leads nowhere is an image that cannot be read: an error for itself, as a damaged file is, and never silent.
    """
    images, _ = split_by_ending(readable_files(folder, with_broken_links=True))
    inner = subfolder(folder, IMAGE_FOLDERS) if not images else None
    if inner is not None:
        images, _ = split_by_ending(readable_files(inner, with_broken_links=True))
    return images
