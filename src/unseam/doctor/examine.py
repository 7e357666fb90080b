"""The examination, in order: files, grey values, masks, classes, objects, fit of masks and images, copies."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unseam.data.kinds import MaskChoice, choose_masks
from unseam.data.labels import LabelReading
from unseam.data.normalise import Normalise, Ranges
from unseam.doctor.alignment import check_alignment
from unseam.doctor.duplicates import check_duplicates, check_left_aside
from unseam.doctor.files import FolderItems, read_items
from unseam.doctor.finding import CheckReport, Finding, Place, by_severity
from unseam.doctor.grey_values import check_grey_values, check_stacks
from unseam.doctor.item import Item, Labelled, one_per_file
from unseam.doctor.masks import check_class_values, understand_masks
from unseam.doctor.object_findings import check_objects, count_objects
from unseam.doctor.outlines import check_outlines
from unseam.errors import DataError
from unseam.geometry import path_geometry

# px, of the paper's network; that of the default recipe needs 88 at half resolution and 44 at full resolution
CONTEXT = path_geometry(4, 4, 4).context
HELD_OUT = 0.2  # share that both recipes hold out


@dataclass(frozen=True)
class Checked:
    """The report on a folder, the readable images, and what their masks hold (None: unknown)."""

    report: CheckReport
    items: tuple[Item, ...] = ()
    reading: LabelReading | None = None


def check_folder(folder: Path, *, masks: MaskChoice = "auto", ignore: int | None = None, context: int = CONTEXT) -> Checked:
    """Examine a folder as training would, and further.

    Parameters
    ----------
    folder
        Images and masks, in any layout that training knows.
    masks, ignore
        What the masks hold and their value for "not annotated", if known.
    context
        Pixels that the network needs around its output.
    """
    read = read_items(folder, masks=masks)
    findings = list(read.findings)
    if not read.items:
        return Checked(CheckReport(f"{folder}: no annotated image could be read", findings=by_severity(findings)))
    ignored = ignore if ignore is not None else read.ignore
    understood = understand_masks(read.items, masks=choose_masks(masks, read.kind), ignore=ignored, declared=read.classes)
    findings += understood.findings
    findings += examine(read.items, understood.reading, context, HELD_OUT)
    findings += check_left_aside(folder, read.items)
    report = CheckReport(_describe(folder, read), understood.words, by_severity(findings))
    return Checked(report, read.items, understood.reading)


def examine(items: Sequence[Item], reading: LabelReading | None, context: int, fraction: float) -> list[Finding]:
    """Examine readable images and masks (at least one; only the images if ``reading`` is None).

    ``context`` are the pixels that the network needs around its output, ``fraction`` is the share that training holds out.
    """
    found = check_grey_values(one_per_file(items), context) + check_stacks(_stacks(items))
    labelled: list[Labelled] = []
    if reading is not None:
        labelled = [Labelled(item, item.classes(reading)) for item in items]
        found += check_class_values(labelled, reading)
        if reading.has_cells:
            outlines = check_outlines(labelled)  # the sizes of outlines mean nothing
            found += outlines or check_objects([count_objects(one, reading) for one in labelled], reading, context)
        found += check_alignment(labelled, is_binary=reading.has_pieces, has_objects=reading.has_cells)
    return found + check_duplicates(items, labelled, reading, fraction)


def _stacks(items: Sequence[Item]) -> list[tuple[Place, list[Ranges]]]:
    planes: dict[str, list[Item]] = {}
    for item in items:
        if item.is_plane:
            planes.setdefault(item.image_file, []).append(item)
    found = []
    for name, stack in planes.items():
        with suppress(DataError):  # training refuses pixels that are not finite, and names them
            found.append((Place(name), Normalise().ranges_of([one.image for one in stack])))
    return found


def _describe(folder: Path, read: FolderItems) -> str:
    items, num_files = read.items, read.num_files
    sizes = sorted({item.image.shape[:2] for item in items})
    size = f"{sizes[0][0]} x {sizes[0][1]} px"
    if len(sizes) > 1:
        size += f" to {sizes[-1][0]} x {sizes[-1][1]} px"
    planes = f", {len(items)} planes" if len(items) != num_files and any(item.is_plane for item in items) else ""
    kinds = " and ".join(sorted({item.grey.type_name for item in items}))
    channels = " or ".join(str(number) for number in sorted({item.grey.channels for item in items}))
    return (
        f"{folder}: {num_files} annotated image(s){planes} ({read.layout}), {size}, {kinds}, {channels} channel(s). Checked: "
        "files, grey values, masks, objects, fit of masks and images, copies."
    )
