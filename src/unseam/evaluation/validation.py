"""Validation during training: the score of the current weights on held-out windows, in the precision of training."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from unseam.data.split import HeldOut
from unseam.engines import TorchEngine
from unseam.evaluation.scoring import has_foreground, score_for_choice, true_map
from unseam.heads import Head, Objects
from unseam.inference.predict import Predictor
from unseam.nets import folded
from unseam.training import TrainState
from unseam.training.observers import ValidationScore


def prepare_validation(
    held_out: Sequence[HeldOut], head: Head, objects: Objects | None, device: torch.device
) -> Callable[[TrainState], ValidationScore] | None:
    """Return a function that scores the network of a state on held-out windows; None if they hold no foreground.

    Without foreground in the truth every network scores 0 or NaN, so the first weights would be as good as the last. For
    instance masks, ``objects`` says how to separate objects, and the score is panoptic quality. Without ``objects`` it is the
    mean IoU of the foreground classes.
    """
    of_objects = objects is not None
    truths = [true_map(part.sample, part.window, of_objects=of_objects) for part in held_out]
    if not any(has_foreground(truth, of_objects=of_objects) for truth in truths):
        return None

    def score(state: TrainState) -> ValidationScore:
        # Folded as in the model file, so that the score is that of the network that would be kept.
        predictor = Predictor(TorchEngine(folded(state.judged), str(device), state.dtype), head=head)
        maps = [predictor.probabilities(part.sample.image, part.window.slices) for part in held_out]
        classes = [head.classes(of_one) for of_one in maps]
        predicted = classes if objects is None else [objects(head.foreground(of_one)) for of_one in maps]
        pairs = list(zip(predicted, truths, strict=True))
        value = score_for_choice(pairs, of_objects=of_objects)
        foreground = sum(map(np.count_nonzero, classes)) / sum(part.window.num_pixels for part in held_out)
        return ValidationScore(0.0 if math.isnan(value) else value, float(foreground))

    return score
