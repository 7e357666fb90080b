"""Folder layouts of well-known challenges: nnU-Net, the Cell Tracking Challenge, the Data Science Bowl."""

import json
import re
from pathlib import Path

from unseam.data.file_names import (
    OTHER_FOLDERS,
    TRAINING_FOLDERS,
    group_by_stem,
    name_key,
    normal_form,
    readable_files,
    stem,
    subfolder,
    subfolders,
    visible_files,
)
from unseam.data.kinds import LayoutKind
from unseam.data.left_out import advice_on_unread
from unseam.data.pairs import FolderPairs, Pair, check_not_empty, check_partners
from unseam.errors import DataError


def find_nnunet(folder: Path) -> FolderPairs | None:
    """Find ``imagesTr/case_0000.png`` and ``labelsTr/case.png``; the channels of a case form one image."""
    images, masks = subfolder(folder, ("imagestr",)), subfolder(folder, ("labelstr",))
    if images is None or masks is None:
        return None
    cases: dict[str, list[Path]] = {}
    for path in check_not_empty(images):
        case = re.fullmatch(r"(.+)_\d{4}", name_key(path))
        if case is None:
            raise DataError(
                f"{path}: in imagesTr a name must end in the channel, as in case_0000{path.suffix}. Rename the file, or "
                "rename the folders to images and masks."
            )
        cases.setdefault(case.group(1), []).append(path)
    labels = group_by_stem(check_not_empty(masks))
    check_partners(cases, labels, images, masks)
    most = max(len(channels) for channels in cases.values())
    for case_name, channels in cases.items():
        group_by_stem(channels)
        if len(channels) != most:
            raise DataError(
                f"{images}: {case_name} has {len(channels)} channel file(s), other cases have {most}. All cases need the same "
                "channels: add the missing files, or take this case out."
            )
    classes, ignore = _declared(folder / "dataset.json")
    pairs = tuple(Pair(name, tuple(channels), (labels[name],)) for name, channels in cases.items())
    return FolderPairs(folder, pairs, "nnU-Net's imagesTr and labelsTr", classes, ignore)


def _declared(path: Path) -> tuple[tuple[tuple[int, str], ...], int | None]:
    """Read classes and ignore value from nnU-Net's data set file (``{name: value}``, formerly ``{value: name}``)."""
    if not path.is_file():
        return (), None
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        pairs = [(key, value) if str(value).isdecimal() else (value, key) for key, value in labels.items()]
        named = sorted((int(value), str(name)) for name, value in pairs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: the labels are not readable ({type(error).__name__}: {error}). They should read "
            '{"labels": {"background": 0, "cell": 1}}. Correct or remove the file.'
        ) from error
    ignore = next((value for value, name in named if name == "ignore"), None)
    return tuple((value, name) for value, name in named if name != "ignore"), ignore


def find_cell_tracking(folder: Path) -> FolderPairs | None:
    """Find ``01/t000.tif`` and ``01_GT/SEG/man_seg000.tif``; skip frames without annotation.

    Where ``01_GT/TRA/man_track000.tif`` marks all cells, cells without a mask do not count as background.
    """
    pairs: list[Pair] = []
    num_frames = 0
    kinds: set[str] = set()
    for sequence in sorted(path for path in subfolders(folder) if path.name.isdecimal()):
        found = [(kind, folder / f"{sequence.name}_{kind}" / "SEG") for kind in ("GT", "ST")]
        kind, truth = next(((kind, path) for kind, path in found if path.is_dir()), ("", folder))
        if not kind:
            continue
        frames = _by_frame(sequence)
        markers = _by_frame(folder / f"{sequence.name}_GT" / "TRA")
        num_frames += len(frames)
        kinds.add(kind)
        for path in readable_files(truth):
            check_no_plane(path)
            number = _frame(path)
            if number is None or number not in frames:
                raise DataError(f"{path}: no image of {sequence} has this frame number. Add it, or remove the mask.")
            name = f"{sequence.name}/{stem(frames[number])}"
            pairs.append(Pair(name, (frames[number],), (path,), sequence.name, markers.get(number)))
    if not pairs:
        return None
    notes = (f"{len(pairs)} of {num_frames} frames are annotated",) if len(pairs) < num_frames else ()
    layout = f"Cell Tracking Challenge, {' and '.join(sorted(kinds))}/SEG"
    return FolderPairs(folder, tuple(pairs), layout, notes=notes, is_partial=True, kind=LayoutKind("instances", layout))


def check_no_plane(path: Path) -> None:
    """Raise DataError for a file such as ``man_seg_000_005.tif``, which annotates only plane 5 of the volume of frame 0."""
    if match := re.fullmatch(r"man_seg_(\d+)_(\d+)", stem(path)):
        frame, plane = int(match[1]), int(match[2])
        raise DataError(
            f"{path} annotates one plane ({plane}) of a three-dimensional frame ({frame}). Only annotations of whole frames "
            f"(man_seg{frame:03d}.tif) can be read. Save each annotated plane as a separate image in a folder images, and "
            "its mask, with the same name, in a folder masks."
        )


def _by_frame(folder: Path) -> dict[int, Path]:
    files = readable_files(folder) if folder.is_dir() else []
    return {number: path for path in files if (number := _frame(path)) is not None}


def _frame(path: Path) -> int | None:
    numbers = re.findall(r"\d+", stem(path))
    return int(numbers[0]) if len(numbers) == 1 else None


def find_one_file_per_object(folder: Path) -> FolderPairs | None:
    """Find ``id/images/id.png`` and ``id/masks/*.png``."""
    pairs: list[Pair] = []
    samples = [path for path in subfolders(folder) if (path / "images").is_dir() and (path / "masks").is_dir()]
    for sample in [path for path in samples if visible_files(path / "images") or visible_files(path / "masks")]:
        images, masks = readable_files(sample / "images"), readable_files(sample / "masks")
        if len(images) > 1 or sample.name.lower() in (*TRAINING_FOLDERS, *OTHER_FOLDERS):
            return None  # a data set split into train and test, each with the two folders
        if not images or not masks:
            raise DataError(
                f"{sample} holds {len(images)} image(s) and {len(masks)} mask(s). In this layout each sample has one image "
                "and one mask per object. Complete it or take it out."
                f"{advice_on_unread(sample / 'images')}{advice_on_unread(sample / 'masks')}"
            )
        pairs.append(Pair(normal_form(sample.name), tuple(images), tuple(masks)))
    if not pairs or (len(pairs) == 1 and len(pairs[0].masks) == 1):
        return None
    layout = "one folder per image, one mask file per object"
    kind = LayoutKind("instances", layout) if any(len(pair.masks) > 1 for pair in pairs) else None  # else whole maps
    return FolderPairs(folder, tuple(pairs), layout, kind=kind)
