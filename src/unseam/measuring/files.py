"""Files of label maps, and the images that belong to them by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from unseam.data.cases import Case, find_cases
from unseam.data.file_names import normal_form, readable_files, stem, subfolders, without_ending
from unseam.data.kinds import LabelKind, MaskChoice, facts_of_kind
from unseam.data.label_evidence import whole_numbers
from unseam.data.mask_colours import settle_masks
from unseam.data.read_pair import read_case
from unseam.errors import DataError
from unseam.evaluation.pairing import kind_by_ending, label_files
from unseam.evaluation.reading import guess_kind
from unseam.evaluation.truths import name_of
from unseam.io import read_labels
from unseam.io.large import LargeImage, is_store, open_large
from unseam.io.large.stored_image import StoredImage, held_image
from unseam.measuring.pieces import with_pieces
from unseam.measuring.sources import Measured, OpenSource

_LARGE = 2**26  # px; a label map above this is read by windows
_STORE_ENDINGS = ("_seg", "-seg")
_MOST_LOOKED_AT = 16
_LOOK = 2048  # px, side of what is looked at of a large map


@dataclass(frozen=True)
class Files:
    """What the files hold, a sentence on how that is known, and how to open each."""

    kind: LabelKind
    reason: str
    names: tuple[str, ...]
    sources: tuple[OpenSource, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Map:
    """A file of labels, or one label image of a store."""

    name: str
    path: Path
    kind: LabelKind | None = None
    classes: Path | None = None

    def open(self) -> LargeImage:
        return open_labels(self.path)


def open_labels(path: Path) -> StoredImage:
    """Open a label map: whole if it is small, otherwise by windows. Raises ImageReadError or LabelError."""
    if is_store(path):
        return open_large(path)[0]
    if path.suffix.lower() in (".tif", ".tiff", ".btf", ".npy"):
        large = open_large(path)[0]
        if large.num_planes * large.height * large.width > _LARGE and large.num_channels == 1:
            return large
    file = read_labels(path)
    return held_image(settle_masks([file])[0] if file.palette is not None else file)


def find_files(masks: Sequence[Path], images: Sequence[Path], kind: MaskChoice, *, pieces: bool) -> Files:
    """Find the label maps in files, folders or stores, and pair them with images.

    Parameters
    ----------
    images
        Files, folders or stores; empty: nothing but shapes is measured.
    kind
        What the maps hold; ``auto``: as their names or else their numbers say.
    pieces
        Whether each connected piece of a class is an object.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If there is no label map, if names do not pair, or if images are given for maps without objects.
    """
    maps = [one for place in masks for one in _find_maps(place)]
    known, reason = _kind_of(maps, kind)
    chosen = _of_kind(maps, known)
    names = tuple(one.name for one in chosen)
    of_image, notes = _pair(chosen, images)
    if not facts_of_kind(known).has_objects:
        if images and not pieces:
            raise no_objects(str(chosen[0].path), known)
        if pieces:
            sources = [partial(_open_pieces, one, of_image.get(one.name)) for one in chosen]
            return Files("instances", f"{reason} Each connected piece counts as an object.", names, tuple(sources), notes)
    elif pieces:
        raise DataError(f"{chosen[0].path} holds objects already, so there are no pieces to number. Leave out --pieces.")
    return Files(known, reason, names, tuple(partial(_open, one, of_image.get(one.name)) for one in chosen), notes)


def no_objects(name: str, kind: LabelKind) -> DataError:
    """Return the error for maps without objects where objects are needed."""
    holds = "foreground and background" if facts_of_kind(kind).has_pieces else "classes"
    return DataError(
        f"{name} holds {holds}, not one number per object, and objects are needed here. Give --pieces to count each connected "
        "piece as an object; predict again with --save instances for objects that are parted where they touch; or give --masks "
        "instances if each number is an object."
    )


def _find_maps(place: Path) -> list[_Map]:
    if is_store(place):
        return _in_store(place)
    stores = [path for path in subfolders(place) if is_store(path)] if place.is_dir() else []
    if stores:
        found = [one for store in stores for one in _in_store(store) if not store.name.split(".")[0].endswith("-prob")]
        found = [one for one in found if one.kind is not None] or found  # without stores of images that lie next to them
        named = [(path, kind_by_ending([path])) for path in readable_files(place)]
        return found + [_Map(name_of(path), path, kind) for path, kind in named if kind is not None]
    return [_Map(name_of(path), path, kind_by_ending([path])) for path in label_files(place)]


def _in_store(store: Path) -> list[_Map]:
    """Return the objects of each image of a store, or else the image itself, which then holds labels."""
    name = without_ending(stem(store.with_suffix("")) if store.suffix == ".zarr" else store.name, _STORE_ENDINGS)
    found = []
    for image in open_large(store):
        group = image.path / image.position if image.position else image.path
        objects = group / "labels" / "objects"
        full = f"{name}/{image.position}" if image.position else name
        if is_store(objects):
            found.append(_Map(full, objects, "instances", group))
        else:
            found.append(_Map(full, group, "classes" if is_store(group / "labels" / "classes") else None))
    return found


def _kind_of(maps: Sequence[_Map], kind: MaskChoice) -> tuple[LabelKind, str]:
    if kind != "auto":
        return kind, f"Read as {kind}, as requested."
    kinds = [one.kind for one in maps]
    of_objects = [known for known in kinds if known is not None and facts_of_kind(known).has_objects]
    if of_objects:
        return of_objects[0], "Each number is one object, as the names say."
    if kinds[0] is not None and None not in kinds:
        return kinds[0], "The numbers are classes, as the names say."
    sample = [_look_at(one.open()) for one in maps[:: max(1, len(maps) // _MOST_LOOKED_AT)]]
    guessed = guess_kind(sample, [])
    facts = facts_of_kind(guessed)
    of_classes = "there is one foreground" if facts.has_pieces else "numbers are classes"
    seen = "each number is one object" if facts.has_objects else of_classes
    return guessed, f"By the look of the numbers, {seen} (--masks settles it)."


def _look_at(labels: LargeImage) -> np.ndarray:
    """Return the middle of the first plane."""
    top, left = max(0, (labels.height - _LOOK) // 2), max(0, (labels.width - _LOOK) // 2)
    window = slice(top, min(labels.height, top + _LOOK)), slice(left, min(labels.width, left + _LOOK))
    found = labels.read(0, *window)
    return whole_numbers(found[..., 0] if labels.has_channels else found, str(labels.path))


def _of_kind(maps: Sequence[_Map], kind: LabelKind) -> list[_Map]:
    """Return one map for each name; where an image has objects and classes, the classes go along with the objects."""
    has_objects = facts_of_kind(kind).has_objects
    result: dict[str, _Map] = {}
    for one in maps:
        fits = one.kind is None or facts_of_kind(one.kind).has_objects == has_objects
        mine = one if fits or one.classes is None else replace(one, path=one.classes, classes=None)
        other = result.get(one.name)
        if other is None:
            result[one.name] = mine
        elif _is_of(other, has_objects) != _is_of(one, has_objects):
            objects, classes = (one, other) if _is_of(one, has_objects) == has_objects else (other, one)
            result[one.name] = replace(objects, classes=classes.path) if has_objects else classes
        else:
            raise DataError(f"{other.path} and {one.path} both belong to {one.name!r}. Give one label map for each image.")
    lacking = [one for one in result.values() if has_objects and not _is_of(one, has_objects)]
    if lacking and len(lacking) < len(result):
        raise DataError(
            f"{lacking[0].path} holds classes, while other files hold objects. Measure them apart, or add its objects."
        )
    return list(result.values())


def _is_of(one: _Map, has_objects: bool) -> bool:
    """Whether the name says objects; a name that says nothing holds what all hold."""
    return has_objects if one.kind is None else facts_of_kind(one.kind).has_objects


def _pair(maps: Sequence[_Map], images: Sequence[Path]) -> tuple[Mapping[str, Case], tuple[str, ...]]:
    if not images:
        return {}, ()
    cases = [case for image in images for case in _cases(image)]
    if len(maps) == len(cases) == 1:
        return {maps[0].name: cases[0]}, ()
    by_name: dict[str, Case] = {}
    for case in cases:
        key = normal_form(case.name)
        if key in by_name:
            raise DataError(
                f"{by_name[key].images[0]} and {case.images[0]} have the same name. Give one image for each label map."
            )
        by_name[key] = case
    found = {one.name: by_name[name] for one in maps if (name := normal_form(one.name)) in by_name}
    lacking = [one.name for one in maps if one.name not in found]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(maps)} label map(s) have no image ({', '.join(lacking[:3])}; images: "
            f"{', '.join(list(by_name)[:3]) or 'none'}). They pair by name: x_masks.tif belongs to x.tif or x.png."
        )
    num_more = len(by_name) - len(found)
    return found, (f"{num_more} image(s) without a label map are left out",) if num_more else ()


def _cases(place: Path) -> list[Case]:
    stores = [place] if is_store(place) else [p for p in subfolders(place) if is_store(p)] if place.is_dir() else []
    if stores:
        return [Case(name, (path,)) for store in stores for name, path in _positions(store)]
    return find_cases([place])


def _positions(store: Path) -> list[tuple[str, Path]]:
    name = store.name.split(".")[0] if store.suffix == ".zarr" else store.name
    images = open_large(store)
    return [(f"{name}/{one.position}" if one.position else name, one.path / one.position) for one in images]


def open_image(case: Case) -> StoredImage:
    """Open an image from one file, by windows where its format allows it, or from a file for each channel."""
    return open_large(case.images[0])[0] if len(case.images) == 1 else held_image(read_case(case.images))


def _open(one: _Map, case: Case | None) -> Measured:
    classes = None if one.classes is None else open_labels(one.classes)
    return Measured(one.name, one.open(), None if case is None else open_image(case), classes)


def _open_pieces(one: _Map, case: Case | None) -> Measured:
    labels, classes = with_pieces(one.open())
    return Measured(one.name, labels, None if case is None else open_image(case), classes)
