"""Cross-validation: cut the annotation into folds, so that each pixel is scored by a model that was not trained on it.

======================================  ==============================================================
data set                                one fold holds out
======================================  ==============================================================
at least as many files as folds         whole files (all planes of a stack, all frames of a sequence)
fewer files, but enough planes          a run of neighbouring planes; the planes next to it are not used
fewer images than folds                 a strip across each image
======================================  ==============================================================
"""

from collections.abc import Sequence

import numpy as np

from unseam.data.sample import Sample, Window
from unseam.data.split import HeldOut, Parts, Split, count_classes, files_of, keep_annotated, whole_images, without
from unseam.errors import DataError
from unseam.settings import check_range

MOST_FOLDS = 50
_GAP_FROM = 3  # planes per run; in shorter runs a gap loses too much annotation for the leak that it prevents


def split_into_folds(samples: Sequence[Sample], number: int, seed: int) -> tuple[Split, ...]:
    """Cut the annotation into ``number`` folds; each annotated pixel is held out by exactly one, for scoring only.

    Samples of one :attr:`Sample.group` are planes of one file or frames of one sequence, in order. The seed chooses which
    files share a fold.

    Raises
    ------
    SettingsError
        The number of folds is out of range.
    DataError
        A fold would have nothing to learn from, images are too small to cut, or there are fewer volumes than folds.
    """
    check_range("data", "folds", number, 2, MOST_FOLDS)
    files = files_of(samples)
    if len(files) < number and any(sample.place is not None for sample in samples):
        raise DataError(f"{len(files)} volume(s) cannot be cut into {number} folds. Use at most as many folds as volumes.")
    if len(files) >= number:
        parts = _by_file(files, number, np.random.default_rng([seed, 3]))
    elif len(samples) >= number:
        parts = _by_run([sample for file in files for sample in file], number)
    else:
        parts = _by_strip(samples, number)
    for part in parts:
        if not count_classes(whole_images(part.training)).any():
            raise DataError(
                f"With {number} folds, one fold holds out all annotation ({part.reason}). Use fewer folds, or annotate more."
            )
    return tuple(parts)


def _by_file(files: Sequence[Sequence[Sample]], number: int, rng: np.random.Generator) -> list[Split]:
    order = [int(index) for index in rng.permutation(len(files))]
    splits = []
    for fold in range(number):
        chosen = sorted(order[fold::number])
        names = ", ".join(files[i][0].name if len(files[i]) == 1 else files[i][0].group for i in chosen)
        training = tuple(sample for i, file in enumerate(files) if i not in chosen for sample in file)
        held_out = keep_annotated(part for i in chosen for part in whole_images(files[i]))
        splits.append(Split(training, held_out, f"held out: {len(chosen)} of {len(files)} ({names})", chooses=False))
    return splits


def _by_run(planes: Sequence[Sample], number: int) -> list[Split]:
    """Cut into runs of neighbours; leave out the planes of the same file next to a run, which look like it."""
    gap = 1 if len(planes) // number >= _GAP_FROM else 0
    splits = []
    for run in np.array_split(np.arange(len(planes)), number):
        first, last = int(run[0]), int(run[-1])
        sides = ((first, first - gap), (last, last + gap))
        unused = {i for end, i in sides if gap and 0 <= i < len(planes) and _are_neighbours(planes[end], planes[i])}
        training = tuple(p for i, p in enumerate(planes) if not first <= i <= last and i not in unused)
        names = f"{planes[first].name} to {planes[last].name}"
        note = f"; {len(unused)} next to them are not used" if unused else ""
        reason = f"held out: {len(run)} of {len(planes)} neighbouring planes or frames ({names}){note}"
        splits.append(Split(training, keep_annotated(whole_images(planes[first : last + 1])), reason, chooses=False))
    return splits


def _are_neighbours(one: Sample, other: Sample) -> bool:
    return one.group == other.group != ""


def _by_strip(samples: Sequence[Sample], number: int) -> list[Split]:
    for sample in samples:
        if max(sample.classes.shape) < number:
            size = " x ".join(map(str, sample.classes.shape))
            raise DataError(f"{sample.name} has {size} px, too small to cut into {number} folds. Use fewer folds.")
    splits = []
    for fold in range(number):
        held_out: Parts = tuple(HeldOut(sample, _strip(sample, fold, number)) for sample in samples)
        reason = f"held out: strip {fold + 1} of {number} of each of {len(samples)} image(s)"
        splits.append(Split(without(samples, [held_out]), keep_annotated(held_out), reason, chooses=False))
    return splits


def _strip(sample: Sample, fold: int, number: int) -> Window:
    """Return strip number ``fold`` of ``number`` strips across the longer axis."""
    height, width = sample.classes.shape
    low, high = (max(height, width) * i // number for i in (fold, fold + 1))
    return Window(low, high, 0, width) if height >= width else Window(0, height, low, high)
