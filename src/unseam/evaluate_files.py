"""Scores from file to file: predictions and annotations are paired by name, and read for what both sides hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unseam.data.file_names import readable_files, split_by_ending, stem
from unseam.data.labels import LabelKind
from unseam.data.read_pair import read_mask
from unseam.data.scoring import ScoredReading, kind_by_looking, read_for_scoring
from unseam.data.truths import Truths, find_truths, name_of
from unseam.errors import DataError
from unseam.io import read_labels
from unseam.metrics import Scores, evaluate_class_maps, evaluate_instance_maps

_SUFFIX_OF = {"instances": "_masks", "binary": "_classes", "classes": "_classes"}
_NO_LABELS = ("_prob", "_overlay")


@dataclass(frozen=True)
class Evaluation:
    """Scores, what was scored, and the sentence that says why."""

    scores: Scores
    kind: LabelKind
    reason: str


@dataclass(frozen=True)
class _Scored:
    """One image of both sides, plane by plane, as its files hold it."""

    name: str
    predicted: list[np.ndarray]
    true: list[np.ndarray]


def evaluate_files(
    predicted: Path,
    truth: Path,
    *,
    masks: Literal["auto", "binary", "classes", "instances"] = "auto",
    ignore: int | None = None,
) -> Evaluation:
    """Score a file or folder of predictions against a file or folder of annotations.

    Parameters
    ----------
    predicted
        A file, or a folder. Files whose names end in ``_masks`` hold objects, in ``_classes`` classes; of others, it is
        found out by looking.
    truth
        A file, a folder of annotations with the same names (``x_masks.tif`` and ``x.png`` belong together), or a folder of
        images and masks in any layout that :func:`unseam.data.layout.find_pairs` knows.
    masks
        What is to be scored, if that is known; ``binary`` takes everything but the background as foreground.
    ignore
        Value of the annotations for "not annotated". In predictions it is a value like any other.

    Raises
    ------
    DataError, LabelError, ImageReadError
        If files are missing, do not pair, or cannot be read. A prediction without an annotation is an error, except where
        a part of the images is annotated as a rule (Cell Tracking Challenge); how many are left out is said in ``reason``.
    """
    truths = find_truths(truth)
    ignore = truths.ignore if ignore is None else ignore
    files = _label_files(predicted)
    kind = masks if masks != "auto" else _kind_by_ending(files) or _kind_by_looking(files, truths, ignore)
    predictions = _predictions(files, kind)
    pairs, num_alone = _pairs(predictions, truths, single=truth.is_file() and predicted.is_file())
    scored = [_read(name, predictions[name], truths.masks[annotation]) for name, annotation in pairs]
    reading = read_for_scoring(
        [plane for one in scored for plane in one.true],
        [plane for one in scored for plane in one.predicted],
        kind,
        said=masks != "auto",
        ignore=ignore,
    )
    score = evaluate_instance_maps if reading.kind == "instances" else evaluate_class_maps
    left_out = len(truths.masks) - len(pairs)
    reason = f"{reading.reason} {left_out} annotation(s) without a prediction are left out." if left_out else reading.reason
    if num_alone:
        reason += f" {num_alone} prediction(s) without an annotation are left out."
    return Evaluation(score([triple for one in scored for triple in _triples(one, reading)]), reading.kind, reason)


def _triples(one: _Scored, reading: ScoredReading) -> list[tuple[str, np.ndarray, np.ndarray]]:
    names = [one.name] if len(one.true) == 1 else [f"{one.name} plane {index}" for index in range(len(one.true))]
    planes = zip(names, one.predicted, one.true, strict=True)
    return [(name, reading.prediction(predicted), reading.truth(true)) for name, predicted, true in planes]


def _read(name: str, prediction: Path, annotation: tuple[Path, ...]) -> _Scored:
    predicted, true = read_labels(prediction).planes(), read_mask(annotation).planes()
    if len(predicted) != len(true):
        raise DataError(
            f"{prediction} has {len(predicted)} plane(s), {annotation[0]} has {len(true)}. Both must have the same: check "
            "that they belong together."
        )
    return _Scored(name, predicted, true)


def _label_files(predicted: Path) -> list[Path]:
    if not predicted.exists():
        raise DataError(f"{predicted}: there is no such file or folder. Check the name.")
    files = readable_files(predicted) if predicted.is_dir() else [predicted]
    if not files:
        raise DataError(f"{predicted}: this folder holds no label map that can be read (TIFF, PNG, NumPy).")
    kept = [path for path in files if not stem(path).endswith(_NO_LABELS)]
    if not kept:
        raise DataError(
            f"{predicted} is no prediction that can be scored: probabilities (_prob) and pictures (_overlay) are left "
            "out. Give the _classes or _masks files."
        )
    return split_by_ending(kept)[1] or kept  # without the images, where results stand beside them


def _kind_by_ending(files: Sequence[Path]) -> LabelKind | None:
    """What the names of all predictions say; None if they say nothing, or not the same."""
    if all(stem(path).endswith("_masks") for path in files):
        return "instances"
    return "classes" if all(stem(path).endswith("_classes") for path in files) else None


def _kind_by_looking(files: Sequence[Path], truths: Truths, ignore: int | None) -> LabelKind:
    """At the annotations, and at those predictions whose names say nothing."""
    nameless = [path for path in files if not stem(path).endswith(("_masks", "_classes"))]
    maps = [(paths[0].name, plane) for paths in truths.masks.values() for plane in read_mask(paths).planes()]
    maps += [(path.name, plane) for path in nameless for plane in read_labels(path).planes()]
    return kind_by_looking([plane for _, plane in maps], [name for name, _ in maps], ignore)


def _predictions(files: Sequence[Path], kind: LabelKind) -> dict[str, Path]:
    """Label maps by name; where a folder has both, the one that fits what is scored."""
    found: dict[str, Path] = {}
    for path in files:
        name, fits = name_of(path), stem(path).endswith(_SUFFIX_OF[kind])
        fitted = name in found and stem(found[name]).endswith(_SUFFIX_OF[kind])
        if name in found and fits == fitted:
            raise DataError(f"{found[name]} and {path} are both of {name!r}. Give one prediction for each image.")
        if name not in found or fits:
            found[name] = path
    return found


def _pairs(predictions: dict[str, Path], truths: Truths, *, single: bool) -> tuple[list[tuple[str, str]], int]:
    """Names of predictions and annotations that belong together, and how many predictions are alone."""
    if single:
        return [(next(iter(predictions)), next(iter(truths.masks)))], 0
    names = [(name, truths.name_for(name)) for name in predictions]
    pairs = [(name, annotation) for name, annotation in names if annotation is not None]
    extra = [name for name, annotation in names if annotation is None]
    if extra and not (pairs and truths.is_partial):
        raise DataError(
            f"{len(extra)} of {len(predictions)} prediction(s) have no annotation ({_some(extra)}; annotations: "
            f"{_some(list(truths.masks))}). They are paired by name: x_masks.tif or x_classes.tif belongs to x.png."
        )
    first: dict[str, str] = {}
    for name, annotation in pairs:
        if first.setdefault(annotation, name) != name:
            raise DataError(
                f"{predictions[first[annotation]]} and {predictions[name]} are both of {annotation!r}. Give one prediction "
                "for each image."
            )
    return pairs, len(extra)


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown + (", ..." if len(names) > most else "") if names else "none"
