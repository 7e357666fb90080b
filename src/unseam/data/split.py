"""Which annotated pixels are kept from training, to judge it by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseam.data.sample import Sample, Window
from unseam.settings import check_range
from unseam.shapes import IGNORE

_WHOLE_IMAGES_FROM = 5


@dataclass(frozen=True)
class HeldOut:
    """A part of a sample by which training is judged: only its annotation inside the window counts."""

    sample: Sample
    window: Window


@dataclass(frozen=True)
class Split:
    """What is trained on, what is held out, and the sentence that tells the user."""

    training: tuple[Sample, ...]
    validation: tuple[HeldOut, ...]
    reason: str


def split(samples: Sequence[Sample], fraction: float, seed: int, max_pixels: int = 1_500_000) -> Split:
    """Hold out whole images when there are five or more, otherwise a strip of each image.

    With few images each of them shows something that the others do not: rather than lose one, the strip across the end
    of its longer axis is held out (never trained on, though its grey values may be seen as context).

    Parameters
    ----------
    samples
        All annotated images.
    fraction
        Share of the annotation to hold out; 0 holds out nothing.
    seed
        Chooses the images, or the end of each image.
    max_pixels
        Held-out images are taken until they have this many pixels: validation must not eat the time of training.
    """
    check_range("data", "validation", fraction, 0.0, 0.9)
    rng = np.random.default_rng([seed, 1])
    if fraction == 0:
        return Split(tuple(samples), (), "nothing is held out: no validation, the last weights are kept")
    if len(samples) >= _WHOLE_IMAGES_FROM:
        return _by_images(samples, fraction, rng, max_pixels)
    return _by_strips(samples, fraction, rng)


def _by_images(samples: Sequence[Sample], fraction: float, rng: np.random.Generator, max_pixels: int) -> Split:
    order = rng.permutation(len(samples))
    wanted = max(1, round(fraction * len(samples)))
    chosen: list[int] = []
    pixels = 0
    for index in order[:wanted]:
        pixels += samples[index].window.num_pixels
        if chosen and pixels > max_pixels:
            break
        chosen.append(int(index))
    held_out = tuple(HeldOut(samples[i], samples[i].window) for i in sorted(chosen))
    training = tuple(s for i, s in enumerate(samples) if i not in chosen)
    names = ", ".join(h.sample.name for h in held_out)
    return Split(training, held_out, f"held out for validation: {len(held_out)} of {len(samples)} images ({names})")


def _by_strips(samples: Sequence[Sample], fraction: float, rng: np.random.Generator) -> Split:
    training: list[Sample] = []
    held_out: list[HeldOut] = []
    for sample in samples:
        window = _strip(sample, fraction, at_end=bool(rng.integers(2)))
        rest = sample.without(window)
        inside = sample.classes[window.slices]
        if (inside != IGNORE).any() and len(np.unique(rest.classes[rest.classes != IGNORE])) > 1:
            training.append(rest)
            held_out.append(HeldOut(sample, window))
        else:  # too little is annotated to give any of it away
            training.append(sample)
    reason = f"held out for validation: a strip of {fraction:.0%} of {len(held_out)} of {len(samples)} image(s)"
    if not held_out:
        reason = "too little is annotated to hold any of it out: no validation, the last weights are kept"
    return Split(tuple(training), tuple(held_out), reason)


def _strip(sample: Sample, fraction: float, at_end: bool) -> Window:
    height, width = sample.classes.shape
    thickness = max(1, round(fraction * max(height, width)))
    if height >= width:
        return Window(height - thickness, height, 0, width) if at_end else Window(0, thickness, 0, width)
    return Window(0, height, width - thickness, width) if at_end else Window(0, height, 0, thickness)
