"""Out-of-fold scores: every annotated image predicted once, by the network that did not see it."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import nn

from unseam.data.labels import LabelKind
from unseam.data.sample import Sample, Window
from unseam.data.split import Split
from unseam.engines import TorchEngine
from unseam.evaluation.held_out import THRESHOLDS
from unseam.heads.objects import Objects
from unseam.inference.predict import Predictor
from unseam.metrics import ObjectScore, ObjectScores, Scores, evaluate_class_maps, evaluate_instance_maps
from unseam.shapes import IGNORE, NOT_ANNOTATED


@dataclass(frozen=True)
class OutOfFold:
    """Scores of the images that were held out.

    Attributes
    ----------
    kind
        What was scored.
    scores
        By the metrics of ``unseam evaluate``.
    folds
        For each image the folds, from 1, that predicted it; several, if each predicted a strip.
    thresholds
        For each image the threshold of its objects, chosen by the images of the other folds; empty where there are none.
    objects
        How the ensemble takes objects: by the threshold that did best on all images; None where masks hold classes.
    """

    kind: LabelKind
    scores: Scores
    folds: tuple[tuple[int, ...], ...]
    thresholds: tuple[float, ...]
    objects: Objects | None

    @property
    def value(self) -> float | None:
        """The score by which training is judged, over all images; None if there was nothing to score."""
        pooled = self.scores.pooled()
        value = pooled["iou"]
        if self.kind == "instances":
            value = pooled["f1"] * float(np.nan_to_num(pooled["mean_matched_iou"]))
        return None if math.isnan(value) else float(value)

    def to_json(self) -> dict[str, object]:
        """Plain lists, names and numbers for ``json.dump``."""
        folds = dict(zip(self.scores.names, map(list, self.folds), strict=True))
        thresholds = dict(zip(self.scores.names, self.thresholds, strict=False))
        return {"masks": self.kind, "folds": folds, "thresholds": thresholds, **self.scores.to_json()}


def out_of_fold(
    nets: Sequence[nn.Module], objects: Sequence[Objects], parts: Sequence[Split], kind: LabelKind, device: torch.device
) -> OutOfFold | None:
    """Predict what each fold held out by the network of that fold, as ``unseam predict`` does, and score it.

    Objects need a threshold. It is not chosen by the image that it serves: of each image, by those that other folds held
    out; where none is of another fold (strips of one image), it is that of the settings.

    Parameters
    ----------
    nets, objects, parts
        Of each fold that was trained, in the same order: its network, how it takes objects, what it held out.
    kind
        What the masks hold.
    device
        Where to compute, in float32.

    Returns
    -------
    OutOfFold or None
        None if nothing was held out that is annotated.
    """
    held_out = _by_sample(parts)
    if not held_out:
        return None
    predictors = [Predictor(TorchEngine(net, str(device))) for net in nets]
    names = tuple(sample.name for sample, _ in held_out)
    folds = tuple(tuple(fold + 1 for fold, _ in windows) for _, windows in held_out)
    if kind != "instances":
        maps = (_probabilities(sample, windows, predictors).argmax(0).astype(np.uint8) for sample, windows in held_out)
        truths = (_true_classes(sample, windows) for sample, windows in held_out)
        return OutOfFold(kind, evaluate_class_maps(zip(names, maps, truths, strict=True)), folds, (), None)
    tried = [_Tried(sample, windows, predictors, objects[windows[0][0]]) for sample, windows in held_out]
    thresholds = tuple(_chosen([t for t in tried if not t.folds & one.folds], objects[0].threshold) for one in tried)
    pairs = ((name, one.instances(threshold), one.truth) for name, one, threshold in zip(names, tried, thresholds, strict=True))
    smallest = sorted(of_fold.min_size for of_fold in objects)[len(objects) // 2]
    best = replace(objects[0], threshold=_chosen(tried, objects[0].threshold), min_size=smallest)
    return OutOfFold(kind, evaluate_instance_maps(pairs), folds, thresholds, best)


Windows = list[tuple[int, Window]]
"""Which fold (from 0) predicts which part of an image."""


class _Tried:
    """The objects of one image at every threshold, compressed (of most maps a hundredth is left), and how good they are."""

    def __init__(self, sample: Sample, windows: Windows, predictors: Sequence[Predictor], objects: Objects) -> None:
        self.folds = frozenset(fold for fold, _ in windows)
        self.truth = _true_instances(sample, windows)
        self._maps: dict[float, bytes] = {}
        self.scores: dict[float, ObjectScore] = {}
        probabilities = _probabilities(sample, windows, predictors)
        for threshold in dict.fromkeys((objects.threshold, *THRESHOLDS)):
            instances = replace(objects, threshold=threshold)(probabilities)
            self._maps[threshold] = zlib.compress(instances.tobytes(), 1)
            self.scores[threshold] = ObjectScores()(instances, self.truth)

    def instances(self, threshold: float) -> Int32[np.ndarray, "height width"]:
        """The objects at a threshold that was tried."""
        return np.frombuffer(zlib.decompress(self._maps[threshold]), np.int32).reshape(self.truth.shape)


def _chosen(tried: Sequence[_Tried], default: float) -> float:
    """The threshold with the best panoptic quality; the default where there is nothing to choose by, and among equals."""

    def quality(threshold: float) -> float:
        pooled = ObjectScore.pool([one.scores[threshold] for one in tried])
        return float(np.nan_to_num(pooled["f1"])) * float(np.nan_to_num(pooled["mean_matched_iou"]))

    return max(dict.fromkeys((default, *THRESHOLDS)), key=quality) if tried else default


def _by_sample(parts: Sequence[Split]) -> list[tuple[Sample, Windows]]:
    found: dict[int, tuple[Sample, Windows]] = {}
    for fold, part in enumerate(parts):
        for held in part.validation:
            found.setdefault(id(held.sample), (held.sample, []))[1].append((fold, held.window))
    return sorted(found.values(), key=lambda entry: entry[1][0][0])


def _probabilities(
    sample: Sample, windows: Windows, predictors: Sequence[Predictor]
) -> Float[np.ndarray, "klass height width"]:
    """Each part of an image from the fold that did not see it; background where no fold was trained."""
    result: np.ndarray | None = None
    for fold, window in windows:
        part = predictors[fold].probabilities(sample.image, window.slices)
        if result is None:
            result = np.zeros((len(part), *sample.classes.shape), np.float32)
            result[0] = 1.0
        result[:, window.slices[0], window.slices[1]] = part
    assert result is not None
    return result


def _true_classes(sample: Sample, windows: Windows) -> np.ndarray:
    return np.where(_predicted(sample, windows), sample.classes, np.uint8(IGNORE))


def _true_instances(sample: Sample, windows: Windows) -> Int32[np.ndarray, "height width"]:
    assert sample.instances is not None
    return np.where(_predicted(sample, windows), sample.instances, np.int32(NOT_ANNOTATED))


def _predicted(sample: Sample, windows: Windows) -> np.ndarray:
    inside = np.zeros(sample.classes.shape, bool)
    for _, window in windows:
        inside[window.slices] = True
    return inside
