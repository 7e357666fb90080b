"""Layouts that challenges made known: nnU-Net's, the Cell Tracking Challenge's, the Data Science Bowl's."""

import json
import re
from pathlib import Path

from unseam.data.file_names import OTHER_FOLDERS, TRAINING_FOLDERS, group_by_stem, natural_key, readable_files, stem, subfolder
from unseam.data.pairs import FolderPairs, Pair, check_not_empty, check_partners
from unseam.errors import DataError


def find_nnunet(folder: Path) -> FolderPairs | None:
    """``imagesTr/case_0000.png`` and ``labelsTr/case.png``; several channels of a case are one image."""
    images, masks = subfolder(folder, ("imagestr",)), subfolder(folder, ("labelstr",))
    if images is None or masks is None:
        return None
    cases: dict[str, list[Path]] = {}
    for path in check_not_empty(images):
        case = re.fullmatch(r"(.+)_\d{4}", stem(path))
        if case is None:
            raise DataError(
                f"{path}: in imagesTr a name ends in its channel, as in case_0000{path.suffix}. Rename it, or rename "
                "the folders to images and masks."
            )
        cases.setdefault(case.group(1), []).append(path)
    labels = group_by_stem(check_not_empty(masks))
    check_partners(cases, labels, images, masks)
    most = max(len(channels) for channels in cases.values())
    for case_name, channels in cases.items():
        group_by_stem(channels)
        if len(channels) != most:
            raise DataError(
                f"{images}: {case_name} has {len(channels)} channel file(s), others have {most}. All must have the same."
            )
    classes, ignore = _declared(folder / "dataset.json")
    pairs = tuple(Pair(name, tuple(channels), (labels[name],)) for name, channels in cases.items())
    return FolderPairs(folder, pairs, "nnU-Net's imagesTr and labelsTr", classes, ignore)


def _declared(path: Path) -> tuple[tuple[tuple[int, str], ...], int | None]:
    """Classes and the ignore value from nnU-Net's description of a data set, newer or older kind."""
    if not path.is_file():
        return (), None
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        pairs = [(key, value) if str(value).isdecimal() else (value, key) for key, value in labels.items()]
        named = sorted((int(value), str(name)) for name, value in pairs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: its labels cannot be understood ({type(error).__name__}: {error}). They may read "
            '{"labels": {"background": 0, "cell": 1}}; mend or remove the file.'
        ) from error
    ignore = next((value for value, name in named if name == "ignore"), None)
    return tuple((value, name) for value, name in named if name != "ignore"), ignore


def find_cell_tracking(folder: Path) -> FolderPairs | None:
    """``01/t000.tif`` and ``01_GT/SEG/man_seg000.tif``; frames without annotation are left out.

    Where ``01_GT/TRA/man_track000.tif`` marks all cells, those without a mask are not taken for background.
    """
    pairs: list[Pair] = []
    num_frames = 0
    kinds: set[str] = set()
    for sequence in sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()):
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
    return FolderPairs(folder, tuple(pairs), layout, notes=notes, is_partial=True)


def check_no_plane(path: Path) -> None:
    """See that an annotation of the Cell Tracking Challenge is of a whole frame, not of one plane of a volume.

    Raises
    ------
    DataError
        For ``man_seg_000_005.tif``, plane 5 of frame 0.
    """
    if match := re.fullmatch(r"man_seg_(\d+)_(\d+)", stem(path)):
        frame, plane = int(match[1]), int(match[2])
        raise DataError(
            f"{path} is of one plane ({plane}) of a three-dimensional frame ({frame}); annotations of whole frames "
            f"(man_seg{frame:03d}.tif) are read. Save the annotated planes as images of their own, into a folder images, and "
            "their masks, with the same names, into a folder masks."
        )


def _by_frame(folder: Path) -> dict[int, Path]:
    files = readable_files(folder) if folder.is_dir() else []
    return {number: path for path in files if (number := _frame(path)) is not None}


def _frame(path: Path) -> int | None:
    numbers = re.findall(r"\d+", stem(path))
    return int(numbers[0]) if len(numbers) == 1 else None


def find_one_file_per_object(folder: Path) -> FolderPairs | None:
    """``id/images/id.png`` and ``id/masks/*.png``."""
    pairs: list[Pair] = []
    folders = sorted((path for path in folder.iterdir() if path.is_dir()), key=natural_key)
    for sample in [path for path in folders if (path / "images").is_dir() and (path / "masks").is_dir()]:
        images, masks = readable_files(sample / "images"), readable_files(sample / "masks")
        if len(images) > 1 or sample.name.lower() in (*TRAINING_FOLDERS, *OTHER_FOLDERS):
            return None  # two folders inside each
        if not images or not masks:
            raise DataError(
                f"{sample}: holds {len(images)} image(s) and {len(masks)} mask(s); in this layout each sample has "
                "one image and a mask for each object. Complete it or take it out."
            )
        pairs.append(Pair(sample.name, tuple(images), tuple(masks)))
    if not pairs or (len(pairs) == 1 and len(pairs[0].masks) == 1):
        return None
    return FolderPairs(folder, tuple(pairs), "a folder for each image, a mask file for each object")
