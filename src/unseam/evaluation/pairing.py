"""Pairs of files to score against each other. Their planes are read on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unseam.data.file_names import MASK_ENDINGS, readable_files, split_by_ending, stem, without_ending
from unseam.data.kinds import facts_of_kind
from unseam.data.labels import LabelKind
from unseam.data.left_out import advice_on_unread
from unseam.data.mask_colours import MaskColours
from unseam.data.read_pair import read_mask
from unseam.errors import DataError
from unseam.evaluation.truths import Truths, name_of
from unseam.io import ImageFile, read_image

_NO_LABELS = ("_prob", "_overlay")
_PROBABILITIES = "_prob"
_HELD = 2**28  # bytes of label maps to keep; others are read again


@dataclass(frozen=True)
class FilePair:
    """The files of one image, and its name in the table. Several files of ``truth`` hold one object each."""

    name: str
    predicted: Path
    truth: tuple[Path, ...]
    probabilities: Path | None


@dataclass(frozen=True)
class FilePairs:
    """All images to score, and how many files are left out on each side."""

    files: tuple[FilePair, ...]
    num_truths_alone: int
    num_predictions_alone: int


class LabelCache:
    """Reads label maps and keeps a few: a small set is read once, and a large set is never in memory as a whole."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, ...], ImageFile] = {}  # as read
        self._bytes = 0
        self._colours = MaskColours()

    def agree(self, files: Sequence[tuple[Path, ...]], *, are_objects: bool) -> None:
        """Hold the palettes of label maps against each other; from now on the numbers of these have one meaning.

        ``are_objects``: each number is one object. Raises LabelError if the palettes contradict.
        """
        self._colours = MaskColours(are_objects=are_objects)
        for paths in files:
            self._colours.add(self._read(paths))

    def labels(self, paths: tuple[Path, ...]) -> ImageFile:
        """Return a label map, from one file or from one file for each object."""
        return self._colours.settled(self._read(paths))

    def _read(self, paths: tuple[Path, ...]) -> ImageFile:
        if paths not in self._kept:
            file = read_mask(paths)
            self._bytes += file.pixels.nbytes
            if self._bytes > _HELD:
                self._kept.clear()
                self._bytes = file.pixels.nbytes
            self._kept[paths] = file
        return self._kept[paths]


class Planes(Sequence[np.ndarray]):
    """The planes of many label maps. Only those in the cache are in memory."""

    def __init__(self, files: Sequence[tuple[Path, ...]], cache: LabelCache) -> None:
        self._files, self._cache = tuple(files), cache
        numbers = [len(cache.labels(paths).planes()) for paths in self._files]
        self._plane_of = [(file, plane) for file, number in enumerate(numbers) for plane in range(number)]

    def __len__(self) -> int:
        return len(self._plane_of)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]  # slices are not needed
        file, plane = self._plane_of[index]
        return self._cache.labels(self._files[file]).planes()[plane]


def label_files(predicted: Path) -> list[Path]:
    """List the label maps in a file or a folder of predictions; DataError if there are none."""
    if not predicted.exists():
        raise DataError(f"{predicted}: no such file or folder. Check the name.")
    files = readable_files(predicted) if predicted.is_dir() else [predicted]
    if not files:
        raise DataError(
            f"{predicted}: this folder holds no label map that can be read (TIFF, PNG, NumPy).{advice_on_unread(predicted)}"
        )
    kept = [path for path in files if not stem(path).endswith(_NO_LABELS)]
    if not kept:
        raise DataError(
            f"{predicted}: no prediction to score, only probabilities (_prob) or pictures (_overlay). Give the _classes or "
            "_masks files."
        )
    return split_by_ending(kept)[1] or kept  # without images that lie next to the results


def kind_by_ending(files: Sequence[Path]) -> LabelKind | None:
    """Return what the names of all predictions say about their content; None if they differ or say nothing."""
    if all(stem(path).endswith("_masks") for path in files):
        return "instances"
    return "classes" if all(stem(path).endswith("_classes") for path in files) else None


def maps_to_look_at(files: Sequence[Path], truths: Truths, cache: LabelCache) -> tuple[Planes, Planes]:
    """Return the annotations, and the predictions whose names say nothing about their content; their palettes must agree."""
    annotations = [*truths.masks.values()]
    nameless = [(path,) for path in files if not stem(path).endswith(("_masks", "_classes"))]
    cache.agree([*annotations, *nameless], are_objects=False)
    return Planes(annotations, cache), Planes(nameless, cache)


def pair_files(files: Sequence[Path], truths: Truths, kind: LabelKind, *, single: bool) -> FilePairs:
    """Find the annotation of each prediction, and the probabilities next to it.

    If an image has a file of classes and one of objects, ``kind`` chooses between them. ``single`` means that the user gave one
    file on each side, which belong together whatever their names. Raises DataError if two predictions belong to one image, or
    if a prediction has no annotation, unless the layout leaves images without annotation.
    """
    predictions = _predictions(files, kind)
    pairs, num_alone = _pairs(predictions, truths, single=single)
    scored = (
        FilePair(name, predictions[name], truths.masks[annotation], _probabilities(predictions[name]))
        for name, annotation in pairs
    )
    return FilePairs(tuple(scored), len(truths.masks) - len(pairs), num_alone)


def _probabilities(prediction: Path) -> Path | None:
    name = without_ending(stem(prediction), MASK_ENDINGS)  # as it is written, not as names are compared
    paths = (prediction.with_name(f"{name}{_PROBABILITIES}{ending}") for ending in (".tif", ".tiff", ".npy", ".npz"))
    return next((path for path in paths if path.is_file()), None)


def read_probabilities(path: Path, num_planes: int) -> list[np.ndarray]:
    """Read the probabilities (K, H, W) of each plane, as ``unseam predict`` writes them or as an array of that shape.

    Raises DataError if the file has no channels or another number of planes, and ImageReadError if it cannot be read.
    """
    file = read_image(path)
    if "C" not in file.axes and file.plane_axes and num_planes == 1:  # an array says nothing about its axes
        return [file.pixels.astype(np.float32, copy=False)]
    planes = file.planes()
    if file.num_channels < 2 or len(planes) != num_planes:
        raise DataError(
            f"{path} has {len(planes)} plane(s) of {file.num_channels} channel(s), but its label map has {num_planes} "
            "plane(s). Probabilities need the planes of the label map, with a channel for each class, background "
            "included. Write them with unseam predict --probabilities, or move the file away."
        )
    return [np.moveaxis(plane, -1, 0).astype(np.float32, copy=False) for plane in planes]


def _predictions(files: Sequence[Path], kind: LabelKind) -> dict[str, Path]:
    """Return the label maps by name. If an image has two, the suffix that fits ``kind`` decides."""
    found: dict[str, Path] = {}
    for path in files:
        name, fits = name_of(path), stem(path).endswith(facts_of_kind(kind).suffix)
        fitted = name in found and stem(found[name]).endswith(facts_of_kind(kind).suffix)
        if name in found and fits == fitted:
            raise DataError(f"{found[name]} and {path} both belong to {name!r}. Give one prediction for each image.")
        if name not in found or fits:
            found[name] = path
    return found


def _pairs(predictions: dict[str, Path], truths: Truths, *, single: bool) -> tuple[list[tuple[str, str]], int]:
    """Return the pairs of names of predictions and annotations, and the number of predictions without annotation."""
    if single:
        return [(next(iter(predictions)), next(iter(truths.masks)))], 0
    names = [(name, truths.name_for(name)) for name in predictions]
    pairs = [(name, annotation) for name, annotation in names if annotation is not None]
    extra = [name for name, annotation in names if annotation is None]
    if extra and not (pairs and truths.is_partial):
        raise DataError(
            f"{len(extra)} of {len(predictions)} prediction(s) have no annotation ({_some(extra)}; annotations: "
            f"{_some(list(truths.masks))}). Files pair by name: x_masks.tif or x_classes.tif belongs to x.png."
            + _hint(extra[0], truths)
        )
    first: dict[str, str] = {}
    for name, annotation in pairs:
        if first.setdefault(annotation, name) != name:
            raise DataError(
                f"{predictions[first[annotation]]} and {predictions[name]} both belong to {annotation!r}. Give one prediction "
                "for each image."
            )
    return pairs, len(extra)


def _hint(name: str, truths: Truths) -> str:
    """Return what probably happened to the annotation of a prediction."""
    similar = [other for other in truths.masks if other.casefold() == name.casefold()]
    if similar:
        return f" {name} and {similar[0]} differ in upper and lower case only: write both alike."
    return "".join(one.sentence for one in truths.left_out)


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown + (", ..." if len(names) > most else "") if names else "none"
