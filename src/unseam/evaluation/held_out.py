"""Predictions of what was held out, made once after training, in float32, by a network that did not learn from it.

The threshold of objects, the score in the model's record, the out-of-fold scores and the report all use this prediction.
"""

import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, Integer
from torch import nn

from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut, Split
from unseam.engines import TorchEngine
from unseam.evaluation.scoring import has_foreground, not_annotated, score_for_choice, score_maps, true_map
from unseam.heads import Head, Objects, Way
from unseam.inference import Averaging
from unseam.inference.averaging import averaged
from unseam.inference.predict import Predictor
from unseam.metrics import CalibrationError, CalibrationScore, PanopticQuality, PanopticScore, Scores

_WINDOWS = 4  # of an image, for the range of the score
_PAYS = 0.03
"""Panoptic quality by which a way to part objects must be better than that of the settings."""

Windows = list[tuple[int, Window]]
"""The parts of one image that were held out, each with its fold (from 0)."""


@dataclass(frozen=True, eq=False)
class HeldOutImage:
    """What was held out of one image, with its prediction.

    Attributes
    ----------
    window
        What was held out. If several folds held out parts of the image: the rectangle around them.
    folds
        The folds, from 1, whose networks predicted it.
    truth, predicted
        Class maps or instance maps in the frame of the window. The truth is 255 (classes) or -1 (instances) where nothing is
        annotated or held out.
    threshold, split
        How its objects were parted; None for classes.
    """

    sample: Sample
    window: Window
    folds: tuple[int, ...]
    truth: Integer[np.ndarray, "height width"]
    predicted: Integer[np.ndarray, "height width"]
    calibration: CalibrationScore
    threshold: float | None = None
    split: float | None = None


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """All that was held out, with its prediction.

    Attributes
    ----------
    images
        Each image once, those of the first fold first.
    parts
        What the split or the folds held out.
    objects
        How to separate objects, with the threshold and split that are best for all images. None if masks hold classes.
    """

    images: tuple[HeldOutImage, ...] = ()
    parts: tuple[HeldOut, ...] = ()
    objects: Objects | None = None

    @cached_property
    def score(self) -> float | None:
        """Panoptic quality of objects or mean IoU of classes, over all images; None without foreground in the truth."""
        of_objects = self.objects is not None
        if not any(has_foreground(image.truth, of_objects=of_objects) for image in self.images):
            return None
        pairs = [(image.predicted, image.truth) for image in self.images]
        return score_for_choice(pairs, of_objects=of_objects)

    @cached_property
    def score_range(self) -> tuple[float, float] | None:
        """The lowest and the highest score of a window: how certain the score is. None with fewer than two windows to score.

        A window is a quarter of what was held out of an image, cut across its longer axis, so that one image has a range, too.
        """
        of_objects, found = self.objects is not None, []
        for image in self.images:
            axis = int(np.argmax(image.truth.shape))
            quarters = (np.array_split(of_one, _WINDOWS, axis) for of_one in (image.truth, image.predicted))
            for truth, predicted in zip(*quarters, strict=True):
                if has_foreground(truth, of_objects=of_objects):
                    found.append(score_for_choice([(predicted, truth)], of_objects=of_objects))
        return (min(found), max(found)) if len(found) > 1 else None

    @cached_property
    def scores(self) -> Scores:
        """The scores of each image and of all, by the metrics of ``unseam evaluate``. Needs at least one image."""
        pairs = ((image.sample.name, image.predicted, image.truth) for image in self.images)
        return score_maps(pairs, of_objects=self.objects is not None)

    @property
    def calibration(self) -> CalibrationScore | None:
        """The calibration over all pixels; None if nothing was held out."""
        return CalibrationScore.together([image.calibration for image in self.images]) if self.images else None

    def to_json(self) -> dict[str, object]:
        """Return folds, thresholds, splits and scores of each image as plain lists, names and numbers for ``json.dump``."""
        folds = {image.sample.name: list(image.folds) for image in self.images}
        thresholds = {image.sample.name: image.threshold for image in self.images if image.threshold is not None}
        splits = {image.sample.name: image.split for image in self.images if image.split is not None}
        return {"folds": folds, "thresholds": thresholds, "splits": splits, **self.scores.to_json()}


def predict_held_out(
    nets: Sequence[nn.Module],
    head: Head,
    parts: Sequence[Split],
    objects: Sequence[Objects] | None,
    device: torch.device,
    *,
    tune: bool,
    average: Averaging = "none",
    trained: Sequence[HeldOut] = (),
) -> HeldOutPredictions:
    """Predict each held-out part once, by the network that did not learn from it, as ``unseam predict`` does.

    Parameters
    ----------
    nets, parts
        The network of each fold, and what it held out; one of each for a training without folds.
    head
        What the networks learnt.
    objects
        For instance masks: how to separate the objects of each network, before a way is chosen. None: masks hold classes.
    device
        Where to compute, in float32.
    tune
        Whether to choose threshold and split at all.
    average
        What the model averages over when it predicts. Rotations, which turn whole images, are not taken here.
    trained
        Parts that the network learnt from. They help to choose threshold and split and are not scored: two numbers learn
        nothing by heart, and a few strips show too few objects that touch (`docs/log.md`).
    """
    engines = [averaged(TorchEngine(net, str(device)), average, head) for net in nets]
    predictors = [Predictor(engine, head=head) for engine in engines]
    calibrate = CalibrationError()
    images: list[HeldOutImage] = []
    trials: list[_Trial] = []
    for sample, windows in _by_sample(parts):
        frame, probabilities, is_out = _predict(sample, windows, predictors)
        truth = _truth(sample, frame, is_out, of_objects=objects is not None)
        classes = truth if objects is None else _truth(sample, frame, is_out, of_objects=False)
        # Keep only maps: the probabilities of a whole cross-validation would not fit into memory.
        predicted = np.where(is_out, np.uint8(0), head.classes(probabilities))
        if objects is not None:
            # The threshold can be chosen only after the last image, so all candidates are separated now, from probabilities
            # that are about to go. An image that several folds share takes the settings of the first.
            likely, own = np.where(is_out, 0, head.foreground(probabilities)), objects[windows[0][0]]
            trials.append(_Trial(truth, likely, _candidates(head, own, tune=tune)))
        folds = tuple(fold + 1 for fold, _ in windows)
        images.append(HeldOutImage(sample, frame, folds, truth, predicted, calibrate(head.class_maps(probabilities), classes)))
    held_out = tuple(part for split in parts for part in split.validation)
    if objects is None:
        return HeldOutPredictions(tuple(images), held_out, None)
    default, chooses = (objects[0].threshold, objects[0].split), all(split.chooses for split in parts)
    for part in trained if tune and trials else ():
        maps = predictors[0].probabilities(part.sample.image, part.window.slices)
        truth = true_map(part.sample, part.window, of_objects=True)
        trials.append(_Trial(truth, head.foreground(maps), _candidates(head, objects[0], tune=tune)))
    for index, image in enumerate(images):
        # A held-out part of a training without folds may choose (`Split.chooses`): all images choose one way together.
        # In a cross-validation an image must not choose the way that it is scored with, so the images of other folds
        # choose it. If there are none (strips of one image), that of the settings stays.
        others = [trial for trial, other in zip(trials, images, strict=False) if not {*other.folds} & {*image.folds}]
        way = threshold, share = _best_way(trials if chooses else others, default)
        images[index] = replace(image, predicted=trials[index].instances(way), threshold=threshold, split=share)
    # The ensemble has one setting for all: the median of the folds' smallest objects, and the way that all images choose.
    smallest = sorted(of_net.min_size for of_net in objects)[len(objects) // 2]
    threshold, share = _best_way(trials, default)
    best = replace(objects[0], threshold=threshold, split=share, min_size=smallest)
    return HeldOutPredictions(tuple(images), held_out, best)


def with_smallest_object(objects: Objects, instances: Sequence[np.ndarray]) -> Objects:
    """Return the settings with a smallest size that fits the annotated objects: a quarter of their 5th percentile."""
    areas = np.concatenate([np.unique(ids[ids > 0], return_counts=True)[1] for ids in instances] or [np.zeros(0, int)])
    return replace(objects, min_size=int(np.percentile(areas, 5) / 4)) if areas.size else objects


def _candidates(head: Head, objects: Objects, *, tune: bool) -> list[Objects]:
    """Return the ways to separate objects, that of the settings first."""
    ways = [(objects.threshold, objects.split)]
    ways += head.ways if tune else ()
    return [replace(objects, threshold=threshold, split=split) for threshold, split in dict.fromkeys(ways)]


class _Trial:
    """The objects of one image by each candidate, compressed (to about a hundredth), with their scores."""

    def __init__(self, truth: np.ndarray, likely: Float[np.ndarray, "height width"], candidates: Sequence[Objects]) -> None:
        self._shape = truth.shape
        self._maps: dict[Way, bytes] = {}
        self.scores: dict[Way, PanopticScore] = {}
        for objects in candidates:
            instances = objects(likely)
            self._maps[objects.threshold, objects.split] = zlib.compress(instances.tobytes(), 1)
            self.scores[objects.threshold, objects.split] = PanopticQuality()(instances, truth)

    def instances(self, way: Way) -> Int32[np.ndarray, "height width"]:
        return np.frombuffer(zlib.decompress(self._maps[way]), np.int32).reshape(self._shape)


def _best_way(trials: Sequence[_Trial], default: Way) -> Way:
    """Return the candidate with the best panoptic quality, or ``default`` if that is not better by `_PAYS`.

    What the network has learnt by heart flatters the ways that part least (`docs/log.md`), so another way must clearly pay.
    """

    def quality(way: Way) -> float:
        return float(np.nan_to_num(PanopticScore.pool([one.scores[way] for one in trials])["panoptic_quality"]))

    if not trials:
        return default
    best = max(trials[0].scores, key=quality)
    return best if quality(best) > quality(default) + _PAYS else default


def _by_sample(parts: Sequence[Split]) -> list[tuple[Sample, Windows]]:
    # By identity: several folds hold out strips of one image, and the report shows them as one picture.
    found: dict[int, tuple[Sample, Windows]] = {}
    for fold, part in enumerate(parts):
        for held in part.validation:
            found.setdefault(id(held.sample), (held.sample, []))[1].append((fold, held.window))
    return sorted(found.values(), key=lambda entry: entry[1][0][0])


def _predict(
    sample: Sample, windows: Windows, predictors: Sequence[Predictor]
) -> tuple[Window, Float[np.ndarray, "klass height width"], Bool[np.ndarray, "height width"]]:
    """Predict each part of an image by its network.

    Returns the rectangle around the parts, the probabilities in it, and the mask of pixels that nothing held out.
    """
    tops, bottoms, lefts, rights = zip(*(astuple(window) for _, window in windows), strict=True)
    frame = Window(min(tops), max(bottoms), min(lefts), max(rights))
    size = frame.bottom - frame.top, frame.right - frame.left
    probabilities = np.zeros((predictors[0].engine.num_classes, *size), np.float32)
    probabilities[0] = 1  # between the parts: background
    is_out = np.ones(size, bool)
    for fold, window in windows:
        rows = slice(window.top - frame.top, window.bottom - frame.top)
        columns = slice(window.left - frame.left, window.right - frame.left)
        probabilities[:, rows, columns] = predictors[fold].probabilities(sample.image, window.slices)
        is_out[rows, columns] = False
    return frame, probabilities, is_out


def _truth(sample: Sample, frame: Window, is_out: Bool[np.ndarray, "height width"], *, of_objects: bool) -> np.ndarray:
    truth = true_map(sample, frame, of_objects=of_objects)
    return np.where(is_out, truth.dtype.type(not_annotated(of_objects=of_objects)), truth)
