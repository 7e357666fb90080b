"""Files and pairs: every fault of a file becomes a finding, and what can be read is examined all the same."""

import os
from dataclasses import dataclass
from pathlib import Path

from unseam.data.annotated import annotated_planes
from unseam.data.layout import find_pairs
from unseam.data.pairs import Pair, PartnerError
from unseam.data.read_pair import read_pair
from unseam.doctor.finding import Finding, FindingKind, Place
from unseam.doctor.item import Item
from unseam.errors import DataError, ImageReadError, LabelError


@dataclass(frozen=True)
class FolderItems:
    """What could be read of a folder, and what could not.

    Attributes
    ----------
    items
        Annotated images; one for each plane of a stack.
    num_files
        Images with a mask, readable or not.
    layout
        In words.
    classes, ignore
        What a file of the data set declares of its masks.
    findings
        On files.
    """

    items: tuple[Item, ...]
    num_files: int
    layout: str
    classes: tuple[tuple[int, str], ...] = ()
    ignore: int | None = None
    findings: tuple[Finding, ...] = ()


def read_items(folder: Path) -> FolderItems:
    """Read a folder of images and masks, in any layout that training knows."""
    findings: list[Finding] = []
    pairs: tuple[Pair, ...]
    try:
        found = find_pairs(folder)
        pairs, layout, classes, ignore = found.pairs, found.layout, tuple(found.classes), found.ignore
    except PartnerError as error:
        pairs, layout, classes, ignore = error.pairs, "some files are alone", (), None
        findings.append(_alone(error, folder))
    except DataError as error:
        return FolderItems((), 0, "", findings=(_no_data(folder, error),))
    items: list[Item] = []
    faults: dict[FindingKind, list[tuple[Place, str]]] = {}
    for pair in pairs:
        try:
            image, mask = read_pair(pair)
        except (ImageReadError, DataError) as error:
            kind, path = _fault(error, pair)
            said = str(error).replace(f"{folder}{os.sep}", "")
            faults.setdefault(kind, []).append((Place(_short(path, folder)), said))
            continue
        planes = annotated_planes(pair, image, mask)
        image_file, mask_file = _short(pair.image, folder), _short(pair.mask, folder)
        items += [Item(annotated, image_file, mask_file, annotated.plane) for annotated in planes]
    findings += [_unusable(kind, found_at, len(pairs)) for kind, found_at in faults.items()]
    return FolderItems(tuple(items), len(pairs), layout, classes, ignore, tuple(findings))


def _fault(error: ImageReadError | DataError, pair: Pair) -> tuple[FindingKind, Path]:
    """Kind of the fault, and its file."""
    if isinstance(error, ImageReadError):
        return "unreadable file", error.path
    if isinstance(error, LabelError):
        return "mask unreadable", Path(error.where) if error.where else pair.mask
    return "sizes differ", pair.image


def _alone(error: PartnerError, folder: Path) -> Finding:
    lacks = [f"{sum(lack == what for _, lack in error.alone)} without {what}" for what in ("mask", "image")]
    said = " and ".join(words for words in lacks if not words.startswith("0"))
    return Finding(
        "no partner",
        "stops",
        f"{len(error.alone)} file(s) are alone: {said}",
        tuple(Place(_short(path, folder)) for path, _ in error.alone),
        "training refuses the folder, for it cannot tell whether a file is missing or has another name",
        "give an image and its mask the same name (x.tif and x.png, or x_masks.tif), or move these files away",
    )


def _no_data(folder: Path, error: DataError) -> Finding:
    said = str(error).removeprefix(f"{folder}: ")
    return Finding(
        "no data",
        "stops",
        said.rstrip("."),
        (Place(str(folder)),),
        "there is nothing to train on",
        "make the folders images and masks in it, with the same names in both",
    )


_UNUSABLE: dict[FindingKind, tuple[str, str]] = {
    "unreadable file": ("cannot be read", "copy or export the file again, or move it away with its partner"),
    "mask unreadable": ("no label map", "save masks as grey 8- or 16-bit TIFF or PNG, one number a pixel; never as JPEG"),
    "sizes differ": (
        "image and mask do not fit",
        "export the mask at the size of its image; check that the two belong together",
    ),
}


def _unusable(kind: FindingKind, found: list[tuple[Place, str]], num_pairs: int) -> Finding:
    what, mend = _UNUSABLE[kind]
    _, said = found[0]
    number = f"{what}, {len(found)} of {num_pairs} pairs: " if num_pairs > 1 else f"{what}: "
    message = said.rstrip(".")
    return Finding(
        kind,
        "stops",
        number + message,
        tuple(place for place, _ in found),
        "training refuses the folder; nothing is left out in silence",
        mend,
    )


def _short(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
