"""The choice between objects and classes: which metrics apply, and which map of a sample is the truth."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Integer

from unseam.data.sample import Sample, Window
from unseam.metrics import (
    ImagePair,
    Metric,
    Overlap,
    OverlapScore,
    PanopticQuality,
    PanopticScore,
    Scores,
    evaluate_class_maps,
    evaluate_instance_maps,
)
from unseam.shapes import IGNORE, NOT_ANNOTATED

MapPair = tuple[Integer[np.ndarray, "_ _"], Integer[np.ndarray, "_ _"]]
"""Predicted map and true map, of one size; pairs of one sequence may differ in size."""


def score_for_choice(pairs: Sequence[MapPair], *, of_objects: bool) -> float:
    """Return the figure that chooses weights and thresholds, over all pairs together; `KindFacts.score_name` names it.

    It is the panoptic quality of instance maps, or the mean IoU of the foreground classes of class maps: 0 to 1, or NaN if
    there is nothing to score.
    """
    if of_objects:
        quality = PanopticQuality()
        return float(PanopticScore.pool([quality(*pair) for pair in pairs])["panoptic_quality"])
    overlap = Overlap()
    return float(OverlapScore.pool([overlap(*pair) for pair in pairs])["iou"])


def score_maps(
    pairs: Iterable[ImagePair | tuple[str, np.ndarray, np.ndarray]],
    *,
    of_objects: bool,
    metrics: Sequence[Metric] | None = None,
) -> Scores:
    """Compute all scores of instance maps or of class maps, see :mod:`unseam.metrics.evaluate`."""
    return (evaluate_instance_maps if of_objects else evaluate_class_maps)(pairs, metrics=metrics)


def true_map(sample: Sample, window: Window, *, of_objects: bool) -> Integer[np.ndarray, "height width"]:
    """Return the annotated instance map (int32) or class map (uint8) of a window, in the frame of the window."""
    if not of_objects:
        return sample.classes[window.slices]
    assert sample.instances is not None
    return sample.instances[window.slices]


def not_annotated(*, of_objects: bool) -> int:
    """Return the value of a true map where nothing is annotated."""
    return NOT_ANNOTATED if of_objects else IGNORE


def has_foreground(truth: Integer[np.ndarray, "height width"], *, of_objects: bool) -> bool:
    """Whether anything but background is annotated. Without it, every network scores 0 or NaN."""
    return bool(((truth > 0) & (truth != not_annotated(of_objects=of_objects))).any())
