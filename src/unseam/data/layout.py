"""Match images with masks in the usual layouts of a folder of annotated images.

=====================  ==========================================================================================
layout                 files
=====================  ==========================================================================================
two folders            ``images/x.tif`` and ``masks/x.png``: the default; also ``train/images`` and ``train/masks``
one folder             ``x.tif`` and ``x_masks.tif`` (Cellpose, Fiji); ``train-volume.tif`` and ``train-labels.tif``
nnU-Net                ``imagesTr/case_0000.png`` (0000 is the channel) and ``labelsTr/case.png``
Cell Tracking          ``01/t000.tif`` and ``01_GT/SEG/man_seg000.tif`` (or ``01_ST``)
one file per object    ``id/images/id.png`` and ``id/masks/*.png`` (Data Science Bowl 2018)
annotated here         two folders and ``annotate.toml``, which says what the masks hold (:mod:`unseam.data.declaration`)
=====================  ==========================================================================================

Only names matter here; :mod:`unseam.data.read_pair` opens the files.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from unseam.data.challenge_layouts import find_cell_tracking, find_nnunet, find_one_file_per_object
from unseam.data.declaration import find_declared
from unseam.data.file_names import (
    IMAGE_ENDINGS,
    IMAGE_FOLDERS,
    MASK_ENDINGS,
    MASK_FOLDERS,
    OTHER_FOLDERS,
    TRAINING_FOLDERS,
    find_images,
    group_by_stem,
    name_key,
    readable_files,
    split_by_ending,
    subfolder,
    subfolders,
    visible_files,
)
from unseam.data.left_out import advice_on_unread, find_left_out, holds_images_and_masks
from unseam.data.pairs import FolderPairs, Pair, check_not_empty, check_partners
from unseam.errors import DataError

__all__ = ["Pair", "FolderPairs", "find_pairs", "find_images"]


def find_pairs(folder: Path | str) -> FolderPairs:
    """Find the images and their masks in a folder of any known layout.

    Raises
    ------
    DataError
        No such folder, no images, an image without a mask or a mask without an image (names the first, counts all), two
        files with the same name, or an unknown layout.
    """
    folder = Path(folder)
    if not folder.exists():
        raise DataError(f"{folder}: there is no such folder. Check the name.")
    if not folder.is_dir():
        raise DataError(
            f"{folder} is a file; training needs a folder that contains the folders images and masks. Give that folder."
        )
    for find in _LAYOUTS:
        found = find(folder)
        if found is not None:
            used = [path for pair in found.pairs for path in (*pair.images, *pair.masks)]
            return found if found.left_out else replace(found, left_out=find_left_out(folder, used))
    raise DataError(_describe_unknown(folder))


def _two_folders(folder: Path) -> FolderPairs | None:
    images, masks = subfolder(folder, IMAGE_FOLDERS), subfolder(folder, MASK_FOLDERS)
    if images is None or masks is None:
        return None
    is_empty = not any(visible_files(place) or subfolders(place) for place in (images, masks))
    if is_empty and set(subfolders(folder)) != {
        images,
        masks,
    }:  # the data may lie beside them
        return None
    candidates, _ = split_by_ending(check_not_empty(images))
    image_of, mask_of = group_by_stem(candidates), group_by_stem(check_not_empty(masks))
    if set(image_of) != set(mask_of):
        image_of, mask_of = group_by_stem(candidates, IMAGE_ENDINGS), group_by_stem(mask_of.values(), MASK_ENDINGS)
    check_partners(image_of, mask_of, images, masks)
    pairs = tuple(Pair(name, (path,), (mask_of[name],)) for name, path in image_of.items())
    return FolderPairs(folder, pairs, f"the folders {images.name} and {masks.name}")


def _one_folder(folder: Path) -> FolderPairs | None:
    images, masks = split_by_ending(readable_files(folder))
    if not masks:
        return None
    notes: tuple[str, ...] = ()
    corrected = {name_key(path).removesuffix("_masks") for path in masks if not name_key(path).endswith("_cp_masks")}
    outdated = [p for p in masks if name_key(p).endswith("_cp_masks") and name_key(p).removesuffix("_cp_masks") in corrected]
    if outdated:
        masks = [path for path in masks if path not in outdated]
        notes = (f"ignored: {len(outdated)} file(s) _cp_masks, because _masks of the same images exist",)
    image_of, mask_of = group_by_stem(images), group_by_stem(masks, MASK_ENDINGS)
    if set(image_of) != set(mask_of):
        image_of = group_by_stem(images, IMAGE_ENDINGS)
    check_partners(image_of, mask_of, folder, folder)
    pairs = tuple(Pair(name, (path,), (mask_of[name],)) for name, path in image_of.items())
    endings = sorted({name_key(path)[len(name) :] for name, path in mask_of.items()})
    return FolderPairs(folder, pairs, f"one folder, masks end in {' or '.join(endings)}", notes=notes)


def _training_folder(folder: Path) -> FolderPairs | None:
    inner = subfolder(folder, TRAINING_FOLDERS)
    if inner is None:
        return None
    found = find_pairs(inner)
    others = [path.name for path in subfolders(folder) if path.name.lower() in OTHER_FOLDERS]
    notes = (f"ignored: the folder(s) {', '.join(others)}",) if others else ()
    return replace(found, folder=folder, layout=f"{inner.name}: {found.layout}", notes=(*found.notes, *notes))


_LAYOUTS: tuple[Callable[[Path], FolderPairs | None], ...] = (
    find_declared,  # nothing is guessed where the masks are declared
    find_nnunet,
    _two_folders,  # the files of the folder itself come before folders of single images or sequences in it
    _one_folder,
    find_cell_tracking,
    find_one_file_per_object,
    _training_folder,
)


def _describe_unknown(folder: Path) -> str:
    files = readable_files(folder)
    inside = subfolders(folder)
    folders = [path.name for path in inside]
    complete = [path.name for path in inside if holds_images_and_masks(path)]
    remedy = advice_on_unread(folder)
    if complete:
        remedy += f" {' and '.join(complete[:3])} in it would do: give that folder, or one of them."
    if any(path.name.endswith("_seg.npy") for path in files):
        remedy += " Cellpose's _seg.npy files are not read: save the masks as TIFF in Cellpose (File > Save masks)."
    return (
        f"{folder}: no annotated images were recognised among {len(files)} readable file(s) and the folders "
        f"{', '.join(folders[:6]) or '(none)'}. Put images into a folder images and their masks, with the same names, into a "
        f"folder masks next to it; or name the mask of x.tif x_masks.tif.{remedy}"
    )
