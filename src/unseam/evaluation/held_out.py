"""Judges a network by what was held out, with the metric that fits the masks: the score that chooses the best weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from unseam.data.split import HeldOut
from unseam.engines import TorchEngine
from unseam.heads.objects import Objects
from unseam.inference.predict import Predictor, likeliest_class
from unseam.metrics import evaluate_class_maps, evaluate_instance_maps
from unseam.shapes import IGNORE
from unseam.training.observers import Score

SCORE_NAMES = {"instances": "panoptic quality", "classes": "mean IoU", "binary": "IoU"}


def judge(
    held_out: Sequence[HeldOut], objects: Objects | None, device: torch.device, dtype: torch.dtype
) -> Callable[[nn.Module], Score] | None:
    """A function that scores a network on held-out windows; None if nothing is held out that could tell networks apart.

    Without foreground in the truth every network scores 0 or nothing, so the first weights would be as good as the last.

    Parameters
    ----------
    held_out
        What to score on.
    objects
        For instance masks: how probabilities become objects. The score is then panoptic quality (Kirillov et al. 2019),
        F1 times the mean IoU of matched objects at IoU 0.5; without objects it is the mean IoU of the foreground classes.
    device, dtype
        Where and in what the network computes.
    """
    if not any(_has_foreground(part, objects) for part in held_out):
        return None

    def score_of(net: nn.Module) -> Score:
        predictor = Predictor(TorchEngine(net, str(device), dtype))
        maps = [predictor.probabilities(part.sample.image, part.window.slices) for part in held_out]
        foreground = sum(int(np.count_nonzero(likeliest_class(p))) for p in maps) / sum(h.window.num_pixels for h in held_out)
        if objects is None:
            truths = [part.sample.classes[part.window.slices] for part in held_out]
            pairs = [(h.sample.name, likeliest_class(p), t) for h, p, t in zip(held_out, maps, truths, strict=True)]
            value = evaluate_class_maps(pairs).pooled()["iou"]
        else:
            value = _panoptic_quality(held_out, maps, objects)
        return Score(0.0 if math.isnan(value) else float(value), foreground)

    return score_of


THRESHOLDS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.8)
"""Tried in this order: among equals the first is kept."""


def with_smallest_object(objects: Objects, instances: Sequence[np.ndarray]) -> Objects:
    """The same settings with a smallest size that fits the annotated objects: a quarter of their 5th percentile."""
    areas = np.concatenate([np.unique(ids[ids > 0], return_counts=True)[1] for ids in instances] or [np.zeros(0, int)])
    return replace(objects, min_size=int(np.percentile(areas, 5) / 4)) if areas.size else objects


def with_best_threshold(
    objects: Objects, net: nn.Module, held_out: Sequence[HeldOut], device: torch.device, dtype: torch.dtype
) -> tuple[Objects, float]:
    """The threshold with the best panoptic quality on what was held out, and that quality."""
    predictor = Predictor(TorchEngine(net, str(device), dtype))
    maps = [predictor.probabilities(part.sample.image, part.window.slices) for part in held_out]
    trials = [replace(objects, threshold=threshold) for threshold in THRESHOLDS]
    qualities = [_panoptic_quality(held_out, maps, trial) for trial in trials]
    best = int(np.argmax(qualities))
    return trials[best], qualities[best]


def _has_foreground(part: HeldOut, objects: Objects | None) -> bool:
    if objects is None:
        truth = part.sample.classes[part.window.slices]
        return bool(((truth > 0) & (truth != IGNORE)).any())
    assert part.sample.instances is not None
    return bool((part.sample.instances[part.window.slices] > 0).any())


def _panoptic_quality(held_out: Sequence[HeldOut], maps: Sequence[np.ndarray], objects: Objects) -> float:
    pairs = []
    for part, probabilities in zip(held_out, maps, strict=True):
        assert part.sample.instances is not None
        pairs.append((part.sample.name, objects(probabilities), part.sample.instances[part.window.slices]))
    scores = evaluate_instance_maps(pairs).pooled()
    return float(scores["f1"]) * float(np.nan_to_num(scores["mean_matched_iou"]))
