"""``annotate.toml``: what the masks of a folder hold, said by the program in which they were painted.

::

    images = "images"            # or ".": the images lie in the folder itself
    kind = "classes"             # or "objects"
    not_annotated = 255          # -1 for objects

    [[classes]]
    value = 0
    name = "background"
    colour = "#56b4e9"

Nothing is guessed where this file stands. A mask may hold some of the classes only, and an image may have no mask.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tomli_w

from unseam.data.file_names import (
    IMAGE_FOLDERS,
    MASK_FOLDERS,
    group_by_stem,
    list_images,
    normal_form,
    readable_files,
    subfolder,
    subfolders,
)
from unseam.data.kinds import LayoutKind
from unseam.data.left_out import LeftOut, find_left_out
from unseam.data.pairs import FolderPairs, Pair, check_partners
from unseam.errors import DataError, SettingsError
from unseam.io import write_text_whole
from unseam.settings import decode, encode
from unseam.shapes import IGNORE, NOT_ANNOTATED

DECLARATION_NAME = "annotate.toml"

DeclaredKind = Literal["classes", "objects"]

_HEAD = """\
# What the masks of this folder hold. unseam annotate wrote it; unseam check, train and evaluate read it.
# A pixel with the value not_annotated was not annotated: nothing is learnt from it.

"""
STORE = ".zarr"
_COLOUR = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True)
class DeclaredClass:
    """A value of the masks, its name, and its colour on the screen (``#rrggbb``)."""

    value: int
    name: str
    colour: str

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 60 or not self.name.isprintable():
            raise SettingsError(
                f"The name of class {self.value} is {self.name[:80]!r}: it must have 1 to 60 printable characters."
            )
        if not _COLOUR.fullmatch(self.colour):
            raise SettingsError(f"The colour of class {self.value} is {self.colour[:20]!r}: write it as #rrggbb, like #0072b2.")


@dataclass(frozen=True)
class Declaration:
    """What the masks of a folder hold.

    Raises
    ------
    SettingsError
        If the classes do not count up from 0, two have one name, or they do not fit the kind.
    """

    kind: DeclaredKind
    not_annotated: int
    classes: tuple[DeclaredClass, ...]
    images: str = "images"  # folder of the images, in the folder; "." if they lie in the folder itself
    left_out: tuple[str, ...] = field(default=())  # names of images that are not learnt from

    def __post_init__(self) -> None:
        values, names = [one.value for one in self.classes], [one.name.casefold() for one in self.classes]
        if values != list(range(len(values))) or not 2 <= len(values) <= IGNORE:
            raise SettingsError(
                f"The classes have the values {values[:20]}: they must count up from 0 (background) to at least 1, at most 254."
            )
        if len(set(names)) < len(names):
            raise SettingsError("Two classes have the same name. Rename one.")
        if self.kind == "objects" and len(values) != 2:
            raise SettingsError(f"There are {len(values)} classes; where each object gets its own number there are two.")
        if self.not_annotated != none_of(self.kind):
            raise SettingsError(
                f"not_annotated = {self.not_annotated}: for {self.kind} it is {none_of(self.kind)}. Set it to that."
            )
        if self.images != "." and self.images.lower() not in IMAGE_FOLDERS:
            raise SettingsError(f"images = {self.images!r}: it may be '.', or one of {', '.join(IMAGE_FOLDERS)}.")


def declares_objects(kind: DeclaredKind) -> bool:
    """Whether each number of the masks is one object."""
    return kind == "objects"


def none_of(kind: DeclaredKind) -> int:
    """Return the value of a pixel that nobody annotated."""
    return NOT_ANNOTATED if declares_objects(kind) else IGNORE


def read_declaration(folder: Path) -> Declaration | None:
    """Read ``annotate.toml``; None if the folder has none.

    Raises
    ------
    DataError
        If it cannot be read, or says something impossible.
    """
    path = folder / DECLARATION_NAME
    if not path.is_file():
        return None
    try:
        return decode(Declaration, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:  # a SettingsError is a ValueError
        raise DataError(f"{path} cannot be used: {error} Correct it, or let unseam annotate write it anew.") from error


def write_declaration(folder: Path, declaration: Declaration) -> None:
    """Write ``annotate.toml``. Raises OutputError if that fails; then the old one stands."""
    table: Mapping[str, object] = encode(declaration)
    write_text_whole(folder / DECLARATION_NAME, _HEAD + tomli_w.dumps(table))


def declared_images(folder: Path, images: str) -> dict[str, Path]:
    """Return the images of a folder that is being annotated, by the name that pairs them with masks.

    Raises DataError if two images have the same name.
    """
    inner = folder if images == "." else folder / images
    if images == ".":
        return group_by_stem(list_images(inner))
    found = group_by_stem(readable_files(inner, with_broken_links=True))
    for store in stores_in(inner):
        found.setdefault(normal_form(store.name).removesuffix(STORE).removesuffix(".ome"), store)
    return found


def stores_in(folder: Path) -> list[Path]:
    """Return the Zarr stores in a folder."""
    return [path for path in subfolders(folder) if path.name.endswith(STORE)]


def find_declared(folder: Path) -> FolderPairs | None:
    """Find the images and masks of a folder with ``annotate.toml``; an image without a mask is left aside.

    Raises
    ------
    DataError
        If no image has a mask yet, or a mask has no image.
    """
    declaration = read_declaration(folder)
    if declaration is None:
        return None
    image_of = declared_images(folder, declaration.images)
    masks = subfolder(folder, MASK_FOLDERS)
    mask_of = group_by_stem(readable_files(masks)) if masks is not None else {}
    left_out = image_of.keys() & set(declaration.left_out)
    mask_of = {name: path for name, path in mask_of.items() if name not in left_out}
    stores = [name for name, path in image_of.items() if path.name.endswith(STORE) and name in mask_of]
    used = {name: path for name, path in image_of.items() if name in mask_of and name not in stores}
    if not used:
        raise DataError(
            f"{folder}: none of its {len(image_of)} image(s) is annotated yet. Paint in some of them: unseam annotate {folder}"
        )
    assert masks is not None
    check_partners(
        used, {name: path for name, path in mask_of.items() if name not in stores}, folder / declaration.images, masks
    )
    pairs = tuple(Pair(name, (path,), (mask_of[name],)) for name, path in used.items())
    aside = (
        ([name for name in image_of if name not in mask_of and name not in left_out], "have no mask yet", "annotate them"),
        (left_out, "were left out while annotating", "take them back there"),
        (stores, "are Zarr stores, which training does not read", "save a part of each as TIFF"),
    )
    left = [
        LeftOut(
            f"left aside: {len(names)} of {len(image_of)} image(s), which {why}", mend, tuple(image_of[name] for name in names)
        )
        for names, why, mend in aside
        if names
    ]
    layout = f"painted with unseam annotate, {DECLARATION_NAME}"
    is_objects = declaration.kind == "objects"
    return FolderPairs(
        folder,
        pairs,
        layout,
        classes=() if is_objects else tuple((one.value, one.name) for one in declaration.classes),
        ignore=None if is_objects else declaration.not_annotated,
        left_out=(*left, *find_left_out(folder, [*image_of.values(), *mask_of.values()])),
        is_partial=True,
        kind=LayoutKind("instances", layout) if is_objects else None,
    )
