"""Choose which annotated pixels to hold out from training, in order to score it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from unseam.data.orientations import crossing
from unseam.data.sample import Sample, Window
from unseam.settings import check_range
from unseam.shapes import IGNORE

_WHOLE_FILES_FROM = 5
_BLOCKS_FROM = 5
MOST_JUDGED = 1_500_000
"""px; the most that training scores, so that validation takes little of its time."""
_NOTHING = "no validation, the last weights are kept"


@dataclass(frozen=True)
class HeldOut:
    """A held-out part of a sample: only annotation inside the window counts."""

    sample: Sample
    window: Window


@dataclass(frozen=True)
class Split:
    """The samples to train on, the held-out parts, and a sentence about them for the user.

    ``chooses``: the held-out parts choose weights and threshold. Otherwise they only score, and the last weights are kept.
    """

    training: tuple[Sample, ...]
    validation: tuple[HeldOut, ...]
    reason: str
    chooses: bool = True


Parts = tuple[HeldOut, ...]
"""The held-out parts of one file."""


def split(samples: Sequence[Sample], fraction: float, seed: int, max_pixels: int = MOST_JUDGED) -> Split:
    """Hold out whole files if there are five or more, otherwise one end of each file.

    With few files, each shows something that the others do not, so only an end of it is held out: the first or last planes
    of a stack of five or more planes, or a strip across the end of an image's longer axis (its grey values may still be
    context of trained pixels). Planes of a stack are never mixed: neighbours look alike, and a plane between two trained
    planes would measure memory.

    A held-out part contains foreground, because a score without foreground says nothing, and leaves training at least half
    of its even share of each class. If no part does both, nothing is held out.

    Parameters
    ----------
    samples
        All annotated images; those of one :attr:`Sample.group` are planes of one file.
    fraction
        Share of the annotation to hold out; 0: nothing.
    seed
        Chooses the files or ends.
    max_pixels
        Limit on the pixels of held-out files, and on the scored planes of each.
    """
    check_range("data", "validation", fraction, 0.0, 0.9)
    if fraction == 0:
        return Split(tuple(samples), (), f"nothing is held out: {_NOTHING}")
    rng = np.random.default_rng([seed, 1])
    files = files_of(samples)
    if len(files) >= _WHOLE_FILES_FROM:
        chosen = _choose_files(files, fraction, rng, max_pixels, _Stock(samples, fraction))
        if chosen:
            # Training loses whole files; scoring reads only some planes of a long stack, or it would take too long.
            scored = [part for file in chosen for part in spread_evenly(file, max_pixels)]
            return Split(without(samples, chosen), keep_annotated(scored), _describe_files(chosen, len(files)))
        # No file can be spared as a whole. Files without foreground cannot give a scorable end either.
        files = [file for file in files if _has_foreground(whole_images(file))]
    ends = _choose_ends(files, fraction, rng, max_pixels, _Stock(samples, fraction))
    if not any(_has_foreground(parts) for parts in ends):
        reason = "too little is annotated to hold out foreground and leave enough of every class to learn from"
        return Split(tuple(samples), (), f"{reason}: {_NOTHING}")
    validation = keep_annotated(part for parts in ends for part in parts)
    return Split(without(samples, ends), validation, _describe_ends(ends, fraction, len(samples)))


class _Stock:
    """The pixels of each class left for training, and the fewest that it must keep."""

    def __init__(self, samples: Sequence[Sample], fraction: float | int) -> None:
        self.left = count_classes(whole_images(samples))
        self.least = self.left * (1 - fraction) / 2

    def allows(self, parts: Parts) -> bool:
        return bool((self.left - count_classes(parts) >= self.least).all())

    def take(self, parts: Parts) -> None:
        self.left = self.left - count_classes(parts)


def files_of(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Group samples by file or sequence, in their order; a sample without a group is a file."""
    files: dict[str | int, list[Sample]] = {}
    for index, sample in enumerate(samples):
        files.setdefault(sample.group or index, []).append(sample)
    return list(files.values())


def _choose_files(
    files: Sequence[Sequence[Sample]], fraction: float, rng: np.random.Generator, max_pixels: int, stock: _Stock
) -> list[Parts]:
    """Choose whole files in random order, one of them with foreground; none if no such file can be spared."""
    wholes = [whole_images(file) for file in files]
    order = [int(index) for index in rng.permutation(len(files))]
    # Foreground comes first: chance alone could hold out only empty images, and every score would be undefined.
    first = next((i for i in order if _has_foreground(wholes[i]) and stock.allows(wholes[i])), None)
    if first is None:
        return []
    chosen, pixels = [first], _num_pixels(wholes[first])
    stock.take(wholes[first])
    for index in order:
        if len(chosen) == max(1, round(fraction * len(files))):
            break
        parts = wholes[index]
        if index == first or not count_classes(parts).any() or not stock.allows(parts):
            continue
        pixels += _num_pixels(parts)
        if pixels > max_pixels:  # after the first file: one large file must not prevent validation
            break
        stock.take(parts)
        chosen.append(index)
    return [wholes[index] for index in sorted(chosen)]


def _choose_ends(
    files: Sequence[Sequence[Sample]], fraction: float, rng: np.random.Generator, max_pixels: int, stock: _Stock
) -> list[Parts]:
    """Choose an end of each file that can spare one, with foreground if either end has any."""
    ends: list[Parts] = []
    for file in files:
        # Each of a few files differs, so all of them are scored, whatever it costs; of many, some are enough.
        if len(files) >= _WHOLE_FILES_FROM and sum(map(_num_pixels, ends)) > max_pixels:
            break
        allowed = [parts for parts in _ends(file, fraction, rng, max_pixels) if stock.allows(parts)]
        # An end with nothing annotated scores nothing; one with all annotation leaves nothing of this file to learn from.
        allowed = [parts for parts in allowed if 0 < count_classes(parts).sum() < count_classes(whole_images(file)).sum()]
        best = next((parts for parts in allowed if _has_foreground(parts)), allowed[0] if allowed else None)
        if best is not None:
            stock.take(best)
            ends.append(best)
    return ends


def _ends(file: Sequence[Sample], fraction: float, rng: np.random.Generator, max_pixels: int) -> list[Parts]:
    """List the parts that may be held out of a file, in the order to try: planes of a long stack, then strips."""
    at_end = bool(rng.integers(2))
    ends = (at_end, not at_end)
    if file[0].place is not None:  # a volume that is seen from three sides: planes at an end of its longest axis
        axes = [one.place[0] for one in file if one.place is not None]
        longest = max(range(3), key=axes.count)
        file = [one for one, axis in zip(file, axes, strict=True) if axis == longest]
        strips = []
    else:
        strips = [tuple(HeldOut(plane, _strip(plane, fraction, end)) for plane in file) for end in ends]
    if len(file) < _BLOCKS_FROM:
        return strips
    most = max(1, max_pixels // file[0].window.num_pixels)
    number = min(most, max(1, round(fraction * len(file))))
    return [whole_images(file[-number:] if end else file[:number]) for end in ends] + strips


def _strip(sample: Sample, fraction: float, at_end: bool) -> Window:
    height, width = sample.classes.shape
    thickness = max(1, round(fraction * max(height, width)))
    if height >= width:
        return Window(height - thickness, height, 0, width) if at_end else Window(0, thickness, 0, width)
    return Window(0, height, width - thickness, width) if at_end else Window(0, height, 0, thickness)


def whole_images(samples: Sequence[Sample]) -> Parts:
    """Hold out all of the samples."""
    return tuple(HeldOut(sample, sample.window) for sample in samples)


def without(samples: Sequence[Sample], held_out: Sequence[Parts]) -> tuple[Sample, ...]:
    """Return the samples without their held-out annotation, to train on."""
    windows = {id(part.sample): part.window for parts in held_out for part in parts}
    left = [(sample, windows.get(id(sample))) for sample in samples]
    kept = tuple(s if window is None else s.without(window) for s, window in left if window != s.window)
    return tuple(_without_crossing(sample, held_out) for sample in kept)


def _without_crossing(sample: Sample, held_out: Sequence[Parts]) -> Sample:
    """Return a plane of a volume without the annotation that is held out in planes of another orientation."""
    for parts in held_out if sample.place is not None else ():
        places = [part.sample.place for part in parts if part.sample.group == sample.group and part.sample.place is not None]
        if places and places[0][0] != sample.place[0]:  # type: ignore[index]  # it has a place
            rows, columns = crossing(places[0][0], [number for _, number in places], sample.place[0])  # type: ignore[index]
            height, width = sample.classes.shape
            inside = (*rows.indices(height)[:2], *columns.indices(width)[:2])
            sample = sample.without(Window(*inside))
    return sample


def spread_evenly(parts: Parts, max_pixels: int = MOST_JUDGED) -> Parts:
    """Choose planes spread evenly over all, as many as ``max_pixels`` allows and at least one."""
    if not parts:
        return ()
    number = min(len(parts), max(1, max_pixels // parts[0].window.num_pixels))
    return tuple(parts[i] for i in np.linspace(0, len(parts) - 1, number).round().astype(int))


def middles(samples: Sequence[Sample], max_pixels: int = 4_000_000) -> Parts:
    """Return the middle of each sample, or of samples spread evenly over all, together of at most ``max_pixels``."""
    if not samples:
        return ()
    chosen = spread_evenly(whole_images(samples), max_pixels)
    return keep_annotated(HeldOut(part.sample, _middle(part.window, max_pixels // len(chosen))) for part in chosen)


def _middle(window: Window, max_pixels: int) -> Window:
    share = min(1.0, math.sqrt(max_pixels / window.num_pixels))
    height = max(1, min(int(share * window.bottom), max_pixels))
    width = max(1, min(int(share * window.right), max_pixels // height))
    top, left = (window.bottom - height) // 2, (window.right - width) // 2
    return Window(top, top + height, left, left + width)


def keep_annotated(parts: Iterable[HeldOut]) -> Parts:
    """Return the parts that have annotation."""
    return tuple(part for part in parts if count_classes((part,)).any())


def count_classes(parts: Parts) -> Int64[np.ndarray, "256"]:
    """Count the annotated pixels of each class."""
    counts = np.zeros(256, np.int64)
    for part in parts:
        counts += np.bincount(part.sample.classes[part.window.slices].ravel(), minlength=256)
    counts[IGNORE] = 0
    return counts


def _has_foreground(parts: Parts) -> bool:
    return bool(count_classes(parts)[1:].any())


def _num_pixels(parts: Parts) -> int:
    return sum(part.window.num_pixels for part in parts)


def _describe_files(chosen: Sequence[Parts], number: int) -> str:
    are_images = all(len(parts) == 1 for parts in chosen)
    names = ", ".join(parts[0].sample.group or parts[0].sample.name for parts in chosen)
    return f"held out for validation: {len(chosen)} of {number} {'images' if are_images else 'files'} ({names})"


def _describe_ends(ends: Sequence[Parts], fraction: float, number: int) -> str:
    blocks = [parts for parts in ends if parts[0].window == parts[0].sample.window]
    phrases = [f"{len(parts)} planes from {parts[0].sample.name} to {parts[-1].sample.name}" for parts in blocks]
    strips = sum(len(parts) for parts in ends) - sum(map(len, blocks))
    if strips:
        phrases.append(f"a strip of {fraction:.0%} of {strips} of {number} image(s)")
    return f"held out for validation: {' and '.join(phrases)}"
