"""Read a folder for the doctor. Each faulty file becomes a finding, and the readable files are examined anyway."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unseam.data.annotated import annotated_planes
from unseam.data.file_names import is_broken_link
from unseam.data.kinds import LayoutKind, MaskChoice, holds_instances
from unseam.data.layout import find_pairs
from unseam.data.left_out import LeftOut, find_left_out
from unseam.data.mask_colours import MaskColours
from unseam.data.pairs import Pair, PartnerError
from unseam.data.read_pair import read_pair
from unseam.doctor.finding import Finding, FindingKind, Place, Severity
from unseam.doctor.item import Item
from unseam.doctor.reading_notes import ReadingNotes
from unseam.errors import DataError, ImageReadError, LabelError
from unseam.io import ImageFile


@dataclass(frozen=True)
class FolderItems:
    """The readable images of a folder, one per plane of a stack, and findings on its files.

    ``num_files`` counts images with a mask, readable or not; ``classes`` and ``ignore`` are declared in the data set;
    ``kind`` is what masks in this layout always hold.
    """

    items: tuple[Item, ...]
    num_files: int
    layout: str
    classes: tuple[tuple[int, str], ...] = ()
    ignore: int | None = None
    kind: LayoutKind | None = None
    findings: tuple[Finding, ...] = ()


def read_items(folder: Path, *, masks: MaskChoice = "auto") -> FolderItems:
    """Read a folder of images and masks, in any layout that training knows; ``masks`` is what the user says that they hold."""
    findings: list[Finding] = []
    pairs: tuple[Pair, ...]
    try:
        found = find_pairs(folder)
        pairs, layout, classes, ignore, kind_of_all = found.pairs, found.layout, found.classes, found.ignore, found.kind
        findings += left_out_findings(found.left_out, folder)
    except PartnerError as error:
        pairs, layout, classes, ignore, kind_of_all = error.pairs, "some files have no partner", (), None, None
        findings.append(_alone(error, folder))
        used = [*(path for path, _ in error.alone), *(path for pair in pairs for path in (*pair.images, *pair.masks))]
        findings += left_out_findings(find_left_out(folder, used), folder)
    except DataError as error:
        return FolderItems((), 0, "", findings=(_no_data(folder, error),))
    items: list[Item] = []
    faults: dict[FindingKind, list[tuple[Place, str]]] = {}
    read: list[tuple[Pair, ImageFile, ImageFile]] = []
    colours = MaskColours(are_objects=holds_instances(masks, kind_of_all))
    notes = ReadingNotes()
    for pair in pairs:
        try:
            image, mask = read_pair(pair)
            colours.add(mask)
        except (ImageReadError, DataError) as error:
            kind, path = _fault(error, pair)
            message = str(error).replace(f"{folder}{os.sep}", "")
            faults.setdefault(kind, []).append((Place(_short(path, folder)), message))
            continue
        read.append((pair, image, mask))
    for pair, image, mask in read:
        settled = colours.settled(mask)
        planes = annotated_planes(pair, image, settled)
        image_file, mask_file = _short(pair.image, folder), _short(pair.mask, folder)
        notes.add(image.notes, Place(image_file))
        notes.add(settled.notes, Place(mask_file))
        items += [Item(annotated, image_file, mask_file, annotated.plane) for annotated in planes]
    findings += [*(_unusable(kind, found_at, len(pairs)) for kind, found_at in faults.items()), *notes.findings()]
    return FolderItems(tuple(items), len(pairs), layout, tuple(classes), ignore, kind_of_all, tuple(findings))


def _fault(error: ImageReadError | DataError, pair: Pair) -> tuple[FindingKind, Path]:
    """Return the kind of the fault, and its file."""
    if isinstance(error, ImageReadError):
        return "unreadable file", error.path
    if isinstance(error, LabelError):
        return "mask unreadable", Path(error.where) if error.where else pair.mask
    return "sizes differ", pair.image


def _alone(error: PartnerError, folder: Path) -> Finding:
    lacks = [f"{sum(lack == what for _, lack in error.alone)} without {what}" for what in ("mask", "image")]
    counts = " and ".join(words for words in lacks if not words.startswith("0"))
    return Finding(
        "no partner",
        "stops",
        f"{len(error.alone)} file(s) have no partner: {counts}",
        tuple(Place(_short(path, folder)) for path, _ in error.alone),
        "training refuses the folder, because a file may be missing or have another name",
        "give an image and its mask the same name (x.tif and x.png, or x_masks.tif), or move these files away."
        f"{error.hint.rstrip('.')}".rstrip("."),
    )


def left_out_findings(left_out: Sequence[LeftOut], folder: Path) -> list[Finding]:
    """Return a finding for each line on what looks like data in the folder and is not used.

    A link that leads nowhere is missing data; files of other formats may be there for another program.
    """
    found = []
    for one in left_out:
        severity: Severity = "hurts" if any(is_broken_link(path) for path in one.paths) else "note"
        places = tuple(Place(_short(path, folder)) for path in one.paths)
        found.append(Finding("left out", severity, one.what, places, "the other files only are used", one.mend))
    return found


def _no_data(folder: Path, error: DataError) -> Finding:
    return Finding(
        "no data",
        "stops",
        str(error).removeprefix(f"{folder}: ").rstrip("."),
        (Place(str(folder)),),
        "there is nothing to train on",
        "make the folders images and masks in it, with the same file names in both",
    )


_UNUSABLE: dict[FindingKind, tuple[str, str]] = {
    "unreadable file": ("cannot be read", "copy or export the file again, or move it away with its partner"),
    "mask unreadable": ("not a mask", "save masks as grey 8- or 16-bit TIFF or PNG, one number per pixel; never as JPEG"),
    "sizes differ": ("sizes differ", "export the mask at the size of its image; check that the two belong together"),
}


def _unusable(kind: FindingKind, found: list[tuple[Place, str]], num_pairs: int) -> Finding:
    what, mend = _UNUSABLE[kind]
    number = f", {len(found)} of {num_pairs} pairs" if num_pairs > 1 else ""
    message = f"{what}{number}: {found[0][1].rstrip('.')}"
    effect = "training refuses the folder; it leaves out no file silently"
    return Finding(kind, "stops", message, tuple(place for place, _ in found), effect, mend)


def _short(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
