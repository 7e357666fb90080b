"""What looks like data and is not used: counted in one line, with the way to use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.file_names import (
    IMAGE_FOLDERS,
    MASK_FOLDERS,
    OTHER_FOLDERS,
    is_broken_link,
    normal_form,
    readable_files,
    subfolders,
    visible_files,
)
from unseam.data.unread_kinds import STORES, UnreadKind, kind_of_unread
from unseam.io import can_read

_MOST_NAMES = 3


@dataclass(frozen=True)
class LeftOut:
    """Files or folders that look like data and are not used: a phrase that counts and names them, and how to use them."""

    what: str
    mend: str
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.what}; to use them, {self.mend}"

    @property
    def sentence(self) -> str:
        """The same as a sentence, with a space before it."""
        return f" {self.what[0].upper()}{self.what[1:]}; to use them, {self.mend}."


def find_left_out(folder: Path, used: Sequence[Path], *, images_only: bool = False) -> tuple[LeftOut, ...]:
    """Find what looks like data and is not used in a folder, and next to its files that are used.

    Parameters
    ----------
    folder
        The folder that the user gave. What lies in it beside the folders of images and masks counts only if it surely is data.
    used
        The files that are read, all of them in the folder or below it.
    images_only
        Whether only images are wanted: outlines, and folders of other annotated images, are then of no use.
    """
    read = set(used)
    places = list(dict.fromkeys(path.parent for path in used)) or [folder]
    unread = [one for place in places for one in _unread(place)]
    if folder not in places:
        unread += [(path, kind) for path, kind in _unread(folder) if kind.is_everywhere]
    wanted = [(path, kind) for path, kind in unread if path not in read and (kind.is_image or not images_only)]
    inner = [one for place in places for one in subfolders(place) if place != folder or one.name.lower() in IMAGE_FOLDERS]
    inner = [one for one in inner if one not in places and readable_files(one)]
    beside = [] if images_only else _annotated_beside(folder, used)
    return (
        *_describe_unread(wanted, folder),
        *_describe_folders("not read", "folder(s) with images inside a folder of images", inner, folder, _MOVE),
        *_describe_folders("not used", "folder(s) with images and masks of their own", beside, folder, _GIVE),
    )


_MOVE = "move their files up into the folder around them"
_GIVE = "give one of them in place of the folder around it"


def advice_on_unread(folder: Path) -> str:
    """Return a sentence, with a space before it, on files of a folder that look like data and cannot be read; or nothing."""
    return "".join(one.sentence for one in _describe_unread(_unread(folder), folder))


def advice_on_empty(folder: Path) -> str:
    """Return such a sentence for a folder without files that can be read: what is in it, and in folders in it; or nothing."""
    inner = [one for one in subfolders(folder) if readable_files(one)]
    found = _describe_folders("not read", "folder(s) with images inside this folder", inner, folder, _MOVE)
    return advice_on_unread(folder) + "".join(one.sentence for one in found)


def advice_on_partner(folder: Path, name: str) -> str:
    """Return such a sentence on the files that would be called ``name`` in the folder if they could be read, or nothing."""
    partners = [(path, kind) for path, kind in _unread(folder) if _starts_with(path, name)]
    return "".join(one.sentence for one in _describe_unread(partners, folder))


def _starts_with(path: Path, name: str) -> bool:
    """Return whether a name is ``name`` and more: for ``x``, ``x.czi`` and ``x_rois.zip``, but not ``x2.czi``."""
    own, name = normal_form(path.name).casefold(), name.casefold()
    return own.startswith(name) and not own[len(name) : len(name) + 1].isalnum()


def _unread(folder: Path) -> list[tuple[Path, UnreadKind]]:
    files = [path for path in visible_files(folder) if not can_read(path) or is_broken_link(path)]
    paths = [*files, *(path for path in subfolders(folder) if path.name.lower().endswith(STORES))]
    return [(path, kind) for path in paths if (kind := kind_of_unread(path)) is not None]


def _describe_unread(unread: Sequence[tuple[Path, UnreadKind]], folder: Path) -> tuple[LeftOut, ...]:
    """Return one line for all of them, or none."""
    of_kind: dict[tuple[str, str], list[Path]] = {}
    for path, kind in unread:
        of_kind.setdefault((kind.what, kind.mend), []).append(path)
    if not of_kind:
        return ()
    words = " and ".join(_named(what, paths, folder) for (what, _), paths in of_kind.items())
    mend = "; ".join(dict.fromkeys(mend for _, mend in of_kind))
    return (LeftOut(f"not read: {words}", mend, tuple(path for path, _ in unread)),)


def _describe_folders(how: str, what: str, folders: Sequence[Path], around: Path, mend: str) -> tuple[LeftOut, ...]:
    return (LeftOut(f"{how}: {_named(what, folders, around)}", mend, tuple(folders)),) if folders else ()


def _named(what: str, paths: Sequence[Path], folder: Path) -> str:
    names = ", ".join(path.relative_to(folder).as_posix() for path in paths[:_MOST_NAMES])
    return f"{len(paths)} {what} ({names}{', ...' if len(paths) > _MOST_NAMES else ''})"


def _annotated_beside(folder: Path, used: Sequence[Path]) -> list[Path]:
    """Return the folders with images and masks of their own from which nothing is used."""
    firsts = {path.relative_to(folder).parts[0] for path in used}
    others = [one for one in subfolders(folder) if one.name not in firsts and one.name.lower() not in OTHER_FOLDERS]
    return [one for one in others if holds_images_and_masks(one)]


def holds_images_and_masks(folder: Path) -> bool:
    """Return whether a folder holds a folder of images and one of masks, both with files that can be read."""
    inside = [one for one in subfolders(folder) if one.name.lower() in (*IMAGE_FOLDERS, *MASK_FOLDERS) and readable_files(one)]
    return all(any(one.name.lower() in names for one in inside) for names in (IMAGE_FOLDERS, MASK_FOLDERS))
