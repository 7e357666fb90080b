"""Objects or classes: the one place that chooses the metrics, and what of a sample is compared with a prediction."""

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

MapPair = tuple[Integer[np.ndarray, "height width"], Integer[np.ndarray, "height width"]]
"""Predicted map, true map."""


def score_for_choice(pairs: Sequence[MapPair], *, of_objects: bool) -> float:
    """The one figure that chooses weights and thresholds, over all pairs together; `KindFacts.score_name` is its name.

    Parameters
    ----------
    pairs
        Predicted and true maps of the held-out parts.
    of_objects
        True: the maps hold objects, and the figure is panoptic quality. False: they hold classes, and it is the mean IoU of
        the foreground classes.

    Returns
    -------
    float
        0 to 1; NaN if there is nothing to score.
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
    """All scores of instance maps, or of class maps; see the two functions of :mod:`unseam.metrics.evaluate`."""
    return (evaluate_instance_maps if of_objects else evaluate_class_maps)(pairs, metrics=metrics)


def true_map(sample: Sample, window: Window, *, of_objects: bool) -> Integer[np.ndarray, "height width"]:
    """The annotated instance map (int32) or class map (uint8) in a window, in the frame of the window."""
    if not of_objects:
        return sample.classes[window.slices]
    assert sample.instances is not None
    return sample.instances[window.slices]


def not_annotated(*, of_objects: bool) -> int:
    """The value of a true map where nothing is annotated."""
    return NOT_ANNOTATED if of_objects else IGNORE


def has_foreground(truth: Integer[np.ndarray, "height width"], *, of_objects: bool) -> bool:
    """Whether anything but background is annotated. Without it, every network scores 0 or nothing."""
    return bool(((truth > 0) & (truth != not_annotated(of_objects=of_objects))).any())
