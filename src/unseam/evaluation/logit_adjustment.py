"""What the weights of the energy add to the scores of the classes, measured on the annotation.

A class or a border that weighs more in training becomes likelier in prediction than it is in the annotation. A number for
each class, added to its logit, takes that back.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Integer
from scipy import optimize
from scipy.special import logsumexp

from unseam.data.split import HeldOut
from unseam.evaluation.scoring import true_map
from unseam.heads import Head
from unseam.inference.predict import Predictor
from unseam.shapes import IGNORE

_PIXELS = 1_000_000
_FEWEST = 100
"""px; a class with fewer keeps its logit."""
_LARGEST = 3.0


def measure_logit_adjustment(
    predictor: Predictor, head: Head, parts: Sequence[HeldOut], seed: int
) -> Float64[np.ndarray, " k"]:
    """Return what to add to each class's logit so that the annotated classes become most probable, all pixels weighing alike.

    The background keeps its logit, and no other moves by more than 3. ``parts`` may have been learnt from: they overrate the
    confidence, but hardly the balance between the classes (`docs/log.md`).

    Source: Saerens et al. 2002, Neural Computation 14, 21-41, who correct for other class frequencies; here the numbers are
    fitted instead, because the weights of Eq. 2 belong to places, not to classes.
    """
    found = list(_drawn(predictor, head, parts, np.random.default_rng([seed, 3])))
    classes = np.concatenate([true for true, _ in found])
    log_p = np.concatenate([logs for _, logs in found])
    counts = np.bincount(classes, minlength=log_p.shape[1])
    moves = np.flatnonzero(counts >= _FEWEST)
    moves = moves[moves > 0]

    def cross_entropy(shifts: Float64[np.ndarray, " moving"]) -> tuple[float, Float64[np.ndarray, " moving"]]:
        logits = log_p.copy()
        logits[:, moves] += shifts
        logits -= logsumexp(logits, axis=1, keepdims=True)
        slope = np.exp(logits[:, moves]).sum(axis=0) - counts[moves]
        return -float(logits[np.arange(len(classes)), classes].mean()), slope / len(classes)

    adjustment = np.zeros(log_p.shape[1])
    if len(moves):
        limits = [(-_LARGEST, _LARGEST)] * len(moves)
        adjustment[moves] = optimize.minimize(cross_entropy, np.zeros(len(moves)), jac=True, bounds=limits).x
    return adjustment


def _drawn(
    predictor: Predictor, head: Head, parts: Sequence[HeldOut], rng: np.random.Generator
) -> Iterator[tuple[Integer[np.ndarray, " pixel"], Float64[np.ndarray, "pixel klass"]]]:
    """Yield annotated pixels of each part, drawn at random, as their classes and the logarithms of the probabilities."""
    for part in parts:
        maps = head.class_maps(predictor.probabilities(part.sample.image, part.window.slices))
        truth = true_map(part.sample, part.window, of_objects=False)
        places = np.flatnonzero(truth != IGNORE)
        chosen = rng.permutation(places)[: _PIXELS // len(parts)]
        likely = maps.reshape(len(maps), -1)[:, chosen].T.astype(np.float64)
        yield truth.ravel()[chosen].astype(np.intp), np.log(np.maximum(likely, np.finfo(np.float32).tiny))
