"""Scores from file to file: predictions and annotations are paired by name, and read by what the annotations hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unseam.data.labels import LabelKind, LabelReading, judge_labels, to_class_map, to_instance_map
from unseam.data.layout import find_images, stem_of
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
        If files are missing, do not pair, or cannot be read. Annotations without a prediction are an error: leaving an
        image out must not raise a score.
    """
    truths = _by_stem(find_images([truth]))
    maps = {stem: read_labels(path).planes() for stem, path in truths.items()}
    reading = judge_labels(
        [plane for planes in maps.values() for plane in planes],
        names=[f"{truths[stem].name}" for stem, planes in maps.items() for _ in planes],
        kind=None if masks == "auto" else masks,
        ignore=ignore,
    )
    pairs = _pairs(_predictions(predicted, reading.kind), truths, single=truth.is_file() and predicted.is_file())
    triples = [
        triple
        for stem, prediction, annotation in pairs
        for triple in _triples(stem, prediction, annotation, maps[stem_of(annotation)], reading)
    ]
    score = evaluate_instance_maps if reading.kind == "instances" else evaluate_class_maps
    return Evaluation(score(triples), reading.kind, reading.reason)


def _triples(
    stem: str, prediction: Path, annotation: Path, truth_planes: Sequence[np.ndarray], reading: LabelReading
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
        name = stem if len(truth_planes) == 1 else f"{stem} plane {index}"
        triples.append((name, converted, convert(truth, reading)))
    return triples


def _predictions(predicted: Path, kind: LabelKind) -> dict[str, Path]:
    """Label maps by stem; where a folder has both, the one that fits what the annotations hold."""
    found: dict[str, Path] = {}
    for path in find_images([predicted]):
        if path.stem.endswith(_NO_LABELS):
            continue
        stem = stem_of(path)
        if stem in found and not path.stem.endswith(_SUFFIX_OF[kind]):
            continue
        found[stem] = path
    return found


def _pairs(predictions: dict[str, Path], truths: dict[str, Path], *, single: bool) -> list[tuple[str, Path, Path]]:
    if single:
        ((stem, truth),) = truths.items()
        (prediction,) = predictions.values()
        return [(stem, prediction, truth)]
    common = [stem for stem in truths if stem in predictions]
    if not common:
        raise DataError(
            f"No prediction has the name of an annotation (predictions: {_some(predictions)}; annotations: "
            f"{_some(truths)}). They are paired by name: x_masks.tif or x_classes.tif and x.png."
        )
    extra = [stem for stem in predictions if stem not in truths]
    missing = [stem for stem in truths if stem not in predictions]
    if missing and not extra:
        return [(stem, predictions[stem], truths[stem]) for stem in common]
    if missing:
        raise DataError(
            f"{len(missing)} annotation(s) have no prediction ({_some(missing)}) and {len(extra)} prediction(s) have no "
            f"annotation ({_some(extra)}). They are paired by name."
        )
    return [(stem, predictions[stem], truths[stem]) for stem in common]


def _by_stem(paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        stem = stem_of(path)
        if stem in found:
            raise DataError(f"{found[stem]} and {path} have the same name. Give one annotation for each image.")
        found[stem] = path
    return found


def _some(names: Sequence[str] | dict[str, Path], most: int = 3) -> str:
    shown = ", ".join(list(names)[:most])
    return shown + (", ..." if len(names) > most else "") if names else "none"
