"""Scores from file to file: predictions and annotations are paired by name, and read by what the annotations hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unseam.data.file_names import MASK_ENDINGS, readable_files, stem, without_ending
from unseam.data.labels import LabelKind, LabelReading, judge_labels, to_class_map, to_instance_map
from unseam.errors import DataError, LabelError
from unseam.io import read_labels
from unseam.metrics import Scores, evaluate_class_maps, evaluate_instance_maps

_SUFFIX_OF = {"instances": "_masks", "binary": "_classes", "classes": "_classes"}
_NO_LABELS = ("_prob", "_overlay")


@dataclass(frozen=True)
class Evaluation:
    """Scores, what the annotations were taken to hold, and the sentence that says why."""

    scores: Scores
    kind: LabelKind
    reason: str


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
    predicted, truth
        Two files, or two folders whose files have the same stems (``x_masks.tif`` and ``x.png`` belong together).
    masks, ignore
        What the annotations hold, if that is known, and their value for "not annotated".

    Raises
    ------
    DataError, LabelError, ImageReadError
        If files are missing, do not pair, or cannot be read. A prediction without an annotation is an error; how many
        annotations have no prediction is said in ``reason``.
    """
    truths = _by_name(_files(truth))
    maps = {name: read_labels(path).planes() for name, path in truths.items()}
    reading = judge_labels(
        [plane for planes in maps.values() for plane in planes],
        names=[truths[name].name for name, planes in maps.items() for _ in planes],
        kind=None if masks == "auto" else masks,
        ignore=ignore,
    )
    pairs = _pairs(_predictions(predicted, reading.kind), truths, single=truth.is_file() and predicted.is_file())
    triples = [
        triple
        for name, prediction, annotation in pairs
        for triple in _triples(name, prediction, annotation, maps[name_of(annotation)], reading)
    ]
    score = evaluate_instance_maps if reading.kind == "instances" else evaluate_class_maps
    left_out = len(truths) - len(pairs)
    reason = f"{reading.reason} {left_out} annotation(s) without a prediction are left out." if left_out else reading.reason
    return Evaluation(score(triples), reading.kind, reason)


def _triples(
    pair: str, prediction: Path, annotation: Path, truth_planes: Sequence[np.ndarray], reading: LabelReading
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    predicted_planes = read_labels(prediction).planes()
    if len(predicted_planes) != len(truth_planes):
        raise DataError(f"{prediction} has {len(predicted_planes)} plane(s), {annotation} has {len(truth_planes)}.")
    convert = to_instance_map if reading.kind == "instances" else to_class_map
    triples = []
    for index, (predicted, truth) in enumerate(zip(predicted_planes, truth_planes, strict=True)):
        try:
            converted = convert(predicted, reading)
        except LabelError as error:
            raise LabelError(f"{prediction}: {error}") from error
        name = pair if len(truth_planes) == 1 else f"{pair} plane {index}"
        triples.append((name, converted, convert(truth, reading)))
    return triples


def _predictions(predicted: Path, kind: LabelKind) -> dict[str, Path]:
    """Label maps by stem; where a folder has both, the one that fits what the annotations hold."""
    found: dict[str, Path] = {}
    for path in _files(predicted):
        if stem(path).endswith(_NO_LABELS):
            continue
        name, fits = name_of(path), stem(path).endswith(_SUFFIX_OF[kind])
        fitted = name in found and stem(found[name]).endswith(_SUFFIX_OF[kind])
        if name in found and fits == fitted:
            raise DataError(f"{found[name]} and {path} are both of {name!r}. Give one prediction for each image.")
        if name not in found or fits:
            found[name] = path
    if not found:
        raise DataError(
            f"{predicted} is no prediction that can be scored: probabilities (_prob) and pictures (_overlay) are left "
            "out. Give the _classes or _masks files."
        )
    return found


def _pairs(predictions: dict[str, Path], truths: dict[str, Path], *, single: bool) -> list[tuple[str, Path, Path]]:
    if single:
        ((name, truth),) = truths.items()
        (prediction,) = predictions.values()
        return [(name, prediction, truth)]
    extra = [name for name in predictions if name not in truths]
    if extra:
        raise DataError(
            f"{len(extra)} of {len(predictions)} prediction(s) have no annotation ({_some(extra)}; annotations: "
            f"{_some(list(truths))}). They are paired by name: x_masks.tif or x_classes.tif belongs to x.png."
        )
    return [(name, prediction, truths[name]) for name, prediction in predictions.items()]


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        name = name_of(path)
        if name in found:
            raise DataError(f"{found[name]} and {path} have the same name. Give one annotation for each image.")
        found[name] = path
    return found


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise DataError(f"{place}: there is no such file or folder. Check the name.")
    files = readable_files(place) if place.is_dir() else [place]
    if not files:
        raise DataError(f"{place}: this folder holds no label map that can be read (TIFF, PNG, NumPy).")
    return files


def name_of(path: Path) -> str:
    """The name that pairs a prediction with its annotation: ``x`` of ``x_masks.tif`` and of ``x.png``."""
    return without_ending(stem(path), (*MASK_ENDINGS, "_classes"))


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown + (", ..." if len(names) > most else "") if names else "none"
